import type { Wire } from '../../support/api.ts'
import type { BareServer } from '../../support/bare-server.ts'
import { type Row, rounded } from '../../support/measurement.ts'
import { plainPod } from '../../support/pod-text.ts'
import { processorMs } from '../../support/process-use.ts'
import { median, percentile } from '../../support/statistics.ts'
import { ok, podPath, spread } from './load.ts'

const fanOutGoalMs = 20
const nameAt = /"name":"(f\d+-\d+)"/

/** One event to many watchers: how long until the last one has it, and what each delivery costs. */
export async function* fanOut(server: BareServer, wires: Wire[]): AsyncIterable<Row> {
  yield await measure(server, wires.slice(0, 8), { watchers: 100, events: 300 })
  yield await measure(server, wires.slice(0, 1), { watchers: 1_000, events: 30, goalMs: fanOutGoalMs })
}

async function measure(
  server: BareServer,
  wires: Wire[],
  { watchers, events, goalMs }: { watchers: number; events: number; goalMs?: number },
): Promise<Row> {
  const arrivals = new Map<string, { count: number; firstAt: number; lastAt: number }>()
  let seen = 0
  let allSeen!: () => void
  const done = new Promise<void>(resolve => {
    allSeen = resolve
  })
  const take = (line: string) => {
    const name = nameAt.exec(line)?.[1]
    if (!name?.startsWith(`f${watchers}-`) || !line.startsWith('{"type":"ADDED"')) return
    const now = performance.now()
    const arrived = arrivals.get(name)
    if (arrived) Object.assign(arrived, { count: arrived.count + 1, lastAt: now })
    else arrivals.set(name, { count: 1, firstAt: now, lastAt: now })
    if (++seen === events * watchers) allSeen()
  }
  // From now on, as informers do after their list: what is there already would still be on its way to all of them.
  const { metadata } = await server.api.json('GET', `${podPath('fan')}?limit=1`)
  const path = `${podPath('fan')}?watch=1&labelSelector=app%3Dweb&resourceVersion=${metadata.resourceVersion}`
  const opened: Disposable[] = []
  while (opened.length < watchers)
    opened.push(...(await Promise.all(Array.from({ length: 50 }, () => server.api.watch(path, take)))))
  const before = processorMs(server.pid)
  const start = performance.now()
  await spread(wires, events, (wire, i) => ok(wire, 'POST', podPath('fan'), plainPod(`f${watchers}-${i}`)))
  const timeout = setTimeout(allSeen, 60_000)
  await done
  clearTimeout(timeout)
  const ms = performance.now() - start
  const micros = ((processorMs(server.pid).main - before.main) * 1000) / (events * watchers)
  for (const one of opened) one[Symbol.dispose]()
  if (seen !== events * watchers) throw new Error(`${seen} of ${events * watchers} events arrived`)
  // From the first watcher's copy, which is sent right after the commit, to the last one's.
  const delays = [...arrivals.values()].map(a => a.lastAt - a.firstAt)
  const serverMs = (micros * watchers) / 1000
  return {
    what: `one event to ${rounded(watchers)} watchers`,
    value: `${rounded(serverMs, 1)} ms of the server's main thread, create included; first to last watcher p50 ${rounded(median(delays), 1)} ms, p99 ${rounded(percentile(delays, 0.99), 1)} ms`,
    ...(goalMs ? { goal: `≤ ${goalMs} ms`, reached: serverMs <= goalMs } : {}),
    note: `${rounded((seen * 1000) / ms)} events/s; ${rounded(micros, 1)} µs of the main thread each`,
  }
}
