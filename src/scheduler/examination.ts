import type { ClusterState } from './cluster-state.ts'
import type { Decider } from './decider.ts'
import type { PodInfo } from './pod-class.ts'

/** What every node says about one pod now. */
export interface Examination {
  refused: { node: string; reasons: readonly string[] }[]
  /** Plain scores by plugin, before weights and before they are set in relation to other nodes. */
  fitting: { node: string; scores: Record<string, number> }[]
}

export function examine(info: PodInfo, state: ClusterState, decider: Decider): Examination {
  const refused: Examination['refused'] = []
  const fitting: Examination['fitting'] = []
  for (const node of state.nodes) {
    const reasons = decider.check(info, node)
    if (reasons) refused.push({ node: node.name, reasons })
    else fitting.push({ node: node.name, scores: decider.scoresOf(info, node) })
  }
  return { refused, fitting }
}
