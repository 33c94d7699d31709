import { flag } from '../../base/query-flag.ts'
import { badRequest, notFoundError } from '../../models/api-error.ts'
import type { CallHandler } from '../core.ts'
import { objectReply } from '../replies/object-form.ts'
import { objectStoreKey } from '../storage/object-key.ts'
import { asOfRevision } from './as-of.ts'
import { history } from './history.ts'
import { pastObject } from './past.ts'
import { waitForRevision } from './revision.ts'
import { unreadable } from './unreadable.ts'

export const get: CallHandler = async call => {
  const { core, resource, path } = call
  if (flag(call.info.query, 'history')) return history(call)
  // Clients older than 1.14 would take the object as it is for one without what belongs to this cluster.
  if (flag(call.info.query, 'export'))
    throw badRequest('the export parameter, deprecated since v1.14, is no longer supported')
  const asOf = await asOfRevision(core, call.info.query)
  if (asOf !== undefined) return objectReply(call, resource, 200, await pastObject(call, asOf))
  objectStoreKey(resource, path.namespace, path.name!)
  const wanted = call.info.query.get('resourceVersion')
  if (wanted && wanted !== '0') await waitForRevision(core, wanted)
  const object = core.cache.get(resource, path.namespace, path.name!)
  if (!object) throw unreadable(call) ?? notFoundError(resource.kind, path.name!)
  return objectReply(call, resource, 200, object)
}
