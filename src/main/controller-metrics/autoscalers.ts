import { exponentialBuckets, type Registry } from 'prom-client'
import { TallyCounter, TallyHistogram } from '../../base/tallies.ts'
import type { AutoscalerMonitor } from '../../controller/index.ts'

/** How autoscalers do, under the names of Kubernetes' own controller. */
export function autoscalerMetrics(registry: Registry): AutoscalerMonitor {
  const pair = (count: string, duration: string, of: string, labelNames: string[]) => {
    const common = { registers: [registry], labelNames }
    const prefix = 'horizontal_pod_autoscaler_controller_'
    const total = new TallyCounter({ ...common, name: `${prefix}${count}`, help: `${of}.` })
    const seconds = new TallyHistogram({
      ...{ ...common, name: `${prefix}${duration}`, help: `How long they took: ${of.toLowerCase()}.` },
      buckets: exponentialBuckets(0.001, 2, 15),
    })
    return (labels: Record<string, string>, ms: number) => {
      total.of(labels).inc()
      seconds.of(labels).observe(ms / 1000)
    }
  }
  const looks = pair('reconciliations_total', 'reconciliation_duration_seconds', 'Looks at autoscalers', [
    'action',
    'error',
  ])
  const metrics = pair('metric_computation_total', 'metric_computation_duration_seconds', 'Metrics asked for', [
    'action',
    'error',
    'metric_type',
  ])
  return {
    reconciled: (action, error, ms) => looks({ action, error }, ms),
    computed: (action, error, ms, metric_type) => metrics({ action, error, metric_type }, ms),
  }
}
