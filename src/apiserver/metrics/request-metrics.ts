import { Gauge, type Registry } from 'prom-client'
import { flag } from '../../base/query-flag.ts'
import { type HistogramTally, type Tally, TallyCounter, TallyHistogram } from '../../base/tallies.ts'
import type { ApiReply } from '../../models/rest.ts'
import type { RequestInfo, ResourcePath } from '../request-info.ts'

/** One answered request. */
export interface Observation {
  /** Undefined when the address could not be read. */
  info: RequestInfo | undefined
  verb: string
  reply: ApiReply
  /** Until the answer, or its stream, began. */
  ms: number
  /** Of what was sent with it. */
  bodyBytes?: number
  /** Of that time, in a queue. */
  waitedMs?: number
  /** The server did not do it: it had too much to do, or it took too long. */
  givenUp?: boolean
}

const place = ['group', 'version', 'resource', 'subresource', 'scope', 'component'] as const
const about = ['verb', 'dry_run', ...place] as const
const aboutAny = ['verb', ...place] as const
/** Those that rules about service levels ask for, a second, five and thirty among them. */
const longer = [0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60]
const durations = [0.001, 0.0025, 0.005, 0.01, 0.025, ...longer]
/** Up to the largest body that is taken. */
const bodySizes = Array.from({ length: 31 }, (_, i) => 50_000 + i * 100_000)
const withBody = new Set(['create', 'update', 'patch'])
const sizes = [1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000]
/** Different requests that are told apart; past that a new one is looked up each time. */
const maxRemembered = 2_000
const longRunning = new Set(['exec', 'attach', 'portforward', 'proxy', 'log'])
const changing = new Set(['create', 'update', 'patch', 'delete', 'deletecollection', 'post', 'put'])

interface Known {
  labels: Record<string, string>
  count: Tally
  duration: HistogramTally | undefined
  service: HistogramTally | undefined
  size: HistogramTally | undefined
  body: HistogramTally | undefined
}

/** What `kube-apiserver` counts of its requests, under its names and labels. */
export class RequestMetrics {
  readonly #total: TallyCounter
  readonly #duration: TallyHistogram
  readonly #service: TallyHistogram
  readonly #sizes: TallyHistogram
  readonly #bodies: TallyHistogram
  readonly #givenUp: TallyCounter
  readonly #known = new Map<string, Known>()
  readonly #isServed: (path: ResourcePath) => boolean
  #reading = 0
  #writing = 0

