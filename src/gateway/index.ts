export type { GatewayMetrics } from './accounts.ts'
export type { AcmeSettings } from './acme/account-store.ts'
export { acmeAuthority, type CertificateAuthority } from './acme/authority.ts'
export { certificateReconciler } from './acme/certificate.ts'
export { AskedPorts } from './asked-ports.ts'
export { type Address, type DataPlane, GatewayFailed } from './data-plane.ts'
export { EmbeddedPlane } from './embedded.ts'
export { type Gateway, type GatewayOptions, openGateway } from './gateway.ts'
export { haproxyEngine } from './haproxy/gaps.ts'
export { HaproxyPlane } from './haproxy/plane.ts'
export { ensureDefinitions, gatewayDefinitions } from './kinds/index.ts'
export { type Engine, embeddedEngine } from './plan/engine.ts'
export { type PortTaken, portsOfServices } from './plan/held-ports.ts'
export { isUdpPlace, portAt } from './port-space.ts'
export { AttachedOnce } from './status/attached.ts'
export { gatewayClassStatusReconciler } from './status/gateway-class-status.ts'
export { gatewayStatusReconciler } from './status/gateway-status.ts'
export { ingressStatusReconciler } from './status/ingress-status.ts'
export { routePolicyStatusReconciler } from './status/route-policy-status.ts'
export {
  grpcRouteStatusReconciler,
  httpRouteStatusReconciler,
  tcpRouteStatusReconciler,
  tlsRouteStatusReconciler,
  udpRouteStatusReconciler,
} from './status/route-status.ts'
export { ThreadedPlane } from './threaded/threaded-plane.ts'
