import type { Registry } from 'prom-client'
import { autoscalerMetrics } from './autoscalers.ts'
import { cronJobMetrics, jobMetrics, ttlMetrics } from './jobs.ts'
import { collectorMetrics, podGcMetrics, taintEvictionMetrics } from './removals.ts'
import { sliceMetrics } from './slices.ts'
import { zoneMetrics } from './zones.ts'

/** What single controllers tell of their own work; their queues are told in queue-metrics.ts. */
export function controllerMetrics(registry: Registry) {
  return {
    zones: zoneMetrics(registry),
    jobs: jobMetrics(registry),
    cronJobs: cronJobMetrics(registry),
    ttl: ttlMetrics(registry),
    autoscalers: autoscalerMetrics(registry),
    taintEviction: taintEvictionMetrics(registry),
    podGc: podGcMetrics(registry),
    slices: sliceMetrics(registry),
    collectorSyncError: collectorMetrics(registry),
  }
}

export type ControllerMetrics = ReturnType<typeof controllerMetrics>
