export type { GatewayMetrics } from './accounts.ts'
export type { AcmeSettings } from './acme/account-store.ts'
export { acmeAuthority } from './acme/authority.ts'
export { certificateReconciler } from './acme/certificate.ts'
export { type Address, GatewayFailed } from './entrances.ts'
export { type Gateway, type GatewayOptions, openGateway } from './gateway.ts'
export { ensureDefinitions, gatewayDefinitions } from './kinds/index.ts'
export { AttachedOnce } from './status/attached.ts'
export { gatewayClassStatusReconciler } from './status/gateway-class-status.ts'
export { gatewayStatusReconciler } from './status/gateway-status.ts'
export { ingressStatusReconciler } from './status/ingress-status.ts'
export { routePolicyStatusReconciler } from './status/route-policy-status.ts'
export {
  grpcRouteStatusReconciler,
  httpRouteStatusReconciler,
  tlsRouteStatusReconciler,
} from './status/route-status.ts'
