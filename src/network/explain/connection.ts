import type { EndpointSlice, Namespace, NetworkPolicy, Pod, ServiceAccount } from '../../models/kinds/index.ts'
import type { Direction } from '../../models/node-network.ts'
import type { CalicoObject } from '../calico/kinds/calico-kind.ts'
import type { NetworkSet } from '../calico/kinds/network-set.ts'
import type { CalicoPolicy } from '../calico/kinds/policy-rules.ts'
import type { Tier } from '../calico/kinds/tier.ts'
import type { ClusterPolicySpec } from './cluster-policies.ts'

/** One end of a connection: a pod, or an address that is no pod's. */
export interface End {
  /** `pod shop/web`, or the address. */
  name: string
  ip: string | undefined
  pod?: Pod
}

export interface Connection {
  from: End
  to: End
  port: number
  protocol: 'TCP' | 'UDP' | 'SCTP'
}

/** What one policy has to say about the connection. */
export interface PolicyVerdict {
  /** `NetworkPolicy shop/web` */
  policy: string
  verdict: 'allows' | 'denies' | 'passes' | 'does not match'
  /** Of the rule that decides: `ingress[0]`. */
  rule?: string
  /** Why each rule does not match, or what the rule says. */
  detail: string
}

/** Whether the connection may leave its source, or reach its destination. */
export interface SideVerdict {
  direction: Direction
  allowed: boolean
  /** The sentence that sums it up. */
  reason: string
  policies: PolicyVerdict[]
}

export interface ConnectionExplanation {
  from: string
  to: string
  port: number
  protocol: string
  allowed: boolean
  /** Who holds the connection to the policies. */
  enforcedBy: string
  sides: SideVerdict[]
}

/** What Calico decides by, besides the policies of Kubernetes. */
export interface CalicoPolicies {
  tiers: readonly CalicoObject<Tier>[]
  global: readonly CalicoObject<CalicoPolicy>[]
  namespaced: readonly CalicoObject<CalicoPolicy>[]
  /** Policies of policy.networking.k8s.io, which Calico holds to as well. */
  cluster?: readonly CalicoObject<ClusterPolicySpec>[]
  /** Networks that selectors find by labels, for all namespaces or one. */
  sets?: readonly CalicoObject<NetworkSet>[]
}

/** What there is to decide by. */
export interface PolicyWorld {
  policies: readonly NetworkPolicy[]
  namespaces: readonly Namespace[]
  pods: readonly Pod[]
  /** Calico's policies may name them. */
  accounts?: readonly ServiceAccount[]
  /** And who is behind a Service. */
  slices?: readonly EndpointSlice[]
  /** Undefined: Calico is not there. */
  calico?: CalicoPolicies
  enforcedBy: string
}

/** True for pods whose packets look like their node's: policies are not about them. */
export const isOnHost = ({ pod }: End): boolean => pod?.spec.hostNetwork ?? false

/** Labels of the namespace of a pod. */
export function namespaceLabels(world: PolicyWorld, pod: Pod): Record<string, string> {
  return world.namespaces.find(n => n.metadata.name === pod.metadata.namespace)?.metadata.labels ?? {}
}
