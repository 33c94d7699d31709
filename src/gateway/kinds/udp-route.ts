import { defineKind } from '../../models/kind.ts'
import { type BareRoute, bareRouteColumns, bareRouteSchema } from './bare-route.ts'
import { type GatewayDefinition, gatewayGroup } from './definition.ts'

/** Leads UDP packets from a listener to backends; those of one client, and the answers, keep to one of them. */
export type UDPRoute = BareRoute

export const UDPRoute = defineKind<UDPRoute>({
  group: gatewayGroup,
  version: 'v1',
  kind: 'UDPRoute',
  plural: 'udproutes',
  categories: ['gateway-api'],
  scope: 'Namespaced',
  schema: '',
})

export const udpRouteDefinition: GatewayDefinition = {
  kind: UDPRoute,
  olderVersions: ['v1alpha2'],
  schema: bareRouteSchema,
  columns: bareRouteColumns,
}
