import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { ApiReply, ApiRequest } from '../../models/rest.ts'
import type { WatchCache } from '../watch-cache/watch-cache.ts'

/** The server's own measurements, under the names that dashboards for Kubernetes look for. */
export class Metrics {
  readonly registry = new Registry()
  readonly #requests: Counter
  readonly #duration: Histogram
  readonly #byLabels = new Map<string, { count: Counter.Internal; duration: Histogram.Internal<string> }>()

  constructor(cache: WatchCache) {
    collectDefaultMetrics({ register: this.registry })
    this.#requests = new Counter({
      name: 'apiserver_request_total',
      help: 'Requests by verb and HTTP status.',
      labelNames: ['verb', 'code'],
      registers: [this.registry],
    })
    this.#duration = new Histogram({
      name: 'apiserver_request_duration_seconds',
      help: 'Time to answer a request, by verb; of watches, to begin.',
      labelNames: ['verb'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers: [this.registry],
    })
    new Gauge({
      name: 'apiserver_storage_objects_revision',
      help: 'Newest revision that readers see.',
      registers: [this.registry],
      collect() {
        this.set(cache.revision)
      },
    })
  }

  observe(_request: ApiRequest, verb: string, reply: ApiReply, ms: number): void {
    const key = `${verb} ${reply.status}`
    let known = this.#byLabels.get(key)
    if (!known) {
      const name = verb.toUpperCase() || 'OTHER'
      known = {
        count: this.#requests.labels({ verb: name, code: String(reply.status) }),
        duration: this.#duration.labels({ verb: name }),
      }
      if (this.#byLabels.size < 1000) this.#byLabels.set(key, known)
    }
    known.count.inc()
    known.duration.observe(ms / 1000)
  }

  text(): Promise<string> {
    return this.registry.metrics()
  }
}
