import { type ServiceError, status } from '@grpc/grpc-js'
import { StoreFailed, StoreFull } from '../store.ts'
import { noAnswer } from './no-answer.ts'
import type { EtcdRpc } from './rpc.ts'

export function isCompacted(error: unknown): boolean {
  return isOutOfRange(error, 'compacted')
}

export function isFuture(error: unknown): boolean {
  return isOutOfRange(error, 'future')
}

/** No member answers where one was asked; another may. */
export function isLost(error: unknown): boolean {
  return (error as Partial<ServiceError>).code === status.UNAVAILABLE
}

/** Errors of gRPC as the store's; others as they are. */
export function storeError(error: unknown, rpc: EtcdRpc): Error {
  const { code, details } = error as Partial<ServiceError>
  if (String(code).startsWith('ERR_OSSL'))
    return new StoreFailed('our certificate or key for etcd cannot be used', {
      cause: error,
      hint: 'Look at the files of --etcd-cert and --etcd-key: both PEM, the key without a passphrase, and one belongs to the other.',
    })
  if (typeof code !== 'number') return error as Error
  // By now another member may be asked.
  const endpoint = (error as { endpoint?: string }).endpoint ?? rpc.endpoint
  if (code === status.RESOURCE_EXHAUSTED && details?.includes('space'))
    return new StoreFull(`etcd at ${endpoint} has no room: ${details}`, {
      hint: 'Raise its --quota-backend-bytes or compact and defragment it, then `etcdctl alarm disarm`.',
    })
  if (
    code === status.UNAUTHENTICATED ||
    code === status.PERMISSION_DENIED ||
    /authenticat|user name/.test(details ?? '')
  )
    return new StoreFailed(`etcd at ${endpoint} does not let us in: ${details}`, {
      hint: 'Check user name, password and the roles of the user in etcd.',
    })
  if (code === status.INVALID_ARGUMENT)
    return new StoreFailed(`etcd at ${endpoint} refused the request: ${details}`, {
      hint: 'For large objects or commits raise its --max-request-bytes or --max-txn-ops.',
    })
  const { saw, hint } = noAnswer(details ?? '', endpoint)
  return new StoreFailed(`etcd at ${endpoint} did not answer: ${saw}`, { hint })
}

function isOutOfRange(error: unknown, why: string): boolean {
  const { code, details } = error as Partial<ServiceError>
  return code === status.OUT_OF_RANGE && !!details?.includes(why)
}
