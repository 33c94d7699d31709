import { flag } from '../../base/query-flag.ts'
import { ApiError, badRequest, invalidError } from '../../models/api-error.ts'
import { checkApplied } from '../../models/apply/check-applied.ts'
import type { Writer } from '../../models/apply/managed-fields.ts'
import { isNothing } from '../../models/apply/typed-fields.ts'
import { forbidden, required } from '../../models/field-error.ts'
import type { Parsed } from '../../models/json.ts'
import { apiVersionOf, type Kind } from '../../models/kind.ts'
import type { AnyObject } from '../../models/object.ts'
import { jsonKind } from '../../models/patch/go-print.ts'
import { bodyType, checkedBody, parseBody } from '../bodies/body.ts'
import { applyType } from '../bodies/media-types.ts'
import { fieldValidation } from '../bodies/object-body.ts'
import type { ResourceCall } from '../core.ts'
import { decodeValue, typeOf } from '../model-engine.ts'
import { writerOf } from '../objects/field-owners.ts'
import { checkName } from './update.ts'
import { fieldManager } from './write-options.ts'

/** What somebody applies, and as whom. */
export interface Application {
  /** Only what was said, decoded. */
  configuration: AnyObject
  writer: Writer
  force: boolean
}

export const isApply = (call: ResourceCall): boolean => bodyType(call.request) === applyType

const patchOptions = { group: 'meta.k8s.io', plural: 'patchoptions', kind: 'PatchOptions' }

/**
 * Reads the request as a configuration to apply.
 * @param kind of the body: the resource's own, or that of the subresource
 * @throws ApiError
 */
export function readApplication(call: ResourceCall, kind: Kind<any>): Application {
  if (!call.info.query.get('fieldManager'))
    throw invalidError(patchOptions, '', [required('fieldManager', 'is required for apply patch')])
  return {
    configuration: readConfiguration(call, kind),
    writer: writerOf(call.core, call.resource.kind, fieldManager(call), call.path.subresource ?? ''),
    force: flag(call.info.query, 'force'),
  }
}

/** Mostly JSON, which is read much faster; but whatever it looks like, YAML is what is promised. */
function parseApplied(body: Uint8Array): Parsed {
  if (jsonBegins.has(body[0]!))
    try {
      return parseBody('json', body, true)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
    }
  return parseBody('yaml', body, true)
}

function readConfiguration(call: ResourceCall, kind: Kind<any>): AnyObject {
  const body = checkedBody(call.request)
  const { value, duplicates } = parseApplied(body)
  const said = value as {
    apiVersion?: string
    kind?: string
    metadata?: { name?: string; managedFields?: unknown[] }
  } | null
  if (said !== null && !isRecord(said))
    throw badRequest(
      `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${jsonKind(said)} into Go value of type map[string]interface {}`,
    )
  if (said?.apiVersion !== apiVersionOf(kind) || said.kind !== kind.kind) {
    const [apiVersion, name] = [said?.apiVersion, said?.kind].map(text => (typeof text === 'string' ? text : ''))
    throw badRequest(`invalid object type: ${apiVersion!.includes('/') ? '' : '/'}${apiVersion}, Kind=${name}`)
  }
  if (said.metadata?.managedFields?.length) throw badRequest('metadata.managedFields must be nil')
  // Fields that there are not cannot be owned: that is said first, unless the text itself is ambiguous.
  if (!duplicates.length) refuseUntyped(kind, said)
  const { object, warnings } = decodeValue(kind, value, fieldValidation(call), duplicates)
  refuseUntyped(kind, said)
  call.warnings.push(...warnings)
  object.metadata.name ||= call.path.name!
  const configuration = onlySaid(object, value) as AnyObject
  configuration.metadata = { ...configuration.metadata, name: object.metadata.name }
  configuration.apiVersion ??= apiVersionOf(kind)
  configuration.kind ??= kind.kind
  checkName(call, configuration)
  return configuration
}

/** A brace or a bracket: JSON is refused sooner than YAML where it is nested without end. */
const jsonBegins = new Set([0x7b, 0x5b])

/** What does not fit the type cannot be owned, whatever the request says about unknown fields. */
function refuseUntyped(kind: Kind<any>, said: object): void {
  const problems = checkApplied(typeOf(kind), said)
  if (!problems.length) return
  const { namespace = '', name = '' } = (said as { metadata?: { namespace?: string; name?: string } }).metadata ?? {}
  const what = `${namespace}/${name}; ${kind.group}/${kind.version}, Kind=${kind.kind}`
  const why = problems.length === 1 ? problems[0] : `errors:\n${problems.map(p => `  ${p}`).join('\n')}`
  throw new ApiError('', `failed to create typed patch object (${what}): ${why}`, { code: 500 })
}

/** Decoding fills in what a type always has, and drops what says nothing; an applier owns what it said, be it `false`. */
function onlySaid(decoded: unknown, said: unknown): unknown {
  if (Array.isArray(decoded) && Array.isArray(said)) return decoded.map((item, i) => onlySaid(item, said[i]))
  if (!isRecord(decoded) || !isRecord(said)) return decoded
  return Object.fromEntries(
    Object.entries(said).flatMap(([k, v]) => {
      if (Object.hasOwn(decoded, k)) return [[k, onlySaid(decoded[k], v)]]
      return v === null || isNothing(v) ? [[k, v]] : []
    }),
  )
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Refuses `force` where it means nothing. @throws ApiError Invalid */
export function refuseForce(call: ResourceCall): void {
  if (flag(call.info.query, 'force'))
    throw invalidError(patchOptions, '', [forbidden('force', 'may not be specified for non-apply patch')])
}
