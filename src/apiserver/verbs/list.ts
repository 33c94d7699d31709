import { Compacted, FutureRevision } from '../../db/store.ts'
import { ApiError, badRequest } from '../../models/api-error.ts'
import { sealProtobufList } from '../../models/protobuf/index.ts'
import type { CallHandler, Core, ResourceCall } from '../core.ts'
import { formOfMany, keptItems, mediaReply, type ObjectForm } from '../replies/object-form.ts'
import { asBuffer } from '../replies/protobuf-form.ts'
import { tableOfMany } from '../replies/table-form.ts'
import { flag } from '../request-info.ts'
import type { Resource } from '../resources.ts'
import { type ObjectSelector, objectSelector } from '../selectors/object-selector.ts'
import { prepare } from '../storage/conversion.ts'
import { withRevision } from '../storage/object-bytes.ts'
import { KeptObject } from '../watch-cache/kept-object.ts'
import { placeOf } from '../watch-cache/watch-cache.ts'
import { asOfRevision, notKept } from './as-of.ts'
import { type ContinueToken, encodeToken, type ListOptions, listOptions } from './list-options.ts'
import { pageExpired, refuseOldPage } from './page-age.ts'
import { waitForRevision } from './revision.ts'
import { unreadableText, unreadableWarnings } from './unreadable.ts'
import { watch } from './watch.ts'

export const list: CallHandler = async call => {
  if (call.path.legacyWatch || flag(call.info.query, 'watch')) {
    if (call.info.query.get('asOf')) throw badRequest('asOf: the past does not change; it cannot be watched')
    return watch(call)
  }
  const options = listOptions(call.info.query)
  const form = formOfMany(call, call.resource)
  const selector = objectSelector(call.resource, call.info.query)
  const page = await readPage(call, options, selector)
  call.warnings.push(...unreadableWarnings(call))
  const pending = prepare(call.resource, page.objects)
  if (pending) await pending
  return mediaReply(form.accepted, 200, writeList(call, form, page))
}

export interface ListPage {
  objects: readonly KeptObject[]
  revision: number
  next?: ContinueToken | undefined
  /** Undefined when nobody counted: with selectors. */
  remaining?: number | undefined
}

