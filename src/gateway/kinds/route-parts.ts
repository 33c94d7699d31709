import type { Condition } from '../../models/types/meta-v1.ts'
import { gatewayGroup } from './definition.ts'
import type { ObjectReference } from './gateway.ts'
import {
  conditions,
  domainPath,
  group,
  headerName,
  integer,
  kindName,
  list,
  listByKey,
  must,
  namespaceName,
  object,
  objectName,
  oneOf,
  port,
  type Schema,
  sectionName,
  text,
} from './schema.ts'

/** What the kinds of routes share. */
export interface ParentReference {
  group?: string
  kind?: string
  namespace?: string
  name: string
  sectionName?: string
  port?: number
}

export interface RouteParentStatus {
  parentRef: ParentReference
  controllerName: string
  conditions: Condition[]
}

export interface BackendReference extends ObjectReference {
  port?: number
  /** 1 unless said otherwise; 0: gets nothing. */
  weight?: number
  filters?: RouteFilter[]
}

export interface HeaderModifier {
  set?: { name: string; value: string }[]
  add?: { name: string; value: string }[]
  remove?: string[]
}

export interface PathModifier {
  type: 'ReplaceFullPath' | 'ReplacePrefixMatch'
  replaceFullPath?: string
  replacePrefixMatch?: string
}

export interface RouteFilter {
  type: string
  requestHeaderModifier?: HeaderModifier
  responseHeaderModifier?: HeaderModifier
  requestMirror?: {
    backendRef: BackendReference
    percent?: number
    fraction?: { numerator: number; denominator?: number }
  }
  requestRedirect?: {
    scheme?: 'http' | 'https'
    hostname?: string
    path?: PathModifier
    port?: number
    statusCode?: number
  }
  urlRewrite?: { hostname?: string; path?: PathModifier }
  cors?: CorsFilter
}

export interface CorsFilter {
  allowOrigins?: string[]
  allowCredentials?: boolean
  allowMethods?: string[]
  allowHeaders?: string[]
  exposeHeaders?: string[]
  /** Seconds. */
  maxAge?: number
}

export interface ValueMatch {
  type?: 'Exact' | 'RegularExpression'
  name: string
  value: string
}

export const parentRefs = list(
  object(
    {
      group: { ...group, default: gatewayGroup },
      kind: { ...kindName, default: 'Gateway' },
      namespace: namespaceName,
      name: objectName,
      sectionName,
      port,
    },
    ['name'],
  ),
  32,
)

export const routeStatus = object(
  {
    parents: list(
      object(
        {
          parentRef: object(
            {
              group: { ...group, default: gatewayGroup },
              kind: { ...kindName, default: 'Gateway' },
              namespace: namespaceName,
              name: objectName,
              sectionName,
              port,
            },
            ['name'],
          ),
          controllerName: domainPath,
          conditions,
        },
        ['parentRef', 'controllerName', 'conditions'],
      ),
      32,
    ),
  },
  ['parents'],
)

const service = {
  group: { ...group, default: '' },
  kind: { ...kindName, default: 'Service' },
  name: objectName,
  namespace: namespaceName,
  port,
}
const needsPort = must(
  "size(self.group) == 0 && self.kind == 'Service' ? has(self.port) : true",
  'Must have port for Service reference',
)

/** @param filters undefined: backends have none, and there is at least one */
export const backendRefs = (filters?: Schema): Schema =>
  list(
    object({ ...service, weight: integer(0, 1_000_000, { default: 1 }), ...(filters ? { filters } : {}) }, ['name'], {
      'x-kubernetes-validations': [needsPort],
    }),
    16,
    filters ? {} : { minItems: 1 },
  )

export const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']

