import { explain } from '../../base/errors.ts'
import { flag } from '../../base/query-flag.ts'
import { Compacted, type StoreEvent } from '../../db/store.ts'
import { ApiError, badRequest } from '../../models/api-error.ts'
import { encodeJson } from '../../models/encode-json.ts'
import { parseJson } from '../../models/json.ts'
import type { AnyObject } from '../../models/object.ts'
import type { ApiReply } from '../../models/rest.ts'
import { columnDefinitionsOf } from '../../models/table.ts'
import type { Core, ResourceCall } from '../core.ts'
import {
  encodeValue,
  eventFrame,
  formOfWatch,
  type ObjectForm,
  partialMetadata,
  streamType,
  tableOf,
} from '../replies/object-form.ts'
import type { Resource } from '../resources.ts'
import { type ObjectSelector, objectSelector } from '../selectors/object-selector.ts'
import { prepare } from '../storage/conversion.ts'
import { withRevision } from '../storage/object-bytes.ts'
import type { BucketListener } from '../watch-cache/bucket.ts'
import { type Frame, LineFrame, ObjectFrame } from '../watch-cache/frame.ts'
import { type EventForm, type EventType, KeptEvent } from '../watch-cache/kept-event.ts'
import { KeptObject } from '../watch-cache/kept-object.ts'
import { placeOf } from '../watch-cache/watch-cache.ts'
import { WatchStream } from '../watch-cache/watch-stream.ts'
import { type Initial, initialOf, refuseLimit, takesPlaceOfList, timeoutSeconds } from './list-options.ts'
import { listIdentity } from './list-page.ts'
import { parseRevision, waitForRevision } from './revision.ts'
import { unreadableText } from './unreadable.ts'

const bookmarkEveryMs = 60_000
/** The last one comes this long before the end; watches that are shorter have none. */
const lastBookmarkMs = 2_000
const newline = Buffer.from('\n')

/** A stream of changes, from a revision on or from the present state on. */
export async function watch(call: ResourceCall): Promise<ApiReply> {
  const { core, resource } = call
  const { query } = call.info
  const form = formOfWatch(call, resource, takesPlaceOfList(query))
  const revisionText = query.get('resourceVersion') ?? ''
  const initial = initialOf(query, Number(revisionText) || 0)
  const from = revisionText === '' ? 0 : parseRevision(revisionText)
  const timeoutS = timeoutSeconds(query)
  refuseLimit(query)
  // Who wants everything as of a revision gets no older state; who goes on from one can wait for what comes.
  const late = initial === 'objects' && from > 0 ? await refusalOf(waitForRevision(core, revisionText)) : undefined
  const watcher = new Watcher(core, resource, {
    namespace: resource.namespaced ? call.path.namespace : undefined,
    name: call.path.name,
    selector: selectorOf(call),
    form,
    bookmarks: flag(query, 'allowWatchBookmarks'),
  })
  const timeoutMs = timeoutS > 0 ? timeoutS * 1000 : core.minWatchMs * (1 + core.random.next())
  if (late) watcher.refuse(late)
  else watcher.start(from, initial, timeoutMs, call.request.signal)
  return {
    status: 200,
    headers: { 'content-type': streamType(form.accepted) },
    body: watcher.stream,
  }
}

/** Such a watch begins, and its first event says why it ends. */
const refusalOf = (waiting: Promise<unknown>): Promise<ApiError | undefined> =>
  waiting.then(
    () => undefined,
    error => {
      if (error instanceof ApiError) return error
      throw error
    },
  )

/** Informers in this process read the object itself: for them alone no line is written. */
function objectFrame(form: ObjectForm, type: EventType, object: KeptObject): Frame {
  const line = () => eventFrame(form, type, form.one(object))
  // What is converted is written while it is there.
  if (!form.kept) return new LineFrame(line())
  return new ObjectFrame(object.size, line, () => eventValue(type, object))
}

function eventValue(type: EventType, object: KeptObject): object | undefined {
  const value = object.plainValue()
  return value && { type, object: value }
}

/** @throws ApiError BadRequest when the path names one object and the selector another */
function selectorOf({ path, resource, info: { query } }: ResourceCall): ObjectSelector {
  const selector = objectSelector(resource, query)
  if (path.name !== undefined && query.get('fieldSelector') && selector.name !== path.name)
    throw badRequest("fieldSelector metadata.name doesn't match requested name")
  return selector
}

interface WatcherOptions {
  namespace: string | undefined
  name: string | undefined
  selector: ObjectSelector
  form: ObjectForm
  bookmarks: boolean
}

class Watcher implements BucketListener {
  readonly stream: WatchStream
  readonly #core: Core
  readonly #resource: Resource
  readonly #options: WatcherOptions
  readonly #form: EventForm
  readonly #cleanups: (() => void)[] = []
  readonly #stop = new AbortController()
  #tableStarted = false
  /** What waits until objects before it are converted; undefined when nothing does. */
  #turn: Promise<void> | undefined
  /** Events that came while the past is still being read from the store. */
  #waiting: KeptEvent[] | undefined
  /** Everything up to here was sent. */
  #sent = 0

