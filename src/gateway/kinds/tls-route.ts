import { defineKind } from '../../models/kind.ts'
import type { KubeObject } from '../../models/object.ts'
import { type BareRouteRule, bareRules } from './bare-route.ts'
import { type GatewayDefinition, gatewayGroup } from './definition.ts'
import { type ParentReference, parentRefs, type RouteParentStatus, routeStatus } from './route-parts.ts'
import { hostname, list, must, object, root } from './schema.ts'

/** Leads TLS connections by the server name that the client asks for; nobody ends the TLS on the way. */
export interface TLSRoute extends KubeObject {
  spec: { parentRefs?: ParentReference[]; hostnames: string[]; rules: BareRouteRule[] }
  status?: { parents: RouteParentStatus[] }
}

export const TLSRoute = defineKind<TLSRoute>({
  group: gatewayGroup,
  version: 'v1',
  kind: 'TLSRoute',
  plural: 'tlsroutes',
  categories: ['gateway-api'],
  scope: 'Namespaced',
  schema: '',
})

export const tlsRouteDefinition: GatewayDefinition = {
  kind: TLSRoute,
  olderVersions: ['v1alpha3', 'v1alpha2'],
  schema: root(
    object(
      {
        parentRefs,
        hostnames: list(hostname, 16, {
          minItems: 1,
          'x-kubernetes-validations': [must('self.all(h, !isIP(h))', 'Hostnames cannot contain an IP')],
        }),
        rules: bareRules,
      },
      ['hostnames', 'rules'],
    ),
    routeStatus,
  ),
  columns: [
    { name: 'Hostnames', type: 'string', jsonPath: '.spec.hostnames' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
}