async function readPage(call: ResourceCall, options: ListOptions, selector: ObjectSelector): Promise<ListPage> {
  const { core, resource } = call
  const asOf = await asOfRevision(core, call.info.query)
  const namespace = resource.namespaced ? call.path.namespace : undefined
  if (asOf !== undefined)
    return readHistory(call, namespace, asOf, undefined, options, selector).catch(error => {
      throw error instanceof ApiError && error.cause ? notKept(error.cause) : error
    })
  if (options.continue && options.continue.revision > 0) {
    const { revision, after } = options.continue
    refuseOldPage(core, options.continue)
    const then = (await stillThere(core, revision)) && core.cache.bucket(resource).listAt(revision, namespace)
    return then
      ? presentPage(call, then, revision, options, selector)
      : readHistory(call, namespace, revision, after, options, selector)
  }
  if (options.resourceVersion && options.resourceVersion !== '0') {
    const revision = await waitForRevision(core, options.resourceVersion)
    const exact = options.match === 'Exact' || (options.match === '' && options.limit > 0)
    if (exact && revision !== core.cache.revision)
      return readHistory(call, namespace, revision, undefined, options, selector)
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
  let objects = token ? all.slice(firstAfter(all, resource.prefix + token.after)) : all
  if (selector.matches) {
    const pending = prepare(resource, objects)
    if (pending) await pending
    objects = objects.filter(selector.matches)
  }
  // Any state will do for a client that says "0": the whole of it, whatever the limit.
  const limit = options.resourceVersion === '0' && !token ? 0 : options.limit
  if (limit === 0 || objects.length <= limit) return { objects, revision }
  const shown = objects.slice(0, limit)
  const begunMs = token && token.revision > 0 ? token.begunMs : core.clock.now()
  return {
    objects: shown,
    revision,
    next: { revision, after: shown[limit - 1]!.key.slice(resource.prefix.length), begunMs },
    remaining: selector.matches ? undefined : objects.length - limit,
  }
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

/** A page of the past: from the store, and as its own pages have no selectors, as many of those as it takes. */
async function readHistory(
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
  const prefix = namespace === undefined ? resource.prefix : `${resource.prefix}${namespace}/`
  const objects: KeptObject[] = []
  let start = after === undefined ? undefined : resource.prefix + after
  for (;;) {
    let listing: Awaited<ReturnType<typeof core.store.list>>
    try {
      const wanted = selector.matches ? Math.max(Math.min(limit, 500), 100) : limit
      listing = await core.store.list(prefix, {
        at: BigInt(revision),
        ...(Number.isFinite(wanted) ? { limit: wanted } : {}),
        ...(start ? { after: start } : {}),
      })
    } catch (error) {
      throw expired(error, after ?? objects.at(-1)?.key.slice(resource.prefix.length))
    }
    for (const [i, entry] of listing.entries.entries()) {
      const place = placeOf(entry.key, { prefix: resource.prefix, namespaced: resource.namespaced })
      if (!place) continue
      const bytes = withRevision(entry.value, entry.revision)
      const object = new KeptObject(entry.key, place.namespace, place.name, Number(entry.revision), bytes)
      if (!object.readable) {
        call.warnings.push(unreadableText(object))
        continue
      }
      if (selector.matches) {
        const pending = prepare(resource, [object])
        if (pending) await pending
        if (!selector.matches(object)) continue
      }
      objects.push(object)
      const left = listing.entries.length - i - 1 + listing.remaining
      if (objects.length >= limit && left > 0)
        return {
          objects,
          revision,
          next: { revision, after: entry.key.slice(resource.prefix.length), begunMs },
          remaining: selector.matches ? undefined : left,
        }
    }
    if (listing.remaining === 0) return { objects, revision, next: undefined, remaining: undefined }
    start = listing.entries.at(-1)!.key
  }
}

function expired(error: unknown, after: string | undefined): unknown {
  if (error instanceof FutureRevision)
    return new ApiError('BadRequest', `resource version ${error.wanted} is newer than the newest, ${error.newest}`, {
      cause: error,
    })
  if (!(error instanceof Compacted)) return error
  return after === undefined
    ? new ApiError('Expired', `The resourceVersion for the provided list is too old.`, { cause: error })
    : pageExpired(after, error)
}

const comma = 0x2c

export function writeList(call: ResourceCall, form: ObjectForm, page: ListPage): Buffer {
  const { kind, apiVersion } = call.resource
  const metadata = {
    resourceVersion: String(page.revision),
    ...(page.next ? { continue: encodeToken(page.next) } : {}),
    ...(page.next && page.remaining !== undefined ? { remainingItemCount: page.remaining } : {}),
  }
  if (form.accepted.as === 'Table') return tableOfMany(call, form.accepted.version, metadata, page.objects)
  const identity = form.accepted.as
    ? { kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${form.accepted.version}` }
    : { kind: kind.custom?.listKind ?? `${kind.kind}List`, apiVersion }
  const head = `${JSON.stringify({ ...identity, metadata }).slice(0, -1)},"items":[`
  if (form.kept) return keptItems(page.objects, head, ']}')
  const items = page.objects.map(form.item)
  if (form.accepted.media === 'protobuf')
    return asBuffer(sealProtobufList(identity.apiVersion, identity.kind, metadata, items))
  let length = Buffer.byteLength(head) + 2 + Math.max(items.length - 1, 0)
  for (const item of items) length += item.length
  const out = Buffer.allocUnsafe(length)
  let at = out.write(head)
  for (let i = 0; i < items.length; i++) {
    if (i > 0) out[at++] = comma
    out.set(items[i]!, at)
    at += items[i]!.length
  }
  out.write(']}', at)
  return out
}
