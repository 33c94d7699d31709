import { notFoundError } from '../../models/api-error.ts'
import type { CallHandler } from '../core.ts'
import { objectReply } from '../replies/object-form.ts'
import { objectStoreKey } from '../storage/object-key.ts'
import { waitForRevision } from './revision.ts'

export const get: CallHandler = async call => {
  const { core, resource, path } = call
  objectStoreKey(resource, path.namespace, path.name!)
  const wanted = call.info.query.get('resourceVersion')
  if (wanted && wanted !== '0') await waitForRevision(core, wanted)
  const object = core.cache.get(resource, path.namespace, path.name!)
  if (!object) throw notFoundError(resource.kind, path.name!)
  return objectReply(call, resource, 200, object)
}
