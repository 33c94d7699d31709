import { ApiError } from '../../models/api-error.ts'
import type { Core } from '../core.ts'

const waitMs = 3_000

/** @throws ApiError BadRequest when it is no number that a server could have given */
export function parseRevision(text: string): number {
  if (!/^\d{1,19}$/.test(text))
    throw new ApiError(
      'Invalid',
      `resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
    )
  return Number(text)
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
