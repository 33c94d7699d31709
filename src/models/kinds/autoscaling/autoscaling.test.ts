import { expect, test } from 'vitest'
import { ClusterRole, HorizontalPodAutoscaler, HorizontalPodAutoscalerV1 } from '../index.ts'
import { refusals } from '../testing.ts'

// What kube-apiserver 1.32 answers to the same bodies.

const scaleTargetRef = { kind: 'Deployment', name: 'web' }
const spec = (more: object) => ({ spec: { maxReplicas: 3, scaleTargetRef, ...more } })

test.each<[any, object, string[]]>([
  [
    HorizontalPodAutoscaler,
    spec({ metrics: [{}] }),
    [
      'spec.metrics[0].type: Required value: must specify a metric source type',
      'spec.metrics[0].type: Unsupported value: "": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"',
    ],
  ],
  [
    HorizontalPodAutoscaler,
    spec({ metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { averageValue: '1' } } }] }),
    [
      'spec.metrics[0].resource.target.type: Required value: must specify a metric target type',
      'spec.metrics[0].resource.target.type: Invalid value: "": must be either Utilization, Value, or AverageValue',
    ],
  ],
  [
    HorizontalPodAutoscaler,
    spec({ behavior: { scaleUp: { selectPolicy: 'Most' } } }),
    ['spec.behavior.scaleUp.selectPolicy: Unsupported value: "Most": supported values: "Disabled", "Max", "Min"'],
  ],
  [
    ClusterRole,
    { aggregationRule: { clusterRoleSelectors: [{ matchExpressions: [{ key: 'a', operator: 'Near' }] }] } },
    [
      'aggregationRule.clusterRoleSelectors[0].matchExpressions[0].operator: Invalid value: "Near": not a valid selector operator',
      'aggregationRule.clusterRoleSelectors[0]: Invalid value: "null": invalid label selector.',
    ],
  ],
])('$kind %j is refused', (kind, body, expected) => {
  expect(refusals(kind, body)).toEqual(expected)
})

test('the first version carries the CPU of the status, and behaviour under names of its own', () => {
  const { toStored, fromStored } = HorizontalPodAutoscalerV1.storedAs!
  const behavior = 'autoscaling.alpha.kubernetes.io/behavior'
  const text = '{"ScaleUp":{"StabilizationWindowSeconds":5,"SelectPolicy":null,"Policies":null},"ScaleDown":null}'
  const first: any = {
    apiVersion: 'autoscaling/v1',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'h', annotations: { [behavior]: text, 'autoscaling.alpha.kubernetes.io/metrics': '{' } },
    ...spec({}),
    status: { currentReplicas: 1, desiredReplicas: 1, currentCPUUtilizationPercentage: 5 },
  }
  const stored: any = toStored(first)
  expect(stored.spec.behavior).toEqual({ scaleUp: { stabilizationWindowSeconds: 5 } })
  expect(stored.metadata.annotations).toBeUndefined()
  expect(stored.status.currentMetrics).toEqual([
    { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 5 } } },
  ])
  const back: any = fromStored(stored)
  expect(back.status.currentCPUUtilizationPercentage).toBe(5)
  expect(back.metadata.annotations[behavior]).toBe(text)
})
