import { encodeJson } from '../../models/encode-json.ts'
import { parseJson } from '../../models/json.ts'
import { decodeProtobuf, protobufType } from '../../models/protobuf/index.ts'
import type { ApiReply, ApiRequest, UserInfo } from '../../models/rest.ts'
import type { Status } from '../../models/types/meta-v1.ts'
import { parseYaml } from '../../models/yaml.ts'
import type { Attributes } from '../authz/authorizer.ts'
import { bodyType } from '../bodies/body.ts'
import type { Level, Stage } from './policy.ts'

/** An Event of audit.k8s.io/v1. */
export interface AuditEvent {
  kind: 'Event'
  apiVersion: 'audit.k8s.io/v1'
  level: Level
  auditID: string
  stage: Stage
  requestURI: string
  verb: string
  user: Partial<UserInfo>
  impersonatedUser?: UserInfo
  sourceIPs?: string[]
  userAgent?: string
  objectRef?: ObjectReference
  responseStatus?: Partial<Status>
  requestObject?: unknown
  responseObject?: unknown
  requestReceivedTimestamp: string
  stageTimestamp: string
  annotations?: Record<string, string>
}

export interface ObjectReference {
  resource: string
  namespace?: string
  name?: string
  uid?: string
  apiGroup?: string
  apiVersion: string
  resourceVersion?: string
  subresource?: string
}

const maxAgentLength = 1024

/** Where a request came from: those it says it passed, then the one who connected. */
export function sourceIps({ headers, remoteAddress }: ApiRequest): string[] {
  const said = [...(headers['x-forwarded-for'] ?? '').split(','), headers['x-real-ip'] ?? '']
  const all = [...said, remoteAddress ?? ''].map(ip => ip.trim()).filter(ip => /^[0-9a-fA-F:.]{2,45}$/.test(ip))
  return [...new Set(all)]
}

export function userAgent({ headers }: ApiRequest): string | undefined {
  const agent = headers['user-agent']
  return agent && agent.length > maxAgentLength ? `${agent.slice(0, maxAgentLength)}...TRUNCATED` : agent
}

export function objectReference(resource: NonNullable<Attributes['resource']>): ObjectReference {
  const { plural, namespace, name, group, version, subresource } = resource
  return {
    resource: plural,
    ...(namespace ? { namespace } : {}),
    ...(name ? { name } : {}),
    ...(group ? { apiGroup: group } : {}),
    apiVersion: version,
    ...(subresource ? { subresource } : {}),
  }
}

/** What was sent, whatever its form; undefined when it cannot be read. */
export function requestObject(request: ApiRequest): unknown {
  const { body } = request
  if (!body?.length) return undefined
  const type = bodyType(request)
  return readable(() => {
    if (type === protobufType) return decodeProtobuf(body).value
    if (type.includes('yaml')) return parseYaml(Buffer.from(body).toString(), { exactIntegers: true }).value
    return parseJson(body, { exactIntegers: true }).value
  })
}

/** What was answered, before it is compressed; undefined for streams and texts. */
export function responseObject({ body, headers }: ApiReply): unknown {
  if (!(body instanceof Uint8Array) || body.length === 0) return undefined
  const type = String(headers['content-type'] ?? '')
  if (type.startsWith(protobufType)) return readable(() => decodeProtobuf(body).value)
  return type.startsWith('application/json')
    ? readable(() => parseJson(body, { exactIntegers: true }).value)
    : undefined
}

function readable(read: () => unknown): unknown {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** Of an answer that is a Status, that; of others the code alone. */
export function responseStatus(code: number, object: unknown): Partial<Status> {
  const { kind, status, message, reason, details } = (object ?? {}) as Status
  if (kind !== 'Status') return { metadata: {}, code }
  return {
    metadata: {},
    ...(status ? { status } : {}),
    ...(message ? { message } : {}),
    ...(reason ? { reason } : {}),
    ...(details ? { details } : {}),
    code,
  }
}

/** The same without who owns which field, in lists too. */
export function withoutManagedFields(object: unknown): unknown {
  if (typeof object !== 'object' || object === null || Array.isArray(object)) return object
  const { metadata, items, ...rest } = object as { metadata?: Record<string, unknown>; items?: unknown }
  const { managedFields: _, ...kept } = metadata ?? {}
  return {
    ...rest,
    ...(metadata ? { metadata: kept } : {}),
    ...(Array.isArray(items) ? { items: items.map(withoutManagedFields) } : items === undefined ? {} : { items }),
  }
}

/** One line. */
export const encodeEvent = (event: AuditEvent): string => encodeJson(event)
