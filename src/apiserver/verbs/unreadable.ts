import { flag } from '../../base/query-flag.ts'
import { ApiError, invalidError, notFoundError } from '../../models/api-error.ts'
import { invalid } from '../../models/field-error.ts'
import { resourceName } from '../../models/kind.ts'
import type { ApiReply } from '../../models/rest.ts'
import type { DeleteOptions } from '../../models/types/meta-v1.ts'
import { refusalOf } from '../admission/permission.ts'
import type { Call, ResourceCall } from '../core.ts'
import { valueReply } from '../replies/object-form.ts'
import { jsonReply, successStatus } from '../replies/reply.ts'
import type { KeptObject } from '../watch-cache/kept-object.ts'
import { describeUnreadable } from '../watch-cache/unreadable-objects.ts'
import { invalidOptions } from './invalid-options.ts'

/** Kubernetes' own name for the wish to delete what cannot be read. */
const unsafeDeletion = 'ignoreStoreReadErrorWithClusterBreakingPotential'

/** The error for the call's object if it is in the store, but cannot be decoded. */
export function unreadable(call: ResourceCall): ApiError | undefined {
  const found = find(call)
  return (
    found &&
    new ApiError(
      'StorageReadError',
      `${unreadableText(found)}; see what it was with ?asOf=, or delete it with ${unsafeDeletion}=true`,
      { code: 500 },
    )
  )
}

/** For each object of the list's resource and namespace that it had to leave out. */
export function unreadableWarnings(call: ResourceCall): string[] {
  const namespace = call.resource.namespaced ? call.path.namespace : undefined
  return call.core.cache.bucket(call.resource).unreadable(namespace).map(unreadableText)
}

export function unreadableText({ key, revision }: Pick<KeptObject, 'key' | 'revision'>): string {
  return `the object at ${key} (revision ${revision}) cannot be decoded`
}

/** Whether the client wishes to delete what cannot be read, and it alone: it is refused of anything else. @throws ApiError Invalid */
export function wishesUnsafeDeletion(
  call: ResourceCall,
  wishes: DeleteOptions,
  { found, dryRun }: { found: boolean; dryRun: boolean },
): boolean {
  const wished = flag(call.info.query, unsafeDeletion) || wishes[unsafeDeletion] === true
  if (!wished) return false
  const clash = dryRun ? 'dryRun' : clashing.find(name => wishes[name] !== undefined)
  if (clash) throw invalidOptions(call, invalid(unsafeDeletion, true, `cannot be set together with .${clash}`))
  if (found) return true
  const { kind } = call.resource
  const why = 'is exclusively used to delete corrupt object(s), try again by removing this option'
  throw invalidError({ ...kind, kind: kind.plural }, call.path.name!, [invalid(unsafeDeletion, true, why)])
}

const clashing = ['propagationPolicy', 'orphanDependents', 'gracePeriodSeconds', 'preconditions'] as const
const unsafeVerb = 'unsafe-delete-ignore-read-errors'

/**
 * Deletes an object without looking at its finalizers, which nobody can read.
 * @throws ApiError Forbidden unless the user has Kubernetes' verb for it besides `delete`
 */
export async function removeUnreadable(call: ResourceCall): Promise<ApiReply> {
  const { core, resource, path, user } = call
  const { group, version, plural } = resource.kind
  const name = path.name!
  const asked = { group, version, plural, namespace: path.namespace ?? '', name }
  const refused = await refusalOf(core.authorizer, user, unsafeVerb, asked)
  if (refused !== undefined)
    throw new ApiError(
      'Forbidden',
      `${resourceName(resource.kind)} ${JSON.stringify(name)} is forbidden: not permitted to do "${unsafeVerb}", reason: ${refused}`,
      { details: { name, ...(group ? { group } : {}), kind: plural } },
    )
  const found = find(call)
  if (!found) throw notFoundError(resource.kind, name)
  await core.objects.remove(found)
  return valueReply(call, 200, successStatus({ name, ...(group ? { group } : {}), kind: plural }))
}

/** All of them, for those who mend a store. */
export function listUnreadable({ core }: Call): ApiReply {
  const items = core.cache.unreadable().map(describeUnreadable)
  return jsonReply(200, { kind: 'UnreadableObjectList', apiVersion: 'optiflow.dev/v1', items })
}

function find(call: ResourceCall): KeptObject | undefined {
  const { core, resource, path } = call
  const namespace = resource.namespaced ? path.namespace : ''
  const bucket = core.cache.bucket(resource)
  if (bucket.get(namespace ?? '', path.name!)) return undefined
  return bucket.unreadable(namespace).find(o => o.name === path.name)
}
