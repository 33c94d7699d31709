import type { Registry } from 'prom-client'
import { TallyCounter, TallyHistogram } from '../../base/tallies.ts'
import type { PodGcMonitor, TaintEvictionMonitor } from '../../controller/index.ts'

/** Pods that are made to leave tainted nodes. */
export function taintEvictionMetrics(registry: Registry): TaintEvictionMonitor {
  const registers = [registry]
  const prefix = 'taint_eviction_controller_'
  const total = new TallyCounter({ registers, name: `${prefix}pod_deletions_total`, help: 'Pods deleted for a taint.' })
  const late = new TallyHistogram({
    registers,
    name: `${prefix}pod_deletion_duration_seconds`,
    help: 'From the moment a taint was no longer tolerated until the pod was deleted.',
    buckets: [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 30, 60, 120, 180, 240],
  })
  return {
    evicted(ms) {
      total.of().inc()
      late.of().observe(ms / 1000)
    },
  }
}

/** Pods that nobody else would remove. */
export function podGcMetrics(registry: Registry): PodGcMonitor {
  const common = { registers: [registry], labelNames: ['namespace', 'reason'] }
  const prefix = 'pod_gc_collector_'
  const removed = new TallyCounter({
    ...common,
    name: `${prefix}force_delete_pods_total`,
    help: 'Pods deleted by force.',
  })
  const failed = new TallyCounter({
    ...{ ...common, name: `${prefix}force_delete_pod_errors_total`, help: 'Pods that could not be.' },
  })
  return {
    removed: (namespace, reason) => removed.of({ namespace, reason }).inc(),
    failed: (namespace, reason) => failed.of({ namespace, reason }).inc(),
  }
}

/** @returns to be called when the garbage collector could not read what kinds there are */
export function collectorMetrics(registry: Registry): () => void {
  const errors = new TallyCounter({
    registers: [registry],
    name: 'garbagecollector_controller_resources_sync_error_total',
    help: 'How often the list of kinds could not be read.',
  })
  return () => errors.of().inc()
}
