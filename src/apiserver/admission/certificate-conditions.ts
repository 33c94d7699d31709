import { timestamp } from '../../base/clock.ts'
import { CertificateSigningRequest } from '../../models/kinds/index.ts'
import type { CertificateSigningRequestCondition } from '../../models/types/certificates-v1.ts'
import { type AdmissionPlugin, isOf } from './chain.ts'

/** Conditions of a request get the time at which they were written, and keep that of their last change. */
export const certificateConditions: AdmissionPlugin = {
  name: 'CertificateConditions',
  handles: (resource, operation, subresource) =>
    isOf(resource, CertificateSigningRequest) &&
    operation === 'UPDATE' &&
    (subresource === 'status' || subresource === 'approval'),
  mutate({ core, object, previous, subresource }) {
    const before: CertificateSigningRequestCondition[] = previous!['status']?.conditions ?? []
    const conditions: CertificateSigningRequestCondition[] | undefined = object!['status']?.conditions
    if (!conditions) return
    const now = timestamp(core.clock)
    object!['status'].conditions = conditions.map(condition => {
      const known = before.find(old => old.type === condition.type)
      // A signer writes what it read; who approved, and when, is not its to change.
      if (subresource === 'status' && known && (known.type === 'Approved' || known.type === 'Denied')) return known
      const since = known?.status === condition.status ? known.lastTransitionTime : undefined
      return {
        ...condition,
        lastUpdateTime: condition.lastUpdateTime ?? now,
        lastTransitionTime: condition.lastTransitionTime ?? since ?? now,
      }
    })
  },
}
