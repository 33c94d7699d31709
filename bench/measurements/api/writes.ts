import type { Wire } from '../../support/api.ts'
import type { BenchCluster } from '../../support/cluster.ts'
import { type Row, rounded } from '../../support/measurement.ts'
import { podText } from '../../support/pod-text.ts'
import { residentMb } from '../../support/process-use.ts'
import { ok, podPath, spread, times, use } from './load.ts'

const createsGoal = 6_000
const residentGoalKb = 8

/** Fills the namespace `load` with `pods` pods, then changes and reads them one by one. */
export async function* writes(cluster: BenchCluster, wires: Wire[], pods: number): AsyncIterable<Row> {
  await create(wires, 'warm', 1_500)
  const before = residentMb(cluster.pid)
  const created = await use(cluster, pods, () => create(wires, 'load', pods))
  yield {
    what: 'creates, 64 in flight',
    value: created.text,
    goal: `≥ ${rounded(createsGoal)}/s`,
    reached: created.perSecond >= createsGoal,
    note: `${created.cost}; one at a time: ${await alone(wires)}`,
  }
  yield await memory(cluster, before, pods)
  const label = (wire: Wire, i: number) =>
    ok(wire, 'PATCH', podPath('load', name(i)), `{"metadata":{"labels":{"tier":"t${i % 100}"}}}`)
  const updated = await use(cluster, 5_000, () => spread(wires, 5_000, label))
  yield { what: 'updates (merge patch), 64 in flight', value: updated.text, note: updated.cost }
  const get = (wire: Wire, i: number) => ok(wire, 'GET', podPath('load', name((i * 7919) % pods)))
  await spread(wires, 2_000, get)
  const got = await use(cluster, 10_000, () => spread(wires, 10_000, get))
  yield { what: 'gets, 64 in flight', value: got.text, note: got.cost }
}

const name = (i: number) => `p${i}`

export const create = (wires: Wire[], namespace: string, count: number) =>
  spread(wires, count, (wire, i) => ok(wire, 'POST', podPath(namespace), podText(name(i))))

async function alone(wires: Wire[]): Promise<string> {
  const { each } = await spread(wires.slice(0, 1), 300, (wire, i) =>
    ok(wire, 'POST', podPath('warm'), podText(`alone-${i}`)),
  )
  return times(each)
}

/** Whatever is resident more than before, less the bytes that are served. */
async function memory(cluster: BenchCluster, before: number, pods: number): Promise<Row> {
  const { body } = await cluster.api.request('GET', podPath('load', 'p0'))
  // Time for the collector to give back what creating needed.
  await new Promise(resolve => setTimeout(resolve, 5_000))
  const kbEach = ((residentMb(cluster.pid) - before) * 1024) / pods - body.length / 1024
  return {
    what: 'memory per pod beyond its bytes',
    value: `${rounded(kbEach, 1)} KB`,
    goal: `≤ ${residentGoalKb} KB`,
    reached: kbEach <= residentGoalKb,
    note: `${body.length} bytes served each; caches of controllers and scheduler in the same process included`,
  }
}
