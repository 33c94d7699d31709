import { flag } from '../../base/query-flag.ts'
import { ApiError, badRequest, invalidError } from '../../models/api-error.ts'
import { checkApplied } from '../../models/apply/check-applied.ts'
import type { Writer } from '../../models/apply/managed-fields.ts'
import { forbidden, required } from '../../models/field-error.ts'
import type { Parsed } from '../../models/json.ts'
import { apiVersionOf, type Kind } from '../../models/kind.ts'
import type { AnyObject } from '../../models/object.ts'
import { jsonKind } from '../../models/patch/go-print.ts'
import { asWarnings, CannotHandle } from '../../models/schema/index.ts'
import { bodyType, checkedBody, parseBody } from '../bodies/body.ts'
import { applyType } from '../bodies/media-types.ts'
import { fieldValidation } from '../bodies/object-body.ts'
import { decodeWrapped } from '../bodies/wrapped-integers.ts'
import type { ResourceCall } from '../core.ts'
import { type Decoded, typeOf } from '../model-engine.ts'
import { writerOf } from '../objects/field-owners.ts'
import { checkName } from './update.ts'
import { fieldManager } from './write-options.ts'

/** What somebody applies, and as whom. */
export interface Application {
  /** Only what was said, as it was said. */
  configuration: AnyObject
  /** The part of it that the writer can own; the rest is what the path leaves alone. All of it unless given. */
  ownable?: AnyObject
  writer: Writer
  force: boolean
  /** It is about another object than the path, which is there. Said only once nothing is in conflict. */
  misplaced?: ApiError
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
  const { configuration, sent, misplaced } = readConfiguration(call, kind)
  const writer = writerOf(call.core, call.resource.kind, fieldManager(call), call.path.subresource ?? '')
  return {
    configuration,
    writer: { ...writer, sent },
    force: flag(call.info.query, 'force'),
    ...(misplaced ? { misplaced } : {}),
  }
}

/** Mostly JSON, which is read much faster; but whatever it looks like, YAML is what is promised. */
function parseApplied(body: Uint8Array): Parsed {
  if (jsonBegins.has(body[0]!))
    try {
      const parsed = parseBody('json', body, true)
      if (parsed.duplicates.length === 0) return parsed
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
    }
  return parseBody('yaml', body, true)
}

interface Read {
  configuration: AnyObject
  sent: AnyObject
  misplaced?: ApiError | undefined
}

function readConfiguration(call: ResourceCall, kind: Kind<any>): Read {
  const { body } = call.request
  const { value, duplicates } = body?.length ? parseApplied(checkedBody(call.request)) : nothing
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
  if (said.metadata?.managedFields) throw badRequest('metadata.managedFields must be nil')
  // What does not fit cannot be owned: that is said first.
  refuseUntyped(kind, said)
  const { object, warnings } = decodeApplied(call, kind, said)
  const validation = fieldValidation(call)
  if (validation === 'Strict' && duplicates.length)
    throw badRequest(`error strict decoding YAML: error converting YAML to JSON: ${duplicates.join('')}`)
  call.warnings.push(...warnings, ...(validation === 'Warn' ? asWarnings(duplicates) : []))
  // Who an object is may go unsaid if it is there.
  const isThere = call.core.cache.get(call.resource, call.path.namespace, call.path.name!) !== undefined
  if (isThere) object.metadata.name ||= call.path.name!
  const misplaced = nameProblem(call, object)
  if (misplaced && !isThere) throw misplaced
  const { name, namespace } = object.metadata
  const sent = said as AnyObject
  const metadata = { ...sent.metadata, name, ...(namespace ? { namespace } : {}) }
  return { configuration: { ...sent, metadata }, sent, misplaced }
}

function nameProblem(call: ResourceCall, object: AnyObject): ApiError | undefined {
  try {
    checkName(call, object)
    return undefined
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return error
  }
}

const nothing: Parsed = { value: null, duplicates: [] }

/** @throws ApiError with 500, as from Kubernetes: for it, the server's own conversion has failed */
function decodeApplied(call: ResourceCall, kind: Kind<any>, said: object): Decoded {
  try {
    return decodeWrapped(kind, said, fieldValidation(call))
  } catch (cause) {
    if (!(cause instanceof CannotHandle)) throw cause
    const type = gvkText(kind)
    const why = cause.why
      .replace(/^illegal base64/, 'error decoding from json: illegal base64')
      .replace(/^json: cannot unmarshal number \S*\.\S* into .* of type (int\d+)$/, 'cannot convert float64 to $1')
      .replace(/ into Go struct field \S+ of type /, ' into Go value of type ')
    const text = `failed to convert new object (${nameText(said)}; ${type}) to proper version: unable to convert unstructured object to ${type}: ${why}`
    throw new ApiError('', text, { code: 500, cause })
  }
}

const gvkText = ({ group, version, kind }: Kind<any>): string => `${group}/${version}, Kind=${kind}`

function nameText(said: object): string {
  const { namespace = '', name = '' } = (said as { metadata?: { namespace?: string; name?: string } }).metadata ?? {}
  return `${typeof namespace === 'string' ? namespace : ''}/${typeof name === 'string' ? name : ''}`
}

/** A brace or a bracket: JSON is refused sooner than YAML where it is nested without end. */
const jsonBegins = new Set([0x7b, 0x5b])

/** What does not fit the type cannot be owned, whatever the request says about unknown fields. */
function refuseUntyped(kind: Kind<any>, said: object): void {
  const problems = checkApplied(typeOf(kind), said)
  if (!problems.length) return
  const why = problems.length === 1 ? problems[0] : `errors:\n${problems.map(p => `  ${p}`).join('\n')}`
  throw new ApiError('', `failed to create typed patch object (${nameText(said)}; ${gvkText(kind)}): ${why}`, {
    code: 500,
  })
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Refuses `force` where it means nothing. @throws ApiError Invalid */
export function refuseForce(call: ResourceCall): void {
  if (flag(call.info.query, 'force'))
    throw invalidError(patchOptions, '', [forbidden('force', 'may not be specified for non-apply patch')])
}
