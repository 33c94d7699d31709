import { expect, test } from 'vitest'
import { ClusterRole, HorizontalPodAutoscaler, HorizontalPodAutoscalerV1 } from '../index.ts'
import { refusals } from '../testing.ts'

// What kube-apiserver 1.32 answers to the same bodies.

const scaleTargetRef = { kind: 'Deployment', name: 'web' }
const spec = (more: object) => ({ spec: { maxReplicas: 3, scaleTargetRef, ...more } })

test.each<[any, object, string[]]>([
  [
    HorizontalPodAutoscaler,
    spec({ behavior: { scaleUp: { policies: [] } } }),
    ['spec.behavior.scaleUp.policies: Required value: must specify at least one Policy'],
  ],
  [
    HorizontalPodAutoscaler,
    spec({ metrics: [{}] }),
    [
      'spec.metrics[0].type: Required value: must specify a metric source type',
      'spec.metrics[0].type: Unsupported value: "": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"',
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
    spec({
      metrics: [
        {
          type: 'Resource',
          pods: { metric: { name: 'm' }, target: { type: 'a' } },
          resource: { name: 'cpu', target: { type: 'b' } },
        },
        { type: 'Resource', pods: { metric: { name: 'm' }, target: { type: 'AverageValue', averageValue: '1' } } },
      ],
    }),
    [
      'spec.metrics[0].pods.target.type: Invalid value: "a": must be either Utilization, Value, or AverageValue',
      'spec.metrics[0].pods.target.averageValue: Required value: must specify a positive target averageValue',
      'spec.metrics[0].pods: Forbidden: must populate the given metric source only',
      'spec.metrics[1].resource: Required value: must populate information for the given metric source',
    ],
  ],
  [
    HorizontalPodAutoscaler,
    spec({
      minReplicas: 0,
      behavior: {
        scaleDown: {
          policies: [0, 1801].map(periodSeconds => ({ type: 'Pods', value: 1, periodSeconds })),
        },
      },
    }),
    [
      'spec.minReplicas: Invalid value: 0: must be greater than or equal to 1',
      'spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas',
      'spec.behavior.scaleDown.policies[0].periodSeconds: Invalid value: 0: must be greater than zero',
      'spec.behavior.scaleDown.policies[1].periodSeconds: Invalid value: 1801: must be less than or equal to 1800',
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
