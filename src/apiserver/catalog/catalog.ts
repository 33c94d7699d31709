import { flag } from '../../base/query-flag.ts'
import { ApiError } from '../../models/api-error.ts'
import { EndpointSlice, Service } from '../../models/kinds/index.ts'
import type { ApiReply } from '../../models/rest.ts'
import { serviceNameLabel } from '../../models/usable-endpoints.ts'
import type { Call, Core } from '../core.ts'
import { jsonReply } from '../replies/reply.ts'
import type { ResourcePath } from '../request-info.ts'
import { objectSelector } from '../selectors/object-selector.ts'
import { timeoutSeconds } from '../verbs/list-options.ts'
import { LineFrame } from '../watch-cache/frame.ts'
import type { KeptEvent } from '../watch-cache/kept-event.ts'
import type { KeptObject } from '../watch-cache/kept-object.ts'
import { WatchStream } from '../watch-cache/watch-stream.ts'
import { type CatalogEntry, catalogEntry } from './entry.ts'

const longestWatchS = 3_600

/**
 * Services and who answers for them, in plain JSON: `/apis/optiflow.dev/v1/[namespaces/NS/]catalog[/NAME]`, with
 * `?healthy=true`, `?labelSelector=` and `?watch=true`. Undefined: the path is another. @throws ApiError NotFound, BadRequest
 */
export function catalogReply(call: Call, verb: string): ApiReply | undefined {
  const path = call.info.resource
  if (path?.group !== 'optiflow.dev' || path.version !== 'v1' || path.plural !== 'catalog' || path.subresource)
    return undefined
  if (path.name && !path.namespace) return undefined
  const catalog = new Catalog(call.core, path, call.info.query)
  if (verb === 'watch') return watchReply(call, catalog)
  if (verb === 'list') return jsonReply(200, { services: catalog.list() })
  if (verb !== 'get') return undefined
  const [entry] = catalog.list()
  if (entry) return jsonReply(200, entry)
  throw new ApiError('NotFound', `no service "${path.name}" in namespace "${path.namespace}" is like that`, {
    details: { kind: 'services', name: path.name! },
  })
}

/** What one request asks for. */
class Catalog {
  readonly #core: Core
  readonly #path: ResourcePath
  readonly #healthyOnly: boolean
  readonly #matches: ((object: KeptObject) => boolean) | undefined
  readonly services
  readonly slices

  constructor(core: Core, path: ResourcePath, query: URLSearchParams) {
    this.#core = core
    this.#path = path
    this.#healthyOnly = flag(query, 'healthy')
    const [services, slices] = [core.resources.of(Service), core.resources.of(EndpointSlice)]
    this.#matches = objectSelector(services, query).matches
    this.services = core.cache.bucket(services)
    this.slices = core.cache.bucket(slices)
  }

  list(): CatalogEntry[] {
    const { namespace, name } = this.#path
    if (name) return this.#entry(this.services.get(namespace!, name), this.#slicesOf(namespace!, name))
    const slices = new Map<string, KeptObject[]>()
    for (const slice of this.slices.list(namespace)) {
      const id = `${slice.namespace}/${this.#serviceOf(slice)}`
      slices.set(id, [...(slices.get(id) ?? []), slice])
    }
    return this.services
      .list(namespace)
      .flatMap(service => this.#entry(service, slices.get(`${service.namespace}/${service.name}`) ?? []))
  }

  /** As it is now; undefined: there is none such, or none that was asked for. */
  one(namespace: string, name: string): CatalogEntry | undefined {
    return this.#entry(this.services.get(namespace, name), this.#slicesOf(namespace, name))[0]
  }

  /** The Services that a change of a Service or slice is about, as far as they were asked for. */
  concerned({ namespace, object, previous }: KeptEvent, isSlice: boolean): string[] {
    const wanted = this.#path
    if (wanted.namespace && wanted.namespace !== namespace) return []
    const names = [object, previous].flatMap(kept => (kept ? [isSlice ? this.#serviceOf(kept) : kept.name] : []))
    return [...new Set(names)].flatMap(name => (name && (!wanted.name || wanted.name === name) ? [name] : []))
  }

  #entry(service: KeptObject | undefined, slices: readonly KeptObject[]): CatalogEntry[] {
    if (!service || (this.#matches && !this.#matches(service))) return []
    const shared = <T>(kept: KeptObject) => this.#core.shared(kept) as unknown as T
    const entry = catalogEntry(shared<Service>(service), slices.map(shared<EndpointSlice>), this.#healthyOnly)
    return entry ? [entry] : []
  }

  #slicesOf(namespace: string, name: string): KeptObject[] {
    return this.slices.list(namespace).filter(slice => this.#serviceOf(slice) === name)
  }

  #serviceOf(slice: KeptObject): string | undefined {
    return slice.facts(EndpointSlice).labels?.[serviceNameLabel]
  }
}

/**
 * A line of JSON for each change: first all that is there as ADDED, then what changes. What comes to the same is not told
 * again.
 */
function watchReply({ core, request, info }: Call, catalog: Catalog): ApiReply {
  const cleanups: (() => void)[] = []
  const stream = new WatchStream(() => {
    for (const cleanup of cleanups) cleanup()
  })
  const told = new Map<string, string>()
  const tell = (type: string, text: string) =>
    stream.push(new LineFrame(Buffer.from(`{"type":"${type}","service":${text}}\n`)))
  const look = (id: string, entry: CatalogEntry | undefined) => {
    const before = told.get(id)
    const now = entry && JSON.stringify(entry)
    if (now === before) return
    if (now) told.set(id, now)
    else told.delete(id)
    tell(now ? (before ? 'MODIFIED' : 'ADDED') : 'DELETED', (now ?? before)!)
  }
  for (const entry of catalog.list()) look(`${entry.namespace}/${entry.name}`, entry)
  for (const bucket of [catalog.services, catalog.slices]) {
    const listener = {
      changed(event: KeptEvent) {
        for (const name of catalog.concerned(event, bucket === catalog.slices))
          look(`${event.namespace}/${name}`, catalog.one(event.namespace, name))
      },
    }
    bucket.listeners.add(listener)
    cleanups.push(() => bucket.listeners.delete(listener))
  }
  const end = () => stream.end()
  for (const signal of [request.signal, core.closing]) {
    signal.addEventListener('abort', end, { once: true })
    cleanups.push(() => signal.removeEventListener('abort', end))
  }
  cleanups.push(core.clock.schedule((timeoutSeconds(info.query) || longestWatchS) * 1_000, end))
  if (request.signal.aborted || core.closing.aborted) end()
  return { status: 200, headers: { 'content-type': 'application/x-ndjson' }, body: stream }
}
