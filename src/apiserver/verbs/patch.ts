import { ApiError, invalidError } from '../../models/api-error.ts'
import { encodeJson } from '../../models/encode-json.ts'
import { invalid } from '../../models/field-error.ts'
import { parseJson } from '../../models/json.ts'
import { apiVersionOf, type Kind } from '../../models/kind.ts'
import type { AnyObject, KubeObject } from '../../models/object.ts'
import { goPrinted } from '../../models/patch/go-print.ts'
import { applyPatch, type PatchType, patchTypes } from '../../models/patch/index.ts'
import { restoreProblem } from '../../models/patch/restore.ts'
import { CannotHandle, inTextOrder } from '../../models/schema/index.ts'
import { bodyType, checkedBody, unsupportedMediaType } from '../bodies/body.ts'
import { changeTypes, customChangeTypes } from '../bodies/media-types.ts'
import { fieldValidation, readValue } from '../bodies/object-body.ts'
import { decodeWrapped } from '../bodies/wrapped-integers.ts'
import type { CallHandler, ResourceCall } from '../core.ts'
import { decodeValue, typeOf } from '../model-engine.ts'
import { trackPlainWrite } from '../objects/field-owners.ts'
import { withoutDoubleOwners } from '../objects/owner-references.ts'
import { updateObject } from '../objects/update-object.ts'
import { objectReply } from '../replies/object-form.ts'
import { fromStored } from '../storage/conversion.ts'
import { isApply, refuseForce } from './applied-configuration.ts'
import { apply } from './apply.ts'
import { checkName } from './update.ts'
import { fieldManager, isDryRun, shownOptions } from './write-options.ts'

interface Change {
  /** What the patch makes of an object. */
  apply(present: AnyObject): unknown
  type: PatchType
  /** As it was sent. */
  patch: unknown
  /** What is there twice in it, or unknown. */
  faults: string[]
}

/** PATCH of an object, or of its status. */
export const patch: CallHandler = async call => {
  const { core, resource, path } = call
  if (isApply(call)) return apply(call)
  refuseForce(call)
  const track = trackPlainWrite(core, resource.kind, fieldManager(call), path.subresource)
  const dryRun = isDryRun(call)
  const change = readPatch(call)
  const next = (present: AnyObject) => {
    const served = fromStored(resource, present)
    const { resourceVersion } = served.metadata
    const patched = change.apply(served)
    const object = readPatched(call, resource.kind, patched, change)
    checkName(call, object)
    withoutDoubleOwners(object, call.warnings, true)
    // A patch that leaves the version alone is about whatever is there now.
    if (object.metadata.resourceVersion === resourceVersion && !mentionsRevision(call))
      delete (object.metadata as { resourceVersion?: string }).resourceVersion
    return object
  }
  const kept = await updateObject(core, resource, path.namespace, path.name!, next, {
    user: call.user,
    dryRun,
    warnings: call.warnings,
    shownOptions: shownOptions(call, 'UpdateOptions'),
    subresource: path.subresource ?? '',
    track,
    // A patch leaves alone what it is applied to, and what comes of it is decoded into a new object.
    onlyReads: !resource.kind.storedAs,
  })
  return objectReply(call, resource, 200, kept)
}

/** @throws ApiError UnsupportedMediaType, BadRequest */
export function readPatch(call: ResourceCall): Change {
  const contentType = bodyType(call.request)
  const offered = call.resource.kind.custom ? customChangeTypes : changeTypes
  const type = offered.includes(contentType) ? patchTypes[contentType] : undefined
  if (!type)
    throw call.resource.kind.custom
      ? unsupportedMediaType(contentType, offered)
      : new ApiError('UnsupportedMediaType', '415: Unsupported Media Type', { details: {} })
  const duplicates = fieldValidation(call) !== 'Ignore'
  const { value: patch, duplicates: found } = parseJson(checkedBody(call.request), { duplicates, exactIntegers: true })
  const faults = type === 'json' && duplicates ? operationFaults(patch, found) : found
  return { apply: present => applyPatch(call.resource.kind, type, present, patch), type, patch, faults }
}

/** What comes of a patch may be no object of the kind: then the patch is invalid. @throws ApiError Invalid */
export function readPatched<T extends KubeObject>(
  call: ResourceCall,
  kind: Kind<T>,
  patched: unknown,
  { type, patch, faults }: Change,
): T {
  try {
    const [made, read] = type === 'strategic' ? [asOwnKind(kind, patched), decodeWrapped] : [patched, decodeValue]
    return readValue(call, kind, made, { ofPatch: faults, read }) as unknown as T
  } catch (error) {
    if (!(error instanceof CannotHandle)) throw error
    const nothing = { group: '', plural: '', kind: '' }
    if (type !== 'strategic') throw invalidError(nothing, '', [invalid('patch', encodeJson(patched), error.why)])
    // Of a strategic merge patch the patch is shown, not what comes of it.
    const why = restoreProblem(typeOf(kind), patched) ?? error.why
    throw invalidError(nothing, '', [invalid('patch', goPrinted(patch), why)])
  }
}

/**
 * A strategic merge patch may say another kind, or none: the type of its address is what it is merged into.
 * Ansible's `k8s_scale` sends a Scale that calls itself a Deployment.
 */
function asOwnKind(kind: Kind<any>, patched: unknown): unknown {
  const said = patched as Partial<Record<'apiVersion' | 'kind', unknown>>
  const wrong = [said.apiVersion, said.kind].some(name => typeof (name ?? '') !== 'string')
  return wrong ? patched : { ...said, apiVersion: apiVersionOf(kind), kind: kind.kind }
}

const mostFaults = 100
const operationFields = new Set(['op', 'path', 'from', 'value'])

/** What operations say that is no field of theirs, or say twice; what is in their values is for the object's kind to judge. */
function operationFaults(patch: unknown, duplicates: string[]): string[] {
  const operations: unknown[] = Array.isArray(patch) ? patch : []
  const unknown = operations.flatMap((operation, i) =>
    Object.keys((operation as object | null) ?? {})
      .filter(field => !operationFields.has(field))
      .map(field => `unknown field ${JSON.stringify(`[${i}].${field}`)}`),
  )
  const doubled = duplicates.filter(fault => /"\[\d+\]\.(op|path|from|value)"$/.test(fault))
  return inTextOrder(patch, [...unknown.slice(0, mostFaults), ...doubled]).map(fault => `json patch ${fault}`)
}

/** A resourceVersion in the patch itself is an optimistic lock. */
function mentionsRevision(call: ResourceCall): boolean {
  const body = call.request.body
  return body !== undefined && Buffer.from(body.buffer, body.byteOffset, body.byteLength).includes('resourceVersion')
}
