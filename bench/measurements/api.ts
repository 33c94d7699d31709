import { Wire } from '../support/api.ts'
import { type BenchCluster, startCluster } from '../support/cluster.ts'
import { type Measurement, type Row, rounded } from '../support/measurement.ts'
import { podText } from '../support/pod-text.ts'
import { processorMs } from '../support/process-use.ts'
import { inFlight, median, percentile } from '../support/statistics.ts'

const width = 64
const pods = 5_000
const watchers = 100
const createsGoal = 6_000
const path = (namespace: string, name = '') => `/api/v1/namespaces/${namespace}/pods${name && `/${name}`}`

export const api: Measurement = {
  name: 'api',
  about:
    'Pods of 2 KB over HTTPS with client certificates, kept-alive connections, SQLite durable, ' +
    'every admission, controller and one simulated node running; the pods name a scheduler of their own, so that only the API works. ' +
    'The client shares the machine.',
  async *run(): AsyncIterable<Row> {
    await using cluster = await startCluster({ runtime: 'simulated' })
    for (const namespace of ['warm', 'load', 'fan'])
      await cluster.api.json('POST', '/api/v1/namespaces', { metadata: { name: namespace } })
    const wires = await Promise.all(Array.from({ length: width }, () => Wire.open(cluster.api.keys)))
    try {
      yield* createsAndReads(cluster, wires)
      yield await list(cluster)
      yield* await fanOut(cluster, wires)
    } finally {
      for (const wire of wires) wire[Symbol.dispose]()
    }
  },
}

async function* createsAndReads(cluster: BenchCluster, wires: Wire[]): AsyncIterable<Row> {
  await create(wires, 'warm', 1_500)
  const created = await use(cluster, pods, () => create(wires, 'load', pods))
  yield {
    what: 'creates, 64 in flight',
    value: created.text,
    goal: `≥ ${rounded(createsGoal)}/s`,
    reached: created.perSecond >= createsGoal,
    note: `${created.cost}; one at a time: ${await alone(wires)}`,
  }
  const get = (wire: Wire, i: number) => ok(wire, 'GET', path('load', `p${(i * 7919) % pods}`))
  await spread(wires, 2_000, get)
  const got = await use(cluster, 10_000, () => spread(wires, 10_000, get))
  yield { what: 'gets, 64 in flight', value: got.text, note: got.cost }
}

const create = (wires: Wire[], namespace: string, count: number) =>
  spread(wires, count, (wire, i) => ok(wire, 'POST', path(namespace), podText(`p${i}`)))

async function alone(wires: Wire[]): Promise<string> {
  const { each } = await spread(wires.slice(0, 1), 300, (wire, i) =>
    ok(wire, 'POST', path('warm'), podText(`alone-${i}`)),
  )
  return `p50 ${rounded(median(each), 1)} ms, p99 ${rounded(percentile(each, 0.99), 1)} ms`
}

/** `total` calls, one after another on each connection. */
async function spread(
  wires: Wire[],
  total: number,
  one: (wire: Wire, i: number) => Promise<unknown>,
): Promise<{ ms: number; each: number[] }> {
  const free = [...wires]
  return inFlight(wires.length, total, async i => {
    const wire = free.pop()!
    await one(wire, i)
    free.push(wire)
  })
}

async function ok(wire: Wire, method: string, url: string, body?: string): Promise<void> {
  const status = await wire.send(method, url, body)
  if (status >= 300) throw new Error(`${method} ${url} answered ${status}`)
}

/** Runs `work` of `count` requests; its rate, its times, and what each request cost the server. */
async function use(cluster: BenchCluster, count: number, work: () => Promise<{ ms: number; each: number[] }>) {
  const before = processorMs(cluster.pid)
  const { ms, each } = await work()
  const after = processorMs(cluster.pid)
  const perSecond = (count * 1000) / ms
  const mainMicros = ((after.main - before.main) * 1000) / count
  const allMicros = ((after.all - before.all) * 1000) / count
  return {
    perSecond,
    text: `${rounded(perSecond)}/s (p50 ${rounded(median(each), 1)} ms, p99 ${rounded(percentile(each, 0.99), 1)} ms)`,
    cost: `${rounded(mainMicros)} µs of the main thread each (${rounded(allMicros)} µs with all threads): at most ${rounded(1e6 / mainMicros)}/s undisturbed`,
  }
}

async function list(cluster: BenchCluster): Promise<Row> {
  const times: number[] = []
  let bytes = 0
  for (let i = 0; i < 7; i++) {
    const start = performance.now()
    const { status, body } = await cluster.api.request('GET', path('load'))
    times.push(performance.now() - start)
    if (status !== 200) throw new Error(`the list answered ${status}`)
    bytes = body.length
  }
  return { what: 'list of 5,000 pods', value: `${rounded(median(times))} ms, ${rounded(bytes / 1e6, 1)} MB` }
}

async function fanOut(cluster: BenchCluster, wires: Wire[]): Promise<Row[]> {
  const total = 300
  const arrivals = new Map<string, { count: number; lastAt: number }>()
  let seen = 0
  let allSeen!: () => void
  const done = new Promise<void>(resolve => {
    allSeen = resolve
  })
  const nameAt = /"name":"(f\d+)"/
  const opened = await Promise.all(
    Array.from({ length: watchers }, () =>
      cluster.api.watch(`${path('fan')}?watch=1`, line => {
        if (!line.startsWith('{"type":"ADDED"')) return
        const name = nameAt.exec(line)![1]!
        const arrived = arrivals.get(name) ?? { count: 0, lastAt: 0 }
        arrivals.set(name, { count: arrived.count + 1, lastAt: performance.now() })
        if (++seen === total * watchers) allSeen()
      }),
    ),
  )
  const sentAt = new Map<string, number>()
  const before = processorMs(cluster.pid)
  const start = performance.now()
  await spread(wires.slice(0, 8), total, (wire, i) => {
    sentAt.set(`f${i}`, performance.now())
    return ok(wire, 'POST', path('fan'), podText(`f${i}`))
  })
  const timeout = setTimeout(allSeen, 30_000)
  await done
  clearTimeout(timeout)
  const ms = performance.now() - start
  const cost = ((processorMs(cluster.pid).main - before.main) * 1000) / (total * watchers)
  for (const one of opened) one[Symbol.dispose]()
  if (seen !== total * watchers) throw new Error(`${seen} of ${total * watchers} events arrived`)
  const delays = [...sentAt].map(([name, at]) => arrivals.get(name)!.lastAt - at)
  return [
    {
      what: 'watch, 100 watchers',
      value: `${rounded((seen * 1000) / ms)} events/s; create to the last watcher p50 ${rounded(median(delays), 1)} ms, p99 ${rounded(percentile(delays, 0.99), 1)} ms`,
      note: `${rounded(cost, 1)} µs of the server's main thread per event delivered, its share of the create included`,
    },
  ]
}
