import { ApiError, badRequest, invalidError } from '../../models/api-error.ts'
import { applyConfiguration } from '../../models/apply/managed-fields.ts'
import { invalid, required } from '../../models/field-error.ts'
import { apiVersionOf } from '../../models/kind.ts'
import type { AnyObject } from '../../models/object.ts'
import { typeNamed } from '../../models/schema/types.ts'
import { checkedBody, parseBody } from '../bodies/body.ts'
import { readValue } from '../bodies/object-body.ts'
import type { CallHandler, ResourceCall } from '../core.ts'
import { decodeValue } from '../model-engine.ts'
import { createObject } from '../objects/create-object.ts'
import { writerOf } from '../objects/field-owners.ts'
import { updateObject } from '../objects/update-object.ts'
import { objectReply } from '../replies/object-form.ts'
import { fromStored } from '../storage/conversion.ts'
import { checkName } from './update.ts'
import { fieldManager, isDryRun } from './write-options.ts'

const patchOptions = { group: 'meta.k8s.io', plural: 'patchoptions', kind: 'PatchOptions' }

/** PATCH with `application/apply-patch+yaml`: server-side apply of an object, or of its status; creates what is not there. */
export const apply: CallHandler = async call => {
  const { core, resource, path } = call
  const subresource = path.subresource ?? ''
  if (!call.info.query.get('fieldManager'))
    throw invalidError(patchOptions, '', [required('fieldManager', 'is required for apply patch')])
  const manager = fieldManager(call)
  const force = readForce(call)
  const dryRun = isDryRun(call)
  const applied = readApplied(call)
  const type = typeNamed(resource.kind.schema)
  const writer = writerOf(core, resource.kind, manager, subresource)
  const common = { user: call.user, dryRun, warnings: call.warnings }

  if (!core.cache.get(resource, path.namespace, path.name!) && subresource === '') {
    const made = whole(call, applyConfiguration(type, undefined, structuredClone(applied), writer, force))
    const owners = made.metadata.managedFields
    const kept = await createObject(core, resource, made, { ...common, track: keepOwners(() => owners) })
    return objectReply(call, resource, 201, kept)
  }
  let owners: AnyObject['metadata']['managedFields']
  const next = (present: AnyObject) => {
    const live = fromStored(resource, present)
    const wanted = subresource === 'status' ? statusOnly(applied) : applied
    const state = whole(call, applyConfiguration(type, live, structuredClone(wanted), writer, force))
    owners = state.metadata.managedFields
    // Without a version of its own the configuration is about whatever is there now.
    if (applied.metadata.resourceVersion) state.metadata.resourceVersion = applied.metadata.resourceVersion
    else delete (state.metadata as { resourceVersion?: string }).resourceVersion
    return state
  }
  const kept = await updateObject(core, resource, path.namespace, path.name!, next, {
    ...common,
    subresource,
    track: keepOwners(() => owners),
  })
  return objectReply(call, resource, 200, kept)
}

/** With everything that an object of the kind always has. */
function whole(call: ResourceCall, object: AnyObject): AnyObject {
  return decodeValue(call.resource.kind, object, 'Ignore', []).object
}

function keepOwners(owners: () => AnyObject['metadata']['managedFields']) {
  return (next: AnyObject) => {
    const list = owners()
    if (list) next.metadata.managedFields = list
    else delete next.metadata.managedFields
  }
}

function readApplied(call: ResourceCall): AnyObject {
  const body = checkedBody(call.request)
  const { value, duplicates } = parseBody(body[0] === openBrace ? 'json' : 'yaml', body, true)
  const said = value as { metadata?: { managedFields?: unknown[] } } | null
  if (!said || typeof said !== 'object' || Array.isArray(said))
    throw badRequest('the applied configuration is not an object')
  if (said.metadata?.managedFields?.length) throw badRequest('metadata.managedFields must be nil')
  const object = onlySaid(readValue(call, call.resource.kind, value, duplicates), value) as AnyObject
  object.apiVersion ??= apiVersionOf(call.resource.kind)
  object.kind ??= call.resource.kind.kind
  checkName(call, object)
  return object
}

const openBrace = '{'.charCodeAt(0)

/** Decoding fills in what a type always has; an applier owns only what it said. */
function onlySaid(decoded: unknown, said: unknown): unknown {
  if (Array.isArray(decoded) && Array.isArray(said)) return decoded.map((item, i) => onlySaid(item, said[i]))
  if (!isRecord(decoded) || !isRecord(said)) return decoded
  return Object.fromEntries(
    Object.entries(decoded).flatMap(([k, v]) => (Object.hasOwn(said, k) ? [[k, onlySaid(v, said[k])]] : [])),
  )
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function readForce(call: ResourceCall): boolean {
  const text = call.info.query.get('force')
  if (text === null || text === '' || text === 'false' || text === '0') return false
  if (text === 'true' || text === '1') return true
  throw invalidError(patchOptions, '', [invalid('force', text, 'must be true or false')])
}

function statusOnly(object: AnyObject): AnyObject {
  const { apiVersion, kind, metadata } = object
  return {
    apiVersion,
    kind,
    metadata,
    ...(object['status'] === undefined ? {} : { status: object['status'] }),
  } as AnyObject
}

/** Refuses `force` where it means nothing. @throws ApiError Invalid */
export function refuseForce(call: ResourceCall): void {
  if (readForce(call))
    throw new ApiError(
      'Invalid',
      'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
    )
}
