import { defineKind } from '../../models/kind.ts'
import type { KubeObject } from '../../models/object.ts'
import { type GatewayDefinition, gatewayGroup } from './definition.ts'
import {
  type BackendReference,
  backendRefs,
  filters,
  methods,
  type ParentReference,
  parentRefs,
  type RouteFilter,
  type RouteParentStatus,
  routeStatus,
  type ValueMatch,
  valueMatches,
} from './route-parts.ts'
import { duration, hostname, list, must, object, oneOf, root, sectionName } from './schema.ts'

export interface HTTPRouteMatch {
  path?: { type?: 'Exact' | 'PathPrefix' | 'RegularExpression'; value?: string }
  headers?: ValueMatch[]
  queryParams?: ValueMatch[]
  method?: string
}

export interface HTTPRouteRule {
  name?: string
  matches?: HTTPRouteMatch[]
  filters?: RouteFilter[]
  backendRefs?: BackendReference[]
  timeouts?: { request?: string; backendRequest?: string }
}

export interface HTTPRoute extends KubeObject {
  spec: { parentRefs?: ParentReference[]; hostnames?: string[]; rules?: HTTPRouteRule[] }
  status?: { parents: RouteParentStatus[] }
}

export const HTTPRoute = defineKind<HTTPRoute>({
  group: gatewayGroup,
  version: 'v1',
  kind: 'HTTPRoute',
  plural: 'httproutes',
  categories: ['gateway-api'],
  scope: 'Namespaced',
  schema: '',
})

const ruleFilters = filters(
  'RequestHeaderModifier',
  'ResponseHeaderModifier',
  'RequestMirror',
  'RequestRedirect',
  'URLRewrite',
  'CORS',
  'ExtensionRef',
)
const everything = [{ path: { type: 'PathPrefix', value: '/' } }]
const plainPath = "self.type in ['Exact', 'PathPrefix']"

const path = object(
  {
    type: { ...oneOf('Exact', 'PathPrefix', 'RegularExpression'), default: 'PathPrefix' },
    value: { type: 'string', maxLength: 1_024, default: '/' },
  },
  [],
  {
    default: everything[0]!.path,
    'x-kubernetes-validations': [
      must(
        `${plainPath} ? self.value.startsWith('/') : true`,
        "value must be an absolute path and start with '/' when type one of ['Exact', 'PathPrefix']",
      ),
      ...['//', '/./', '/../', '%2f', '%2F', '#'].map(part =>
        must(
          `${plainPath} ? !self.value.contains('${part}') : true`,
          `must not contain '${part}' when type one of ['Exact', 'PathPrefix']`,
        ),
      ),
      ...['/..', '/.'].map(end =>
        must(
          `${plainPath} ? !self.value.endsWith('${end}') : true`,
          `must not end with '${end}' when type one of ['Exact', 'PathPrefix']`,
        ),
      ),
    ],
  },
)

const replacesPrefix = (list: string) =>
  `${list}.exists(f, has(f.requestRedirect) && has(f.requestRedirect.path) && f.requestRedirect.path.type == 'ReplacePrefixMatch' || has(f.urlRewrite) && has(f.urlRewrite.path) && f.urlRewrite.path.type == 'ReplacePrefixMatch')`
const onePrefix = "size(self.matches) == 1 && has(self.matches[0].path) && self.matches[0].path.type == 'PathPrefix'"

const rule = object(
  {
    name: sectionName,
    matches: list(object({ path, headers: valueMatches, queryParams: valueMatches, method: oneOf(...methods) }), 64, {
      default: everything,
    }),
    filters: ruleFilters,
    backendRefs: backendRefs(ruleFilters),
    timeouts: object({ request: duration, backendRequest: duration }, [], {
      'x-kubernetes-validations': [
        must(
          "!(has(self.request) && has(self.backendRequest) && duration(self.request) != duration('0s') && duration(self.backendRequest) > duration(self.request))",
          'backendRequest timeout cannot be longer than request timeout',
        ),
      ],
    }),
  },
  [],
  {
    'x-kubernetes-validations': [
      must(
        'has(self.backendRefs) && size(self.backendRefs) > 0 && has(self.filters) ? !self.filters.exists(f, has(f.requestRedirect)) : true',
        'RequestRedirect filter must not be used together with backendRefs',
      ),
      must(
        `has(self.filters) && ${replacesPrefix('self.filters')} ? ${onePrefix} : true`,
        'When using a filter with path.replacePrefixMatch, exactly one PathPrefix match must be specified',
      ),
    ],
  },
)

export const httpRouteDefinition: GatewayDefinition = {
  kind: HTTPRoute,
  olderVersions: ['v1beta1'],
  schema: root(
    object({
      parentRefs,
      hostnames: list(hostname, 16),
      rules: list(rule, 16, { minItems: 1, default: [{ matches: everything }] }),
    }),
    routeStatus,
  ),
  columns: [
    { name: 'Hostnames', type: 'string', jsonPath: '.spec.hostnames' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
}
