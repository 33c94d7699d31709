export { type Address, type Gateway, GatewayFailed, type GatewayOptions, openGateway } from './gateway.ts'
export { ingressStatusReconciler } from './ingress-status.ts'
