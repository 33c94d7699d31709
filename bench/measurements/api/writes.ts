import type { Wire } from '../../support/api.ts'
import type { BenchCluster } from '../../support/cluster.ts'
import { type Row, rounded } from '../../support/measurement.ts'
import type { PodText } from '../../support/pod-text.ts'
import { residentMb } from '../../support/process-use.ts'
import { ok, podPath, spread, times, use } from './load.ts'
import { create, type PodRows, podName, titled } from './rows.ts'

const createsGoal = 6_000
const residentGoalKb = 8
/** Enough to fill what has a fixed size: the ring of changes, the store's last values and part of its pages. */
const warmUp = 5_000

/** Fills a namespace with `pods` pods, then changes and reads them one by one. */
export async function* writes(cluster: BenchCluster, wires: Wire[], rows: PodRows, pods: number): AsyncIterable<Row> {
  const { name, text, judged } = rows
  const atRest = residentMb(cluster.pid)
  await create(wires, `warm-${name}`, text, warmUp)
  const before = await residentAtRest(cluster, rows)
  const created = await use(cluster, pods, () => create(wires, name, text, pods))
  const sizes = `${rounded(text(podName(0)).length)} bytes sent, ${rounded(await servedBytes(cluster, name))} stored and served each`
  yield {
    what: titled(rows, 'creates, 64 in flight'),
    value: created.text,
    ...(judged ? { goal: `≥ ${rounded(createsGoal)}/s`, reached: created.perSecond >= createsGoal } : {}),
    note: `${sizes}; ${created.cost}; one at a time: ${await alone(wires, `warm-${name}`, text)}`,
  }
  yield await memory(cluster, { atRest, before }, rows, pods)
  const label = (wire: Wire, i: number) =>
    ok(wire, 'PATCH', podPath(name, podName(i)), `{"metadata":{"labels":{"tier":"t${i % 100}"}}}`)
  const updated = await use(cluster, 5_000, () => spread(wires, 5_000, label))
  yield { what: titled(rows, 'updates (merge patch), 64 in flight'), value: updated.text, note: updated.cost }
  const get = (wire: Wire, i: number) => ok(wire, 'GET', podPath(name, podName((i * 7919) % pods)))
  await spread(wires, 2_000, get)
  const got = await use(cluster, 10_000, () => spread(wires, 10_000, get))
  yield { what: titled(rows, 'gets, 64 in flight'), value: got.text, note: got.cost }
}

async function servedBytes(cluster: BenchCluster, namespace: string): Promise<number> {
  return (await cluster.api.request('GET', podPath(namespace, podName(0)))).body.length
}

async function alone(wires: Wire[], namespace: string, text: PodText): Promise<string> {
  const { each } = await spread(wires.slice(0, 1), 300, (wire, i) =>
    ok(wire, 'POST', podPath(namespace), text(`alone-${i}`)),
  )
  return times(each)
}

/** V8 gives back what creating has left within half a minute, when hardly anything more is asked for. */
const restMs = 45_000

/** Only what is judged is worth the wait. */
async function residentAtRest(cluster: BenchCluster, { judged }: PodRows): Promise<number> {
  await new Promise(resolve => setTimeout(resolve, judged ? restMs : 5_000))
  return residentMb(cluster.pid)
}

/** Whatever is resident more than before, less the bytes that are served. */
async function memory(
  cluster: BenchCluster,
  { atRest, before }: { atRest: number; before: number },
  rows: PodRows,
  pods: number,
): Promise<Row> {
  const bytes = await servedBytes(cluster, rows.name)
  const busy = residentMb(cluster.pid)
  const after = await residentAtRest(cluster, rows)
  const beyond = (mb: number, count: number) => (mb * 1024) / count - bytes / 1024
  const kbEach = beyond(after - before, pods)
  return {
    what: titled(rows, 'memory per pod beyond its bytes'),
    value: `${rounded(kbEach, 1)} KB`,
    ...(rows.judged ? { goal: `≤ ${residentGoalKb} KB`, reached: kbEach <= residentGoalKb } : {}),
    note: `${rounded(bytes)} bytes served each; from the ${rounded(warmUp)}th pod on, when what has a fixed size is full; ${rounded(beyond(after - atRest, pods + warmUp), 1)} KB counted from the first; ${rounded(beyond(busy - before, pods), 1)} KB while creating; caches of controllers and scheduler in the same process included`,
  }
}
