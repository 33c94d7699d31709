/** Why a node will not run a pod: it goes to phase Failed with these. */
export interface Rejection {
  /** `OutOfcpu`, `NodePorts`, `NodeAffinity`. */
  reason: string
  message: string
}

/** Why a node does not give a pod the resources it now asks for: never, or not while others have them. */
export type ResizeVerdict = 'Infeasible' | 'Deferred'
