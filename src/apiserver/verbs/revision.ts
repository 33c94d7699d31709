import { integerProblem } from '../../base/go-integer.ts'
import { ApiError, badRequest } from '../../models/api-error.ts'
import type { Core } from '../core.ts'

const waitMs = 3_000

/**
 * Kubernetes' cache hands on what it could not read as a fault of its own, with no reason: clients hear 500, and so do ours.
 * @param reader who would have read it: the cache, or the store for a state of its own
 * @throws ApiError when it is no number that a server could have given
 */
export function parseRevision(text: string, reader: 'cache' | 'store' = 'cache'): number {
  const problem = integerProblem(text, false)
  if (!problem) return Number(text)
  const why = `resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: ${problem}`
  throw reader === 'cache' ? new ApiError('', why, { code: 500 }) : badRequest(`invalid resource version: ${why}`)
}

/** The refusal of a state that is yet to come: what a client hears of etcd where its server asks for that very revision. */
export const futureRevision = (cause?: unknown): ApiError =>
  new ApiError('', 'etcdserver: mvcc: required revision is a future revision', { code: 500, cause })

/** Waits a little until the cache is as new as the client says it has seen. @throws ApiError Timeout */
export async function waitForRevision(core: Core, text: string): Promise<number> {
  const wanted = parseRevision(text)
  if (core.cache.revision < wanted && !(await core.cache.reached(wanted, waitMs)))
    throw new ApiError('Timeout', `Timeout: Too large resource version: ${wanted}, current: ${core.cache.revision}`, {
      details: {
        retryAfterSeconds: 1,
        causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      },
    })
  return wanted
}
