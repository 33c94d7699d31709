import { ApiError } from '../../models/api-error.ts'
import type { ApiReply } from '../../models/rest.ts'
import type { DeleteOptions } from '../../models/types/meta-v1.ts'
import { mastersGroup } from '../authz/authorizer.ts'
import type { Call, ResourceCall } from '../core.ts'
import { valueReply } from '../replies/object-form.ts'
import { jsonReply, successStatus } from '../replies/reply.ts'
import { flag } from '../request-info.ts'
import type { KeptObject } from '../watch-cache/kept-object.ts'

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

/**
 * Deletes an object without looking at its finalizers, which nobody can read.
 * @throws ApiError StorageReadError unless that is wished for, Forbidden unless by an administrator
 */
export async function removeUnreadable(call: ResourceCall, wishes: DeleteOptions, dryRun: boolean): Promise<ApiReply> {
  const found = find(call)!
  const wished = flag(call.info.query, unsafeDeletion) || wishes[unsafeDeletion] === true
  if (!wished) throw unreadable(call)!
  if (!call.user.groups?.includes(mastersGroup))
    throw new ApiError('Forbidden', `${found.key} cannot be decoded: only ${mastersGroup} may delete it`)
  if (!dryRun) await call.core.objects.remove(found)
  return valueReply(call, 200, successStatus({ name: call.path.name!, kind: call.resource.kind.plural }))
}

/** All of them, for those who mend a store. */
export function listUnreadable({ core }: Call): ApiReply {
  const items = core.cache.unreadable().map(o => ({
    key: o.key,
    ...(o.namespace ? { namespace: o.namespace } : {}),
    name: o.name,
    revision: String(o.revision),
    bytes: o.bytes.length,
    begins: o.bytes.toString('latin1', 0, 60).replace(/[^ -~]/g, '?'),
  }))
  return jsonReply(200, { kind: 'UnreadableObjectList', apiVersion: 'optiflow.dev/v1', items })
}

function find(call: ResourceCall): KeptObject | undefined {
  const { core, resource, path } = call
  const namespace = resource.namespaced ? path.namespace : ''
  const bucket = core.cache.bucket(resource)
  if (bucket.get(namespace ?? '', path.name!)) return undefined
  return bucket.unreadable(namespace).find(o => o.name === path.name)
}
