import { defineKind } from '../../models/kind.ts'
import type { KubeObject } from '../../models/object.ts'
import { type GatewayDefinition, gatewayGroup } from './definition.ts'
import {
  type BackendReference,
  backendRefs,
  filters,
  type ParentReference,
  parentRefs,
  type RouteFilter,
  type RouteParentStatus,
  routeStatus,
  type ValueMatch,
  valueMatches,
} from './route-parts.ts'
import { hostname, list, must, object, oneOf, root, sectionName } from './schema.ts'

export interface GRPCRouteMatch {
  method?: { type?: 'Exact' | 'RegularExpression'; service?: string; method?: string }
  headers?: ValueMatch[]
}

export interface GRPCRouteRule {
  name?: string
  matches?: GRPCRouteMatch[]
  filters?: RouteFilter[]
  backendRefs?: BackendReference[]
}

export interface GRPCRoute extends KubeObject {
  spec: { parentRefs?: ParentReference[]; hostnames?: string[]; rules?: GRPCRouteRule[] }
  status?: { parents: RouteParentStatus[] }
}

export const GRPCRoute = defineKind<GRPCRoute>({
  group: gatewayGroup,
  version: 'v1',
  kind: 'GRPCRoute',
  plural: 'grpcroutes',
  categories: ['gateway-api'],
  scope: 'Namespaced',
  schema: '',
})

const ruleFilters = filters('RequestHeaderModifier', 'ResponseHeaderModifier', 'RequestMirror', 'ExtensionRef')
const name = { type: 'string', maxLength: 1_024 }

const rule = object({
  name: sectionName,
  matches: list(
    object({
      method: object(
        { type: { ...oneOf('Exact', 'RegularExpression'), default: 'Exact' }, service: name, method: name },
        [],
        {
          'x-kubernetes-validations': [
            must('has(self.service) || has(self.method)', "One or both of 'service' or 'method' must be specified"),
          ],
        },
      ),
      headers: valueMatches,
    }),
    64,
  ),
  filters: ruleFilters,
  backendRefs: backendRefs(ruleFilters),
})

export const grpcRouteDefinition: GatewayDefinition = {
  kind: GRPCRoute,
  schema: root(object({ parentRefs, hostnames: list(hostname, 16), rules: list(rule, 16) }), routeStatus),
  columns: [
    { name: 'Hostnames', type: 'string', jsonPath: '.spec.hostnames' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
}
