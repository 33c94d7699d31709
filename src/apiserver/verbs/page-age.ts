import { ApiError } from '../../models/api-error.ts'
import type { Core } from '../core.ts'
import { type ContinueToken, encodeToken } from './list-options.ts'

/**
 * How long pages go on showing the state of the first one. The history would allow more, but clients are written for
 * servers that forget after five to ten minutes, and so are those who test them: pagers go on from the token of the
 * refusal, and a listing as old as that is better known to be none of one moment.
 */
const pagesLastMs = 5 * 60_000

/** @throws ApiError Expired, with a token for the rest as it is now */
export function refuseOldPage(core: Core, { revision, after, begunMs }: ContinueToken): void {
  if (begunMs === undefined || revision === core.cache.revision) return
  if (core.clock.now() - begunMs >= pagesLastMs) throw pageExpired(after)
}

/** The refusal of a page that cannot be shown as the first one was. */
export function pageExpired(after: string, cause?: unknown): ApiError {
  return new ApiError(
    'Expired',
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
    { continueToken: encodeToken({ revision: -1, after }), cause },
  )
}
