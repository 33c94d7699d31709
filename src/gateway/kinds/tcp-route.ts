import { defineKind } from '../../models/kind.ts'
import { type BareRoute, bareRouteColumns, bareRouteSchema } from './bare-route.ts'
import { type GatewayDefinition, gatewayGroup } from './definition.ts'

/** Leads TCP connections, whatever is spoken on them, from a listener to backends. */
export type TCPRoute = BareRoute

export const TCPRoute = defineKind<TCPRoute>({
  group: gatewayGroup,
  version: 'v1',
  kind: 'TCPRoute',
  plural: 'tcproutes',
  categories: ['gateway-api'],
  scope: 'Namespaced',
  schema: '',
})

export const tcpRouteDefinition: GatewayDefinition = {
  kind: TCPRoute,
  olderVersions: ['v1alpha2'],
  schema: bareRouteSchema,
  columns: bareRouteColumns,
}
