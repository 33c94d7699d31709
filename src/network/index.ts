export * from './cni-config.ts'
export * from './pod-network.ts'
export { createNetworkPolicies, type NetworkPolicies, removeNetworkPolicies } from './policy/network-policies.ts'
export * from './routes.ts'
