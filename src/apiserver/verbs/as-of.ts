import { Compacted, FutureRevision } from '../../db/store.ts'
import { ApiError, badRequest } from '../../models/api-error.ts'
import type { Core } from '../core.ts'

/** RFC 3339, with or without parts of a second. */
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i

/**
 * The revision that `?asOf=` means: a revision, or the newest one of that time.
 * @returns undefined when the past is not asked for
 * @throws ApiError BadRequest, Expired
 */
export async function asOfRevision(core: Core, query: URLSearchParams): Promise<number | undefined> {
  const text = query.get('asOf')
  if (text === null || text === '') return undefined
  for (const other of ['resourceVersion', 'resourceVersionMatch', 'continue'])
    if (query.get(other)) throw badRequest(`asOf: may not be used together with ${other}`)
  if (/^\d{1,15}$/.test(text)) return Number(text)
  const timeMs = rfc3339.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(timeMs))
    throw badRequest(
      `asOf: Invalid value: ${JSON.stringify(text)}: must be a revision, or a time such as 2026-01-31T12:00:00Z`,
    )
  try {
    return Number(await core.store.revisionAt(timeMs))
  } catch (error) {
    throw notKept(error)
  }
}

/** What the store says of revisions that it cannot show, as a client hears it. Other errors as they are. */
export function notKept(error: unknown): unknown {
  if (error instanceof FutureRevision)
    return badRequest(`asOf: revision ${error.wanted} is not yet written; the newest is ${error.newest}`)
  if (error instanceof Compacted)
    return new ApiError(
      'Expired',
      `asOf: history goes back to revision ${error.oldest}; what was before is no longer kept`,
      { cause: error },
    )
  return error
}
