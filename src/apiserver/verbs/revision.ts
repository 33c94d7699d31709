import { integerProblem } from '../../base/go-integer.ts'
import { ApiError, badRequest } from '../../models/api-error.ts'
import type { Core } from '../core.ts'

const waitMs = 3_000

/**
 * Kubernetes answers 500 where its cache reads the number, although it is the client who is wrong; we say 400, in its words.
 * @param reader who would have read it: the cache, or the store for a state of its own
 * @throws ApiError when it is no number that a server could have given
 */
export function parseRevision(text: string, reader: 'cache' | 'store' = 'cache'): number {
  const problem = integerProblem(text, false)
  if (!problem) return Number(text)
  const why = `resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: ${problem}`
  throw badRequest(reader === 'cache' ? why : `invalid resource version: ${why}`)
}

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
