import { afterThisTurn } from '../../base/clock.ts'
import { Slice, workedBytes } from '../../base/slices.ts'
import { Compacted, FutureRevision, type Versioned } from '../../db/store.ts'
import { ApiError } from '../../models/api-error.ts'
import type { ResourceCall } from '../core.ts'
import type { ObjectSelector } from '../selectors/object-selector.ts'
import { prepare } from '../storage/conversion.ts'
import { withRevision } from '../storage/object-bytes.ts'
import { KeptObject } from '../watch-cache/kept-object.ts'
import { placeOf } from '../watch-cache/watch-cache.ts'
import type { ListOptions } from './list-options.ts'
import type { ListPage } from './list-page.ts'
import { pageExpired } from './page-age.ts'
import { futureRevision } from './revision.ts'
import { unreadableText } from './unreadable.ts'

/** A page of the past: from the store, and as its own pages have no selectors, as many of those as it takes. */
export async function pastPage(
  call: ResourceCall,
  namespace: string | undefined,
  revision: number,
  after: string | undefined,
  options: ListOptions,
  selector: ObjectSelector,
): Promise<ListPage> {
  const { core, resource } = call
  const begunMs = options.continue
    ? options.continue.begunMs
    : call.info.query.get('asOf')
      ? undefined
      : core.clock.now()
  const limit = options.limit || Number.POSITIVE_INFINITY
  const wanted = selector.matches ? Math.max(Math.min(limit, 500), 100) : options.limit
  const prefix = namespace === undefined ? resource.prefix : `${resource.prefix}${namespace}/`
  const objects: KeptObject[] = []
  let start = after === undefined ? undefined : resource.prefix + after
  const slice = new Slice(workedBytes)
  let [fetched, evaluated] = [0, 0]
  const shown = (page: Partial<ListPage>): ListPage => {
    core.reads.listedFromStore(resource, fetched, evaluated, objects.length)
    return { objects, revision, ...page }
  }
  for (;;) {
    const page = { at: BigInt(revision), limit: wanted, ...(start ? { after: start } : {}) }
    const listing = await core.store.list(prefix, page).catch(error => {
      throw expired(error, after ?? objects.at(-1)?.key.slice(resource.prefix.length))
    })
    fetched += listing.entries.length
    for (const [i, entry] of listing.entries.entries()) {
      if (slice.fills(entry.value.length)) await new Promise<void>(afterThisTurn)
      const object = pastObjectOf(call, entry)
      if (!object) continue
      evaluated++
      if (selector.matches) {
        const pending = prepare(resource, [object])
        if (pending) await pending
        if (!selector.matches(object)) continue
      }
      objects.push(object)
      const left = listing.entries.length - i - 1 + listing.remaining
      if (objects.length >= limit && left > 0)
        return shown({
          next: { revision, after: entry.key.slice(resource.prefix.length), begunMs },
          remaining: selector.matches ? undefined : left,
        })
    }
    if (listing.remaining === 0) return shown({})
    start = listing.entries.at(-1)!.key
  }
}

/** Undefined of what is not of this resource, and of what cannot be read, with a warning. */
function pastObjectOf(
  { resource, warnings }: ResourceCall,
  { key, value, revision }: Versioned,
): KeptObject | undefined {
  const place = placeOf(key, { prefix: resource.prefix, namespaced: resource.namespaced })
  if (!place) return undefined
  const bytes = withRevision(value, revision)
  const object = new KeptObject(key, place.namespace, place.name, Number(revision), bytes)
  if (object.readable) return object
  warnings.push(unreadableText(object))
  return undefined
}

function expired(error: unknown, after: string | undefined): unknown {
  if (error instanceof FutureRevision) return futureRevision(error)
  if (!(error instanceof Compacted)) return error
  return after === undefined
    ? new ApiError('Expired', `The resourceVersion for the provided list is too old.`, { cause: error })
    : pageExpired(after, error)
}
