import type { ClusterState } from '../cluster-state.ts'
import type { Decider, Fit, Unfit } from '../decider.ts'
import type { Reservation } from '../plugin.ts'
import type { PodInfo } from '../pod-class.ts'

/** A member with its place, which the state already counts. */
export interface Placed {
  info: PodInfo
  fit: Fit
  reservations: readonly Reservation[]
}

export interface Together {
  /** Empty if fewer than needed would fit: then the state is as before. */
  placed: Placed[]
  failed: { info: PodInfo; unfit: Unfit }[]
  /** How many would have fitted. */
  fitting: number
}

/**
 * Finds places for members of a gang one after the other, each counting for the next. All of it happens at once, so two
 * gangs never hold what the other one needs.
 */
export function placeTogether(
  members: readonly PodInfo[],
  need: number,
  state: ClusterState,
  deciderOf: (info: PodInfo) => Decider,
): Together {
  const placed: Placed[] = []
  const failed: Together['failed'] = []
  const undo = () => {
    for (const { info, fit, reservations } of placed.splice(0).reverse()) {
      state.removePod(info, fit.node.name)
      for (const reservation of reservations) reservation.release()
    }
  }
  try {
    for (const info of members) {
      const decider = deciderOf(info)
      const decision = decider.decide(info)
      if (decision.node) {
        placed.push({ info, fit: decision, reservations: decider.reserve(info, decision.node) })
        state.addPod(info, decision.node.name)
      } else failed.push({ info, unfit: decision })
      if (members.length - failed.length < need) break
    }
  } catch (error) {
    undo()
    throw error
  }
  const fitting = placed.length
  if (fitting < need) undo()
  return { placed, failed, fitting }
}
