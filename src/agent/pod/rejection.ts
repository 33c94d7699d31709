/** Why a node will not run a pod: it goes to phase Failed with these. */
export interface Rejection {
  /** `OutOfcpu`, `NodePorts`, `NodeAffinity`. */
  reason: string
  message: string
  /** It is for lack of room alone, and this is missing: a critical pod has others end for it. */
  shortage?: ReadonlyMap<string, number>
}

/** Why a node does not give a pod the resources it now asks for: never, or not while others have them. */
export type ResizeVerdict = 'Infeasible' | 'Deferred'
