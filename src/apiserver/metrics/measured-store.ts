import { Counter, Gauge, type Registry } from 'prom-client'
import type { Clock } from '../../base/clock.ts'
import { TallyCounter, TallyHistogram } from '../../base/tallies.ts'
import type { Store } from '../../db/store.ts'

/** The same store; how long it takes is measured, under the names that dashboards know from etcd. */
export function measuredStore(store: Store, clock: Clock, registers: Registry[]): Store {
  const duration = new TallyHistogram({
    name: 'etcd_request_duration_seconds',
    help: 'Time that the store took, by operation; whichever engine it is.',
    labelNames: ['operation', 'type'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  })
  const total = new TallyCounter({
    name: 'etcd_requests_total',
    help: 'Requests to the store, by operation.',
    labelNames: ['operation', 'type'],
    registers,
  })
  const failed = new Counter({
    name: 'etcd_request_errors_total',
    help: 'Requests that the store refused or could not carry out, by operation.',
    labelNames: ['operation', 'type'],
    registers,
  })
  new Gauge({
    name: 'apiserver_storage_size_bytes',
    help: 'Room that the store takes, history included.',
    labelNames: ['storage_cluster_id'],
    registers,
    async collect() {
      try {
        this.set({ storage_cluster_id: 'etcd-0' }, await store.sizeBytes())
      } catch {
        // A store that does not answer is told of by its errors; the other metrics are wanted all the more.
        this.reset()
      }
    },
  })
  const measured = (operation: string) => {
    const labels = { operation, type: 'store' }
    const [time, count, errors] = [duration.of(labels), total.of(labels), failed.labels(labels)]
    return <T>(work: Promise<T>): Promise<T> => {
      const began = clock.monotonicMs()
      const ended = () => time.observe((clock.monotonicMs() - began) / 1000)
      count.inc()
      return work.then(
        value => {
          ended()
          return value
        },
        error => {
          errors.inc()
          ended()
          throw error
        },
      )
    }
  }
  const [get, list, commit, compact] = ['get', 'list', 'update', 'compact'].map(measured) as [
    ReturnType<typeof measured>,
    ReturnType<typeof measured>,
    ReturnType<typeof measured>,
    ReturnType<typeof measured>,
  ]
  return {
    revision: () => store.revision(),
    get: (key, at) => get(store.get(key, at)),
    list: (prefix, page) => list(store.list(prefix, page)),
    commit: (changes, seen, author) => commit(store.commit(changes, seen, author)),
    watch: (prefix, from, signal) => store.watch(prefix, from, signal),
    changes: (key, page) => get(store.changes(key, page)),
    revisionAt: timeMs => get(store.revisionAt(timeMs)),
    compact: revision => compact(store.compact(revision)),
    compacted: () => store.compacted(),
    sizeBytes: () => store.sizeBytes(),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}
