import type { HorizontalPodAutoscaler, HPAScalingRules } from '../../types/autoscaling-v2.ts'

const periodSeconds = 15

/** As fast as doubling, or four pods, every 15 seconds; at once. */
function defaultScaleUp(rules: HPAScalingRules = {}): HPAScalingRules {
  return {
    ...rules,
    stabilizationWindowSeconds: rules.stabilizationWindowSeconds ?? 0,
    selectPolicy: rules.selectPolicy ?? 'Max',
    policies: rules.policies ?? [
      { type: 'Pods', value: 4, periodSeconds },
      { type: 'Percent', value: 100, periodSeconds },
    ],
  }
}

/** All at once, when the load has been low for as long as the controller's own window. */
function defaultScaleDown(rules: HPAScalingRules = {}): HPAScalingRules {
  return {
    ...rules,
    selectPolicy: rules.selectPolicy ?? 'Max',
    policies: rules.policies ?? [{ type: 'Percent', value: 100, periodSeconds }],
  }
}

/** One replica at least, 80 % of the requested CPU, and Kubernetes' speeds. */
export function defaultAutoscaler({ spec }: HorizontalPodAutoscaler): void {
  if (!spec) return
  spec.minReplicas ??= 1
  if (!spec.metrics?.length)
    spec.metrics = [
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
    ]
  if (spec.behavior)
    spec.behavior = {
      scaleUp: defaultScaleUp(spec.behavior.scaleUp),
      scaleDown: defaultScaleDown(spec.behavior.scaleDown),
    }
}
