export { BandwidthFailed, limitBandwidth } from './bandwidth.ts'
export * from './calico/index.ts'
export * from './cni-config.ts'
export type { ConnectionExplanation, End, PolicyVerdict, PolicyWorld, SideVerdict } from './explain/connection.ts'
export { explainConnection } from './explain/explain.ts'
export {
  BadEnd,
  type ConnectionQuestion,
  readEnd,
  readPolicyWorld,
  splitTarget,
  whyConnection,
} from './explain/gather.ts'
export { explainWay, type NodeReport, type Way } from './explain/way.ts'
export * from './foreign-network.ts'
export { HostPorts } from './host-ports.ts'
export { NetworkFailed } from './node-preparation.ts'
export {
  type KernelPaths,
  pathScript,
  readNodePaths,
  readPaths,
  runPathScript,
  strayEntries,
} from './path/kernel-paths.ts'
export type { Encapsulation } from './path/plan-paths.ts'
export * from './pod-network.ts'
export { createNetworkPolicies, type NetworkPolicies, removeNetworkPolicies } from './policy/network-policies.ts'