const header = object({ name: headerName, value: text(4_096) }, ['name', 'value'])
const headers = object({
  set: listByKey('name', header, 16),
  add: listByKey('name', header, 16),
  remove: { type: 'array', items: { type: 'string' }, maxItems: 16, 'x-kubernetes-list-type': 'set' },
})
const mirror = object(
  {
    backendRef: object(service, ['name'], { 'x-kubernetes-validations': [needsPort] }),
    percent: integer(0, 100),
    fraction: object(
      { numerator: integer(0, 2 ** 31 - 1), denominator: integer(1, 2 ** 31 - 1, { default: 100 }) },
      ['numerator'],
      {
        'x-kubernetes-validations': [
          must('self.numerator <= self.denominator', 'numerator must be less than or equal to denominator'),
        ],
      },
    ),
  },
  ['backendRef'],
  {
    'x-kubernetes-validations': [
      must(
        '!(has(self.percent) && has(self.fraction))',
        'Only one of percent or fraction may be specified in HTTPRequestMirrorFilter',
      ),
    ],
  },
)
const path = object(
  {
    type: oneOf('ReplaceFullPath', 'ReplacePrefixMatch'),
    replaceFullPath: { type: 'string', maxLength: 1_024 },
    replacePrefixMatch: { type: 'string', maxLength: 1_024 },
  },
  ['type'],
  {
    'x-kubernetes-validations': ['replaceFullPath', 'replacePrefixMatch'].map(field => {
      const type = `R${field.slice(1)}`
      return must(`(self.type == '${type}') == has(self.${field})`, `${field} goes with type '${type}' and no other`)
    }),
  },
)

const set = (items: Schema, maxItems: number, more: Schema = {}): Schema => ({
  type: 'array',
  items,
  maxItems,
  'x-kubernetes-list-type': 'set',
  ...more,
})
const noStarBeside = (what: string, others: string) => ({
  'x-kubernetes-validations': [
    must("!('*' in self && self.size() > 1)", `${what} cannot contain '*' alongside other ${others}`),
  ],
})
const origin = text(253, {
  pattern: '(^\\*$)|(^https?:\\/\\/(((\\*\\.)?([a-zA-Z0-9-]+\\.)*[a-zA-Z0-9-]+|\\*)(:([0-9]{1,5}))?)$)',
})
const cors = object({
  allowOrigins: set(origin, 64, noStarBeside('AllowOrigins', 'origins')),
  allowCredentials: { type: 'boolean' },
  allowMethods: set(oneOf(...methods, '*'), 9, noStarBeside('AllowMethods', 'methods')),
  allowHeaders: set(headerName, 64, noStarBeside('AllowHeaders', 'headers')),
  exposeHeaders: set(headerName, 64),
  maxAge: integer(1, 2 ** 31 - 1, { default: 5 }),
})

/** By type: the field of a filter, and what it says. */
const filterParts: Record<string, [field: string, schema: Schema]> = {
  RequestHeaderModifier: ['requestHeaderModifier', headers],
  ResponseHeaderModifier: ['responseHeaderModifier', headers],
  RequestMirror: ['requestMirror', mirror],
  RequestRedirect: [
    'requestRedirect',
    object({
      scheme: oneOf('http', 'https'),
      hostname: sectionName,
      path,
      port,
      statusCode: { ...oneOf(301, 302, 303, 307, 308), default: 302 },
    }),
  ],
  URLRewrite: ['urlRewrite', object({ hostname: sectionName, path })],
  CORS: ['cors', cors],
  ExtensionRef: ['extensionRef', object({ group, kind: kindName, name: objectName }, ['group', 'kind', 'name'])],
}
/** A request may be copied to several backends. */
const repeatable = new Set(['RequestMirror', 'ExtensionRef'])

/** The filters of these types, each with its own field and no other. */
export function filters(...types: string[]): Schema {
  const parts = types.map(type => [type, ...filterParts[type]!] as const)
  const filter = object({ type: oneOf(...types), ...Object.fromEntries(parts.map(([, f, s]) => [f, s])) }, ['type'], {
    'x-kubernetes-validations': parts.flatMap(([type, field]) => [
      must(
        `has(self.${field}) ? self.type == '${type}' : true`,
        `filter.${field} must be nil if the filter.type is not ${type}`,
      ),
      must(
        `self.type == '${type}' ? has(self.${field}) : true`,
        `filter.${field} must be specified for ${type} filter.type`,
      ),
    ]),
  })
  const once = types
    .filter(type => !repeatable.has(type))
    .map(type => must(`self.filter(f, f.type == '${type}').size() <= 1`, `${type} filter cannot be repeated`))
  const either = must(
    "!(self.exists(f, f.type == 'RequestRedirect') && self.exists(f, f.type == 'URLRewrite'))",
    'May specify either httpRouteFilterRequestRedirect or httpRouteFilterRequestRewrite, but not both',
  )
  return list(filter, 16, {
    'x-kubernetes-validations': types.includes('URLRewrite') ? [either, ...once] : once,
  })
}

export const valueMatches = listByKey(
  'name',
  object(
    {
      type: { ...oneOf('Exact', 'RegularExpression'), default: 'Exact' },
      name: headerName,
      value: text(4_096),
    },
    ['name', 'value'],
  ),
  16,
)
