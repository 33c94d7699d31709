import { Gauge, type Registry } from 'prom-client'
import { type HistogramTally, type Tally, TallyCounter, TallyHistogram } from '../../base/tallies.ts'
import { resourceName } from '../../models/kind.ts'
import type { Resource } from '../resources.ts'

/** Lists of one resource, looked up once. */
interface ListTallies {
  cache: { lists: Tally; fetched: Tally; returned: Tally }
  storage: { lists: Tally; fetched: Tally; evaluated: Tally; returned: Tally }
}

/** What `kube-apiserver` counts of lists and watches, under its names and labels. */
export class ReadMetrics {
  readonly #events: TallyCounter
  readonly #eventSizes: TallyHistogram
  readonly #deprecated: Gauge
  readonly #newLists: (resource: Resource) => ListTallies
  readonly #watched = new WeakMap<Resource, { events: Tally; sizes: HistogramTally }>()
  readonly #listed = new WeakMap<Resource, ListTallies>()

  constructor(registers: Registry[]) {
    const ofKind = ['group', 'version', 'kind']
    this.#events = new TallyCounter({
      name: 'apiserver_watch_events_total',
      help: 'Events that were sent to watchers.',
      ...{ labelNames: ofKind, registers },
    })
    this.#eventSizes = new TallyHistogram({
      name: 'apiserver_watch_events_sizes',
      help: 'Bytes of the events that were sent to watchers, about.',
      ...{ labelNames: ofKind, registers },
      buckets: Array.from({ length: 8 }, (_, i) => 1024 << i),
    })
    this.#deprecated = new Gauge({
      name: 'apiserver_requested_deprecated_apis',
      help: 'Deprecated APIs that were asked for: 1 each, with the release that no longer has it.',
      labelNames: ['group', 'version', 'resource', 'subresource', 'removed_release'],
      registers,
    })
    this.#newLists = listTallies(registers)
  }

  /** To be told the length in bytes, about, of each event that a watcher of the resource is sent. */
  eventsOf(resource: Resource): (bytes: number) => void {
    let known = this.#watched.get(resource)
    if (!known) {
      const { group, version, kind } = resource.kind
      const labels = { group, version, kind }
      this.#watched.set(resource, (known = { events: this.#events.of(labels), sizes: this.#eventSizes.of(labels) }))
    }
    const { events, sizes } = known
    return bytes => {
      events.inc()
      sizes.observe(bytes)
    }
  }

  /** A list was answered from memory. @param fetched objects that were there, and @param returned those that were shown */
  listedFromCache(resource: Resource, fetched: number, returned: number): void {
    const { cache } = this.#lists(resource)
    cache.lists.inc()
    cache.fetched.inc(fetched)
    cache.returned.inc(returned)
  }

  /** A list was answered from the store. @param evaluated objects that could be decoded, and were looked at */
  listedFromStore(resource: Resource, fetched: number, evaluated: number, returned: number): void {
    const { storage } = this.#lists(resource)
    storage.lists.inc()
    storage.fetched.inc(fetched)
    storage.evaluated.inc(evaluated)
    storage.returned.inc(returned)
  }

  /** Somebody uses what is deprecated. */
  usedDeprecated({ kind }: Resource, subresource = ''): void {
    const { group, version, plural } = kind
    this.#deprecated.set({ group, version, resource: plural, subresource, removed_release: '' }, 1)
  }

  #lists(resource: Resource): ListTallies {
    let known = this.#listed.get(resource)
    if (!known) this.#listed.set(resource, (known = this.#newLists(resource)))
    return known
  }
}

function listTallies(registers: Registry[]): (resource: Resource) => ListTallies {
  const counter = (name: string, help: string, labelNames: string[]) =>
    new TallyCounter({ name: `apiserver_${name}`, help, labelNames, registers })
  const indexed = ['resource_prefix', 'index']
  const cached = {
    lists: counter('cache_list_total', 'Lists that were answered from memory.', indexed),
    fetched: counter('cache_list_fetched_objects_total', 'Objects that lists from memory looked at.', indexed),
    returned: counter('cache_list_returned_objects_total', 'Objects that lists from memory showed.', [
      'resource_prefix',
    ]),
  }
  const stored = (what: string, help: string) => counter(`storage_list_${what}`, help, ['resource'])
  const storage = {
    lists: stored('total', 'Lists that were answered from the store.'),
    fetched: stored('fetched_objects_total', 'Objects that lists read from the store.'),
    evaluated: stored('evaluated_objects_total', 'Objects that lists from the store could decode.'),
    returned: stored('returned_objects_total', 'Objects that lists from the store showed.'),
  }
  return resource => {
    const resource_prefix = prefixOf(resource)
    const from = { resource_prefix, index: '' }
    const of = { resource: resourceName(resource.stored) }
    return {
      cache: {
        lists: cached.lists.of(from),
        fetched: cached.fetched.of(from),
        returned: cached.returned.of({ resource_prefix }),
      },
      storage: {
        lists: storage.lists.of(of),
        fetched: storage.fetched.of(of),
        evaluated: storage.evaluated.of(of),
        returned: storage.returned.of(of),
      },
    }
  }
}

/** Where Kubernetes keeps what has another place than its plural. */
const places: Record<string, string> = {
  replicationcontrollers: '/controllers',
  endpoints: '/services/endpoints',
  services: '/services/specs',
  nodes: '/minions',
  'ingresses.networking.k8s.io': '/ingress',
}
const groupsOfTheirOwn = new Set(['apiextensions.k8s.io', 'apiregistration.k8s.io'])

function prefixOf({ stored }: Resource): string {
  const inGroup = stored.custom !== undefined || groupsOfTheirOwn.has(stored.group)
  return places[resourceName(stored)] ?? (inGroup ? `/${stored.group}/${stored.plural}` : `/${stored.plural}`)
}
