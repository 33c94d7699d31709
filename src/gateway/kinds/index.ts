import type { GatewayDefinition } from './definition.ts'
import { gatewayDefinition } from './gateway.ts'
import { gatewayClassDefinition } from './gateway-class.ts'
import { grpcRouteDefinition } from './grpc-route.ts'
import { httpRouteDefinition } from './http-route.ts'
import { referenceGrantDefinition } from './reference-grant.ts'
import { tcpRouteDefinition } from './tcp-route.ts'
import { tlsRouteDefinition } from './tls-route.ts'
import { udpRouteDefinition } from './udp-route.ts'

export { ensureDefinitions, gatewayGroup } from './definition.ts'
export * from './gateway.ts'
export * from './gateway-class.ts'
export * from './grpc-route.ts'
export * from './http-route.ts'
export * from './reference-grant.ts'
export * from './route-parts.ts'
export * from './tcp-route.ts'
export * from './tls-route.ts'
export * from './udp-route.ts'

/** Gateway API's standard channel, as far as the gateway carries it out. */
export const gatewayDefinitions: readonly GatewayDefinition[] = [
  gatewayClassDefinition,
  gatewayDefinition,
  httpRouteDefinition,
  grpcRouteDefinition,
  referenceGrantDefinition,
  tlsRouteDefinition,
  tcpRouteDefinition,
  udpRouteDefinition,
]