  constructor(core: Core, resource: Resource, options: WatcherOptions) {
    this.#core = core
    this.#resource = resource
    this.#options = options
    this.stream = new WatchStream(() => this.#close(), core.reads.eventsOf(resource))
    const { form } = options
    this.#form =
      form.accepted.as === 'Table'
        ? { key: '', frame: (type, object) => new LineFrame(eventFrame(form, type, this.#tableEvent(object))) }
        : { key: form.key && form.key + form.accepted.media, frame: (type, object) => objectFrame(form, type, object) }
  }

  start(from: number, initial: Initial, timeoutMs: number, signal: AbortSignal): void {
    const { cache, clock } = this.#core
    const bucket = cache.bucket(this.#resource)
    const now = cache.revision
    if (signal.aborted || this.#core.closing.aborted) {
      this.stream.end()
      return
    }
    this.#sent = Math.max(from, initial === 'none' ? 0 : now)
    if (initial === 'objects') this.#sendPresent()
    else if (from > 0) {
      const past = bucket.since(from)
      if (past) for (const event of past) this.changed(event)
      else {
        this.#waiting = []
        void this.#sendHistory(from, now)
      }
    } else this.#sent = now
    bucket.listeners.add(this)
    this.#cleanups.push(() => bucket.listeners.delete(this))
    const end = () => this.stream.end()
    const { form } = this.#resource
    for (const s of form ? [signal, this.#core.closing, form.ended] : [signal, this.#core.closing]) {
      s.addEventListener('abort', end, { once: true })
      this.#cleanups.push(() => s.removeEventListener('abort', end))
    }
    this.#cleanups.push(clock.schedule(timeoutMs, () => this.stream.end()))
    if (this.#options.bookmarks) this.#scheduleBookmarks(timeoutMs)
  }

  changed(event: KeptEvent): void {
    if (event.revision <= this.#sent) return
    if (this.#waiting) {
      this.#waiting.push(event)
      return
    }
    this.#send(event)
  }

  lost(object: KeptObject): void {
    if (!this.#concerns(object)) return
    const text = `saw a DELETED event, but object data is corrupt - ${unreadableText(object)}`
    this.refuse(new ApiError('StorageReadError', text, { code: 500 }))
  }

  #concerns(place: { namespace: string; name: string }): boolean {
    const { namespace, name } = this.#options
    return (namespace === undefined || place.namespace === namespace) && (name === undefined || place.name === name)
  }

  #send(event: KeptEvent): void {
    if (!this.#concerns(event)) return
    const { object, previous } = event
    const { form } = this.#resource
    if (!form && !this.#turn) {
      this.#show(event)
      return
    }
    // What a deletion shows is the last state under a number of its own.
    const shown = form && !form.atOnce && previous ? [previous, event.last] : []
    this.#inTurn(object ? [object, ...shown] : shown, () => this.#show(event))
  }

  #show(event: KeptEvent): void {
    const type = event.seen(this.#options.selector.matches)
    if (type) this.stream.push(event.frame(type, this.#form))
  }

  /** Does it now, or once the objects, and those of all before, are converted. */
  #inTurn(objects: readonly KeptObject[], act: () => void): void {
    let pending: Promise<void> | undefined
    try {
      pending = prepare(this.#resource, objects)
    } catch (error) {
      pending = Promise.reject(error)
    }
    if (!pending && !this.#turn) {
      act()
      return
    }
    const turn = Promise.all([pending, this.#turn]).then(() => {
      if (this.#turn === turn) this.#turn = undefined
      if (!this.stream.ended) act()
    })
    this.#turn = turn
    turn.catch(error => {
      this.refuse(error instanceof ApiError ? error : new ApiError('InternalError', explain(error)))
    })
  }

  #sendPresent(): void {
    const { namespace, name, selector } = this.#options
    const present = this.#core.cache.bucket(this.#resource).list(namespace)
    const objects = name === undefined ? present : present.filter(object => object.name === name)
    this.#inTurn(objects, () => {
      for (const object of objects)
        if (!selector.matches || selector.matches(object)) this.stream.push(this.#form.frame('ADDED', object))
    })
    if (this.#options.bookmarks) this.#bookmark(this.#endOfPresent())
  }

  /** Changes that the ring has forgotten, from the store's history; then what came meanwhile. */
  async #sendHistory(from: number, until: number): Promise<void> {
    const { prefix, namespaced } = this.#resource
    const { store } = this.#core
    /** What the changes so far have made of their keys. */
    const seen = new Map<string, Uint8Array | undefined>()
    const before = async ({ key, revision }: StoreEvent) =>
      seen.has(key) ? seen.get(key) : (await store.get(key, revision - 1n))?.value
    try {
      for await (const batch of store.watch(prefix, BigInt(from), this.#stop.signal)) {
        for (const stored of batch.events) {
          const revision = Number(stored.revision)
          const place = placeOf(stored.key, { prefix, namespaced })
          if (!place || revision > until) continue
          const kept = (bytes: Uint8Array | undefined) =>
            bytes && new KeptObject(stored.key, place.namespace, place.name, revision, withRevision(bytes, revision))
          const isNew = stored.created === stored.revision
          const [object, previous] = [kept(stored.value), kept(isNew ? undefined : await before(stored))]
          seen.set(stored.key, stored.value)
          // What cannot be decoded is no news; what comes after it cannot be told to whom it was shown before.
          if (object?.readable === false || !(object ?? previous)) continue
          if (previous?.readable === false) throw new Compacted(BigInt(from), stored.revision)
          this.#send(new KeptEvent(revision, object, previous))
        }
        if (Number(batch.revision) >= until) break
      }
      const waiting = this.#waiting ?? []
      this.#waiting = undefined
      for (const event of waiting) this.#send(event)
    } catch (error) {
      if (this.stream.ended) return
      this.#fail(error, from)
    }
  }

  #fail(error: unknown, from: number): void {
    const status =
      error instanceof Compacted
        ? new ApiError('Expired', `too old resource version: ${from} (${error.oldest})`, { cause: error })
        : new ApiError('InternalError', 'the watch lost the store; watch again')
    if (status.reason === 'InternalError') this.#core.log.error({ error: explain(error) }, 'watch lost the store')
    this.refuse(status)
  }

  /** The last event, or the only one. */
  refuse(error: ApiError): void {
    const { form } = this.#options
    this.stream.push(new LineFrame(eventFrame(form, 'ERROR', encodeValue(form.accepted, error.toStatus()))))
    this.stream.end()
  }

  #scheduleBookmarks(timeoutMs: number): void {
    const { clock, random } = this.#core
    // While the past is being read, the present revision would claim too much.
    const tell = () => !this.#waiting && this.#bookmark()
    const at = this.#cleanups.length
    const next = () => {
      tell()
      this.#cleanups[at] = clock.schedule(bookmarkEveryMs, next)
    }
    this.#cleanups.push(clock.schedule(bookmarkEveryMs * (0.75 + random.next() / 4), next))
    // Whoever comes back after the end of this watch goes on from here.
    const lastMs = timeoutMs - lastBookmarkMs
    if (lastMs > 0) this.#cleanups.push(clock.schedule(lastMs, tell))
  }

  /** Says that everything was sent, and brings an empty list of the form that was asked for, to put it into. */
  #endOfPresent(): Record<string, string> {
    const { accepted } = this.#options.form
    // Lists of custom resources are no Go type of their own, and say their nothing otherwise.
    const items = this.#resource.kind.custom || accepted.media !== 'json' ? [] : null
    const identity = listIdentity(this.#resource, accepted)
    const { apiVersion, kind } = identity
    const untyped = this.#resource.kind.custom && !accepted.as
    const list = encodeValue(accepted, untyped ? { apiVersion, items, kind } : { ...identity, metadata: {}, items })
    const line = accepted.media === 'json' ? Buffer.concat([list, newline]) : list
    return {
      'k8s.io/initial-events-end': 'true',
      'kubernetes.io/initial-events-list-blueprint': line.toString('base64'),
    }
  }

  #bookmark(annotations?: Record<string, string>): void {
    const { kind, apiVersion } = this.#resource
    const object: AnyObject = {
      kind: kind.kind,
      apiVersion,
      metadata: {
        resourceVersion: String(Math.max(this.#core.cache.revision, this.#sent)),
        ...(kind.custom && !this.#options.form.accepted.as ? {} : { creationTimestamp: null }),
        ...(annotations ? { annotations } : {}),
      } as unknown as AnyObject['metadata'],
    }
    const { as, version } = this.#options.form.accepted
    const shown = as ? partialMetadata(object, version) : object
    const body =
      as === 'Table'
        ? tableOf(version, { resourceVersion: object.metadata.resourceVersion }, this.#columns(), [
            { cells: [], object: shown },
          ])
        : shown
    const { form } = this.#options
    const frame = new LineFrame(eventFrame(form, 'BOOKMARK', encodeValue(form.accepted, body)))
    this.#inTurn([], () => this.stream.push(frame))
  }

  /** Only the first table of a watch says what its columns are. */
  #columns(): object | null {
    if (this.#tableStarted) return null
    this.#tableStarted = true
    return columnDefinitionsOf(this.#resource.kind)
  }

  #tableEvent(object: KeptObject): Buffer {
    const row = parseJson(this.#options.form.item(object), { exactIntegers: true }).value as object
    const { version } = this.#options.form.accepted
    return Buffer.from(
      encodeJson(tableOf(version, { resourceVersion: String(object.revision) }, this.#columns(), [row])),
    )
  }

  #close(): void {
    this.#stop.abort()
    for (const cleanup of this.#cleanups) cleanup()
    this.#cleanups.length = 0
  }
}
