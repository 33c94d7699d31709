import type { ServedNode } from './served-node.ts'
import { family } from './text-form.ts'

/** What a kubelet's /healthz looks at. Here an answer at all is what tells. */
const checks = ['log', 'ping', 'syncloop']
const asked = new WeakMap<ServedNode, number>()

/** The body of /metrics/slis, in Prometheus' text form: what the checks of /healthz said. Every scrape runs them once. */
export function healthMetrics(node: ServedNode): string {
  const times = (asked.get(node) ?? 0) + 1
  asked.set(node, times)
  return `${[
    ...family(
      'kubernetes_healthcheck',
      'gauge',
      'What a check said last: 1 is well',
      checks.map(name => `kubernetes_healthcheck{name="${name}",type="healthz"} 1`),
    ),
    ...family(
      'kubernetes_healthchecks_total',
      'counter',
      'What checks have said',
      checks.map(name => `kubernetes_healthchecks_total{name="${name}",status="success",type="healthz"} ${times}`),
    ),
  ].join('\n')}\n`
}
