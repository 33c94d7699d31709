import { flag } from '../../base/query-flag.ts'
import { ApiError, badRequest } from '../../models/api-error.ts'
import type { CallHandler, Core, ResourceCall } from '../core.ts'
import { formOfMany } from '../replies/object-form.ts'
import type { Resource } from '../resources.ts'
import { type ObjectSelector, objectSelector } from '../selectors/object-selector.ts'
import { prepare } from '../storage/conversion.ts'
import type { KeptObject } from '../watch-cache/kept-object.ts'
import { asOfRevision, notKept } from './as-of.ts'
import { type ListOptions, listOptions } from './list-options.ts'
import { type ListPage, listReply } from './list-page.ts'
import { refuseOldPage } from './page-age.ts'
import { pastPage } from './past-page.ts'
import { parseRevision, waitForRevision } from './revision.ts'
import { unreadableWarnings } from './unreadable.ts'
import { watch } from './watch.ts'

export const list: CallHandler = async call => {
  if (call.path.legacyWatch || flag(call.info.query, 'watch')) {
    if (call.info.query.get('asOf')) throw badRequest('asOf: the past does not change; it cannot be watched')
    return watch(call)
  }
  const form = formOfMany(call, call.resource)
  const options = listOptions(call.info.query)
  const selector = objectSelector(call.resource, call.info.query)
  const page = await readPage(call, options, selector)
  call.warnings.push(...unreadableWarnings(call))
  const pending = prepare(call.resource, page.objects)
  if (pending) await pending
  return listReply(call, form, page)
}

/** What a list shows: of now, of a revision, or the page after another. @throws ApiError */
export async function readPage(call: ResourceCall, options: ListOptions, selector: ObjectSelector): Promise<ListPage> {
  const { core, resource } = call
  const asOf = await asOfRevision(core, call.info.query)
  const namespace = resource.namespaced ? call.path.namespace : undefined
  if (asOf !== undefined)
    return pastPage(call, namespace, asOf, undefined, options, selector).catch(error => {
      throw error instanceof ApiError && error.cause ? notKept(error.cause) : error
    })
  if (options.continue && options.continue.revision > 0) {
    const { revision, after } = options.continue
    refuseOldPage(core, options.continue)
    const then = (await stillThere(core, revision)) && core.cache.bucket(resource).listAt(revision, namespace)
    return then
      ? presentPage(call, then, revision, options, selector)
      : pastPage(call, namespace, revision, after, options, selector)
  }
  if (options.resourceVersion && options.resourceVersion !== '0') {
    const revision = parseRevision(options.resourceVersion)
    const exact = options.match === 'Exact' || (options.match === '' && options.limit > 0)
    if (!exact) await waitForRevision(core, options.resourceVersion)
    // A zero that is written otherwise is no revision either.
    else if (revision > 0 && revision !== core.cache.revision)
      return pastPage(call, namespace, revision, undefined, options, selector)
  }
  return presentPage(call, candidates(core, resource, namespace, selector), core.cache.revision, options, selector)
}

/** Whether the cache may speak of a revision: not of what it does not know yet, nor of what the store is to have forgotten. */
async function stillThere({ cache, store }: Core, revision: number): Promise<boolean> {
  return revision <= cache.revision && BigInt(revision) >= (await store.compacted())
}

/** One page of what the cache holds, or held at `revision`. */
async function presentPage(
  { core, resource }: ResourceCall,
  all: readonly KeptObject[],
  revision: number,
  options: ListOptions,
  selector: ObjectSelector,
): Promise<ListPage> {
  const token = options.continue
  const after = token ? all.slice(firstAfter(all, resource.prefix + token.after)) : all
  const pending = selector.matches && prepare(resource, after)
  if (pending) await pending
  // Any state will do for a client that says "0": the whole of it, whatever the limit.
  const limit = options.resourceVersion === '0' && !token ? 0 : options.limit
  const { objects, left } = firstOf(after, limit, selector.matches)
  core.reads.listedFromCache(resource, after.length, objects.length)
  if (left === 0) return { objects, revision }
  const begunMs = token && token.revision > 0 ? token.begunMs : core.clock.now()
  return {
    objects,
    revision,
    next: { revision, after: objects.at(-1)!.key.slice(resource.prefix.length), begunMs },
    remaining: selector.matches ? undefined : left,
  }
}

/**
 * The first objects that match, at most `limit` unless that is 0, and how many of all follow the last of them: nobody looks
 * whether any of those matches.
 */
function firstOf(
  all: readonly KeptObject[],
  limit: number,
  matches: ObjectSelector['matches'],
): { objects: readonly KeptObject[]; left: number } {
  if (limit === 0) return { objects: matches ? all.filter(matches) : all, left: 0 }
  if (!matches)
    return { objects: all.length > limit ? all.slice(0, limit) : all, left: Math.max(0, all.length - limit) }
  const objects: KeptObject[] = []
  for (const [i, object] of all.entries()) {
    if (matches(object)) objects.push(object)
    if (objects.length === limit) return { objects, left: all.length - i - 1 }
  }
  return { objects, left: 0 }
}

/** How many objects have keys up to `key`. Whole keys are compared as the store does; see Bucket. */
function firstAfter(objects: readonly KeptObject[], key: string): number {
  let low = 0
  let high = objects.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (objects[middle]!.key > key) high = middle
    else low = middle + 1
  }
  return low
}

function candidates(
  core: Core,
  resource: Resource,
  namespace: string | undefined,
  selector: ObjectSelector,
): readonly KeptObject[] {
  if (selector.name !== undefined && (namespace !== undefined || !resource.namespaced)) {
    const one = core.cache.get(resource, namespace, selector.name)
    return one ? [one] : []
  }
  return core.cache.bucket(resource).list(namespace)
}
