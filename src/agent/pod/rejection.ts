/** Why a node will not run a pod: it goes to phase Failed with these. */
export interface Rejection {
  /** `OutOfcpu`, `NodePorts`, `NodeAffinity`. */
  reason: string
  message: string
}