  /** @param isServed whether there is such a resource: other names are the client's invention, and no labels */
  constructor(registers: Registry[], isServed: (path: ResourcePath) => boolean) {
    this.#isServed = isServed
    this.#total = new TallyCounter({
      name: 'apiserver_request_total',
      help: 'Requests by what they were about and their HTTP status.',
      labelNames: [...about, 'code'],
      registers,
    })
    this.#duration = new TallyHistogram({
      name: 'apiserver_request_duration_seconds',
      help: 'Time to answer a request that is no stream.',
      labelNames: about,
      buckets: durations,
      registers,
    })
    this.#service = new TallyHistogram({
      name: 'apiserver_request_sli_duration_seconds',
      help: 'Time to answer a request that is no stream, without the time that it waited for its turn.',
      labelNames: aboutAny,
      buckets: longer,
      registers,
    })
    this.#givenUp = new TallyCounter({
      name: 'apiserver_request_terminations_total',
      help: 'Requests that the server gave up: it had too much to do, or they took too long.',
      labelNames: [...aboutAny, 'code'],
      registers,
    })
    this.#sizes = new TallyHistogram({
      name: 'apiserver_response_sizes',
      help: 'Bytes of the answers to requests for objects.',
      labelNames: aboutAny,
      buckets: sizes,
      registers,
    })
    this.#bodies = new TallyHistogram({
      name: 'apiserver_request_body_size_bytes',
      help: 'Bytes of what was sent to create or change objects.',
      labelNames: ['resource', 'verb'],
      buckets: bodySizes,
      registers,
    })
    const inflight = (): [string, number][] => [
      ['readOnly', this.#reading],
      ['mutating', this.#writing],
    ]
    new Gauge({
      name: 'apiserver_current_inflight_requests',
      help: 'Requests that are being answered, streams not counted.',
      labelNames: ['request_kind'],
      registers,
      collect() {
        for (const [request_kind, count] of inflight()) this.set({ request_kind }, count)
      },
    })
  }

  /** A request is being worked on. @returns to be called when it is answered, or its stream begins */
  begin(method: string): () => void {
    if (method === 'GET' || method === 'HEAD') {
      this.#reading++
      return () => void this.#reading--
    }
    this.#writing++
    return () => void this.#writing--
  }

  observe(observation: Observation): void {
    const { reply, ms, waitedMs = 0, bodyBytes, givenUp } = observation
    const known = this.#find(observation)
    known.count.inc()
    known.duration?.observe(ms / 1000)
    known.service?.observe((ms - waitedMs) / 1000)
    if (givenUp) this.#givenUp.of({ ...known.labels, code: String(reply.status) }).inc()
    if (bodyBytes) known.body?.observe(bodyBytes)
    if (reply.body instanceof Uint8Array) known.size?.observe(reply.body.length)
  }

  #find({ info, verb, reply }: Observation): Known {
    const path = info?.resource
    const dryRun = changing.has(verb) && info?.query.has('dryRun') ? 'All' : ''
    const scope = path ? scopeOf(path, verb) : ''
    const { group = '', version = '', plural = '', subresource = '' } = path ?? {}
    const key = `${verb} ${dryRun} ${group} ${version} ${plural} ${subresource} ${scope} ${reply.status}`
    let known = this.#known.get(key)
    if (known) return known
    const where =
      path && !this.#isServed(path)
        ? unknownPlace
        : { group, version, resource: plural, subresource, scope, component: 'apiserver' }
    const labels = { verb: shownVerb(verb, info), dry_run: dryRun, ...where }
    const { dry_run: _, ...labelsOfAny } = labels
    const streams = labels.verb === 'WATCH' || labels.verb === 'CONNECT'
    known = {
      labels: labelsOfAny,
      count: this.#total.of({ ...labels, code: String(reply.status) }),
      duration: streams ? undefined : this.#duration.of(labels),
      service: streams ? undefined : this.#service.of(labelsOfAny),
      size: path && !streams ? this.#sizes.of(labelsOfAny) : undefined,
      body:
        where.resource && withBody.has(verb)
          ? this.#bodies.of({ resource: group ? `${plural}.${group}` : plural, verb })
          : undefined,
    }
    if (this.#known.size < maxRemembered) this.#known.set(key, known)
    return known
  }
}

const unknownPlace = { group: '', version: '', resource: '', subresource: '', scope: '', component: 'apiserver' }

function scopeOf(path: ResourcePath, verb: string): string {
  if (path.name !== undefined || verb === 'create') return 'resource'
  return path.namespace === undefined ? 'cluster' : 'namespace'
}

/** Kubernetes shows a patch that applies as APPLY, and everything that stays open as WATCH or CONNECT. */
function shownVerb(verb: string, info: RequestInfo | undefined): string {
  const path = info?.resource
  if (
    path?.subresource &&
    longRunning.has(path.subresource) &&
    (path.subresource !== 'log' || flag(info!.query, 'follow'))
  )
    return 'CONNECT'
  switch (verb) {
    case 'create':
      return 'POST'
    case 'update':
      return 'PUT'
    default:
      return knownVerbs.has(verb) ? verb.toUpperCase() : 'OTHER'
  }
}

const knownVerbs = new Set([
  'get',
  'list',
  'watch',
  'patch',
  'delete',
  'deletecollection',
  'post',
  'put',
  'head',
  'options',
])
