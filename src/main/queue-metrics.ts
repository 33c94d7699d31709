import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { RunnerMetrics } from '../client/index.ts'

const buckets = [0.000_01, 0.0001, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60]

/** How the reconcilers' queues do, under the names that Kubernetes gives to its controllers' queues. */
export function queueMetrics(registry: Registry): RunnerMetrics {
  const common = { labelNames: ['name'], registers: [registry] }
  const depth = new Gauge({ ...common, name: 'workqueue_depth', help: 'Keys that wait.' })
  const adds = new Counter({ ...common, name: 'workqueue_adds_total', help: 'Keys that were taken up.' })
  const retries = new Counter({ ...common, name: 'workqueue_retries_total', help: 'Keys that must be tried again.' })
  const waited = new Histogram({
    ...common,
    name: 'workqueue_queue_duration_seconds',
    help: 'How long keys waited.',
    buckets,
  })
  const worked = new Histogram({
    ...common,
    name: 'workqueue_work_duration_seconds',
    help: 'How long work on a key took.',
    buckets,
  })
  return {
    depth: (name, keys) => depth.set({ name }, keys),
    waited(name, ms) {
      adds.inc({ name })
      waited.observe({ name }, ms / 1000)
    },
    reconciled(name, outcome, ms) {
      worked.observe({ name }, ms / 1000)
      if (outcome === 'failed') retries.inc({ name })
    },
  }
}
