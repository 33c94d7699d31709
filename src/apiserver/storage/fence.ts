import type { Revision } from '../../db/store.ts'
import { ApiError, badRequest } from '../../models/api-error.ts'
import type { Lease } from '../../models/types/coordination-v1.ts'
import type { KeptObject } from '../watch-cache/kept-object.ts'

/** The term under which a leader writes: only while this Lease is held under it. */
export interface Fence {
  namespace: string
  name: string
  /** Of the Lease: one that was made anew counts its terms from the beginning. */
  uid: string
  /** Its leaseTransitions when the leader took it. */
  term: number
}

/** `kube-system/kube-scheduler/<uid of the Lease>/<its leaseTransitions>` */
export const fenceHeader = 'optiflow-fence'

/** @throws ApiError BadRequest */
export function parseFence(text: string): Fence {
  const [namespace, name, uid, term, ...rest] = text.split('/')
  if (!namespace || !name || !uid || !/^\d{1,10}$/.test(term ?? '') || rest.length)
    throw badRequest(`${fenceHeader}: Invalid value: ${JSON.stringify(text)}: must be NAMESPACE/LEASE/UID/TRANSITIONS`)
  return { namespace, name, uid, term: Number(term) }
}

/**
 * The revision that the Lease must still have when something is written under this fence: whoever takes the Lease over changes it,
 * so that a leader of the past cannot write afterwards, however late its request arrives.
 * @param kept the Lease as far as is known @throws ApiError Forbidden
 */
export function fenceRevision(fence: Fence, kept: KeptObject | undefined): Revision {
  const lease = kept?.value() as Lease | undefined
  const { holderIdentity, leaseTransitions = 0 } = lease?.spec ?? {}
  if (lease?.metadata.uid === fence.uid && leaseTransitions === fence.term && holderIdentity)
    return BigInt(kept!.revision)
  throw staleLeader(fence, lease)
}

export function staleLeader({ namespace, name, term }: Fence, lease: Lease | undefined): ApiError {
  const { holderIdentity, leaseTransitions = 0 } = lease?.spec ?? {}
  const now = !lease
    ? 'is gone'
    : holderIdentity
      ? `is held by ${holderIdentity} in term ${leaseTransitions}`
      : 'is held by nobody'
  return new ApiError(
    'Forbidden',
    `the writer leads no longer: its request is of term ${term} of the lease ${namespace}/${name}, which ${now}`,
    { details: { name, group: 'coordination.k8s.io', kind: 'leases' } },
  )
}
