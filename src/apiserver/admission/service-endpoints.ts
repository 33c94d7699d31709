import { timestamp } from '../../base/clock.ts'
import { Endpoints, Service } from '../../models/kinds/index.ts'
import { encodeObject } from '../storage/object-bytes.ts'
import { type AdmissionPlugin, isOf } from './chain.ts'

/**
 * The Endpoints of a Service go with it, in the same commit, whoever made them: a Service that is made anew under the name
 * must not begin with the addresses of the old one. Those that somebody holds by a finalizer are marked as being deleted.
 */
export const serviceEndpoints: AdmissionPlugin = {
  name: 'ServiceEndpoints',
  handles: (resource, operation, subresource) =>
    isOf(resource, Service) && operation === 'DELETE' && subresource === '',
  charges({ core, namespace, name }) {
    const kept = core.cache.get(core.resources.of(Endpoints), namespace, name)
    if (!kept) return []
    const change = { key: kept.key, seen: BigInt(kept.revision) }
    const { metadata, ...rest } = kept.parse()
    if (!metadata.finalizers?.length) return [{ ...change, value: undefined }]
    if (metadata.deletionTimestamp) return []
    const marks = { deletionTimestamp: timestamp(core.clock), deletionGracePeriodSeconds: 0 }
    return [{ ...change, value: encodeObject({ ...rest, metadata: { ...metadata, ...marks } }) }]
  },
}
