import type { PodDisruptionBudget } from '../../models/types/policy-v1.ts'
import type { ClusterState } from '../cluster-state.ts'
import type { Decider } from '../decider.ts'
import type { PodInfo } from '../pod-class.ts'
import { type Eviction, findEviction } from '../preemption.ts'

/** A member with the node that will be its, and who must go from there first. */
export interface PromisedPlace {
  info: PodInfo
  node: string
  eviction: Eviction | undefined
}

/**
 * Who must go so that enough members of a gang fit, seen one after the other on the state, which is left as it was.
 * @returns undefined if even then too few would fit: nobody is evicted in vain
 */
export function evictTogether(
  members: readonly PodInfo[],
  need: number,
  state: ClusterState,
  deciderOf: (info: PodInfo) => Decider,
  budgets: readonly PodDisruptionBudget[],
): PromisedPlace[] | undefined {
  const undo: (() => void)[] = []
  const found: PromisedPlace[] = []
  try {
    for (const info of members) {
      const decider = deciderOf(info)
      const decision = decider.decide(info)
      const { eviction } = decision.node ? {} : findEviction(info, decision, state, decider, budgets)
      const node = decision.node ?? eviction?.node
      if (!node) continue
      for (const victim of eviction?.victims ?? []) {
        state.removePod(victim, node.name)
        undo.push(() => state.addPod(victim, node.name))
      }
      state.addPod(info, node.name)
      undo.push(() => state.removePod(info, node.name))
      found.push({ info, node: node.name, eviction })
    }
  } finally {
    for (const step of undo.reverse()) step()
  }
  return found.length >= need ? found : undefined
}
