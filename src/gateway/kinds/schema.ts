import type { JSONSchemaProps } from '../../models/types/apiextensions-v1.ts'

/** Parts that the schemas of Gateway API's kinds share, with the bounds that its specification states. */
export type Schema = JSONSchemaProps

export const text = (max: number, more: Schema = {}): Schema => ({
  type: 'string',
  minLength: 1,
  maxLength: max,
  ...more,
})
export const integer = (minimum: number, maximum: number, more: Schema = {}): Schema => ({
  type: 'integer',
  format: 'int32',
  minimum,
  maximum,
  ...more,
})
export const oneOf = (...values: (string | number)[]): Schema => ({
  type: typeof values[0] === 'number' ? 'integer' : 'string',
  enum: values,
})
/** A list that is replaced as a whole. */
export const list = (items: Schema, maxItems: number, more: Schema = {}): Schema => ({
  type: 'array',
  items,
  maxItems,
  'x-kubernetes-list-type': 'atomic',
  ...more,
})
export const listByKey = (key: string, items: Schema, maxItems: number, more: Schema = {}): Schema => ({
  type: 'array',
  items,
  maxItems,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': [key],
  ...more,
})
export const object = (properties: Record<string, Schema>, required: string[] = [], more: Schema = {}): Schema => ({
  type: 'object',
  properties,
  ...(required.length ? { required } : {}),
  ...more,
})
export const must = (rule: string, message: string) => ({ rule, message })

const dnsName = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'

export const group: Schema = { type: 'string', maxLength: 253, pattern: `^$|^${dnsName}$` }
export const kindName = text(63, { pattern: '^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$' })
export const objectName = text(253)
export const namespaceName = text(63, { pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' })
export const sectionName = text(253, { pattern: `^${dnsName}$` })
export const port = integer(1, 65_535)
/** `*.example.com` or `example.com`. */
export const hostname = text(253, { pattern: `^(\\*\\.)?${dnsName}$` })
export const preciseHostname = text(253, { pattern: `^${dnsName}$` })
export const domainPath = text(253, { pattern: `^${dnsName}\\/[A-Za-z0-9\\/\\-._~%!$&'()*+,;=:]+$` })
export const headerName = text(256, { pattern: "^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$" })
/** As Go writes durations, of at most four parts. */
export const duration: Schema = { type: 'string', pattern: '^([0-9]{1,5}(h|m|s|ms)){1,4}$' }

export const labelSelector: Schema = object(
  {
    matchLabels: { type: 'object', additionalProperties: { type: 'string' } },
    matchExpressions: list(
      object({ key: { type: 'string' }, operator: { type: 'string' }, values: list({ type: 'string' }, 1_000) }, [
        'key',
        'operator',
      ]),
      100,
    ),
  },
  [],
  { 'x-kubernetes-map-type': 'atomic' },
)

const condition = object(
  {
    type: { type: 'string', maxLength: 316 },
    status: oneOf('True', 'False', 'Unknown'),
    observedGeneration: { type: 'integer', format: 'int64', minimum: 0 },
    lastTransitionTime: { type: 'string', format: 'date-time' },
    reason: text(1_024),
    message: { type: 'string', maxLength: 32_768 },
  },
  ['type', 'status', 'lastTransitionTime', 'reason', 'message'],
)
export const conditions = listByKey('type', condition, 8)

/** What a status says until a controller has looked. */
export const pending = (...types: string[]) => ({
  conditions: types.map(type => ({
    type,
    status: 'Unknown',
    reason: 'Pending',
    message: 'Waiting for controller',
    lastTransitionTime: '1970-01-01T00:00:00Z',
  })),
})

/** The whole object; `namespace`-less parts are the API server's own. */
export const root = (spec: Schema, status?: Schema): Schema =>
  object(
    {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec,
      ...(status ? { status } : {}),
    },
    ['spec'],
  )
