/** Label of a node: who gives its pods their network, `builtin` or `cni` (Calico, or another plugin). */
export const networkLabel = 'optiflow.dev/network'

/** Where a node's agent answers with its `NodeNetwork`. */
export const nodeNetworkPath = '/optiflow/network'

/** Of a connection, as a policy sees it: out of a pod, or into one. */
export type Direction = 'egress' | 'ingress'

/** What a node knows of its network, told by its agent. */
export interface NodeNetwork {
  /** Where its pods ask for names. */
  dns: { server: string; domain: string }
  /** The ways to the pods of other nodes that stand in its kernel. Absent: not ours to know (`--network cni`). */
  paths?: NodePath[]
  /** Absent: network policies are not ours to enforce. */
  policies?: PolicyCount[]
}

/** Asks the kernel of a node, by running programs: for all, or only for what is wanted. */
export interface NodeNetworkReader {
  whole(): Promise<NodeNetwork>
  policies(): Promise<NodeNetwork['policies']>
}

export interface NodePath {
  /** `10.244.2.0/24` */
  podCidr: string
  /** The next hop. */
  via: string
  /** Device of the tunnel, where packets go through one. */
  tunnel?: string
}

/**
 * Packets that began a connection of a pod of the node and that one rule of a policy allowed, or that none of the policies
 * about the pod did. What follows them in the connection is not counted.
 */
export interface PolicyCount {
  direction: Direction
  /** `shop/web`; several: those that together are about a pod and allow nothing of what is counted here. */
  policies: string[]
  /** Index in `spec.ingress` or `spec.egress`; absent: packets that were dropped. */
  rule?: number
  packets: number
  bytes: number
}
