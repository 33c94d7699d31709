import { notFoundError } from '../../models/api-error.ts'
import type { ResourceCall } from '../core.ts'
import { withRevision } from '../storage/object-bytes.ts'
import { objectStoreKey } from '../storage/object-key.ts'
import { KeptObject } from '../watch-cache/kept-object.ts'
import { notKept } from './as-of.ts'

/** One object as it was at a revision. @throws ApiError NotFound, Expired, BadRequest */
export async function pastObject(call: ResourceCall, revision: number): Promise<KeptObject> {
  const { core, resource, path } = call
  const key = objectStoreKey(resource, path.namespace, path.name!)
  let found: Awaited<ReturnType<typeof core.store.get>>
  try {
    found = await core.store.get(key, BigInt(revision))
  } catch (error) {
    throw notKept(error)
  }
  if (!found) throw notFoundError(resource.kind, path.name!)
  return keptFrom(call, key, found.value, Number(found.revision))
}

/** Stored bytes of the call's object in the form in which the newest ones are kept. */
export function keptFrom(call: ResourceCall, key: string, value: Uint8Array, revision: number): KeptObject {
  const { path, resource } = call
  const namespace = resource.namespaced ? path.namespace! : ''
  return new KeptObject(key, namespace, path.name!, revision, withRevision(value, revision))
}
