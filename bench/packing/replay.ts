import {
  type Chance,
  ClusterState,
  Decider,
  defaultProfile,
  type PodInfo,
  type Profile,
} from '../../src/scheduler/index.ts'
import type { Trace } from './trace.ts'

/** What came of one replay. */
export interface Replay {
  /** Mean of allocated %, over the events at which arrived % rounds to `column`. */
  allocated(column: number): number
  /** Pods that were placed, and all, by kind. */
  accepted: Record<string, { placed: number; all: number }>
  /** Processor time. */
  ms: number
  state: ClusterState
  placed: PodInfo[]
  unplaced: PodInfo[]
}

/** Among equals the first row. */
export const firstRow: Chance = () => 0

export const kindOf = ({ class: { gpu } }: PodInfo) =>
  !gpu ? 'no GPU' : gpu.milliEach < 1_000 ? 'share' : gpu.devices === 1 ? 'one GPU' : 'several GPUs'

/** A pod was refused: the cluster is as it was asked. */
export type Refused = (info: PodInfo, state: ClusterState, decider: Decider) => void

/** One pass: every pod is tried once, in order, by the scheduler's own code. */
export function replay(
  trace: Trace,
  seed: number,
  profile: Profile = defaultProfile,
  refused: Refused = () => {},
): Replay {
  const { pods: order, nodeRank } = trace.orders.get(seed)!
  const state = new ClusterState()
  const byRank: number[] = []
  for (const [i, rank] of nodeRank.entries()) byRank[rank] = i
  for (const i of byRank) state.setNode(trace.nodes[i]!)
  const decider = new Decider(profile, state, undefined, firstRow)
  const total = state.gpus.ledger.freeByModel.reduce((sum, milli) => sum + milli, 0)
  const sums = new Float64Array(400)
  const events = new Int32Array(400)
  const accepted: Replay['accepted'] = {}
  const placed: PodInfo[] = []
  const unplaced: PodInfo[] = []
  let arrivedMilli = 0
  let placedMilli = 0
  const began = process.cpuUsage()
  for (const [serial, i] of order.entries()) {
    const pod = trace.pods[i]!
    const info = state.classes.admit({ ...pod, metadata: { ...pod.metadata, name: `p${serial}`, uid: `${serial}` } })
    state.see(info)
    const { node } = decider.decide(info)
    const milli = info.class.gpu ? info.class.gpu.devices * info.class.gpu.milliEach : 0
    const counts = (accepted[kindOf(info)] ??= { placed: 0, all: 0 })
    counts.all++
    arrivedMilli += milli
    if (node) {
      for (const reservation of decider.reserve(info, node)) reservation.release()
      state.addPod(info, node.name)
      placed.push(info)
      counts.placed++
      placedMilli += milli
    } else {
      unplaced.push(info)
      refused(info, state, decider)
    }
    const column = Math.round((100 * arrivedMilli) / total)
    sums[column]! += Math.round((10_000 * placedMilli) / total) / 100
    events[column]!++
  }
  const { user, system } = process.cpuUsage(began)
  const ms = (user + system) / 1_000
  return { allocated: column => sums[column]! / events[column]!, accepted, ms, state, placed, unplaced }
}
