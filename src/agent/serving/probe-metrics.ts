import { capital } from '../../base/words.ts'
import { durationBuckets, type ProbeSeries } from '../probe/probe-tally.ts'
import { family } from './text-form.ts'

/** The body of /metrics/probes, in Prometheus' text form: what came of liveness, readiness and startup probes, by kubelet's names. */
export function probeMetrics(all: readonly ProbeSeries[]): string {
  return `${[
    ...family(
      'prober_probe_total',
      'counter',
      'Cumulative number of a liveness, readiness or startup probe for a container by result.',
      all.flatMap(series => [counted(series, 'failed'), counted(series, 'successful')].filter(line => line !== '')),
    ),
    ...family(
      'prober_probe_duration_seconds',
      'histogram',
      'Duration in seconds for a probe response.',
      all.filter(series => series.successful).flatMap(durations),
    ),
  ].join('\n')}\n`
}

function counted(series: ProbeSeries, result: 'successful' | 'failed'): string {
  const { container, namespace, pod, podUid } = series
  if (!series[result]) return ''
  const labels = `container="${container}",namespace="${namespace}",pod="${pod}",pod_uid="${podUid}"`
  return `prober_probe_total{${labels},probe_type="${capital(series.purpose)}",result="${result}"} ${series[result]}`
}

function durations(series: ProbeSeries): string[] {
  const { container, namespace, pod, successful, seconds, within } = series
  const labels = `container="${container}",namespace="${namespace}",pod="${pod}",probe_type="${capital(series.purpose)}"`
  const name = 'prober_probe_duration_seconds'
  return [
    ...durationBuckets.map((end, i) => `${name}_bucket{${labels},le="${end}"} ${within[i]}`),
    `${name}_bucket{${labels},le="+Inf"} ${successful}`,
    `${name}_sum{${labels}} ${seconds}`,
    `${name}_count{${labels}} ${successful}`,
  ]
}
