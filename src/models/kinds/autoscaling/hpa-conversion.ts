import { encodeJson } from '../../encode-json.ts'
import type * as v1 from '../../types/autoscaling-v1.ts'
import type * as v2 from '../../types/autoscaling-v2.ts'

/** Where autoscaling/v1 keeps what it has no field for, as JSON. */
const annotation = {
  metrics: 'autoscaling.alpha.kubernetes.io/metrics',
  currentMetrics: 'autoscaling.alpha.kubernetes.io/current-metrics',
  conditions: 'autoscaling.alpha.kubernetes.io/conditions',
  behavior: 'autoscaling.alpha.kubernetes.io/behavior',
} as const

const isCpuUtilization = (m: v2.MetricSpec) =>
  m.type === 'Resource' && m.resource?.name === 'cpu' && m.resource.target.averageUtilization !== undefined

/** Reads autoscaling/v1 into the stored form. Annotations that are not JSON say nothing. */
export function toV2(hpa: v1.HorizontalPodAutoscaler): v2.HorizontalPodAutoscaler {
  const { targetCPUUtilizationPercentage: cpu, ...spec } = hpa.spec
  const annotations = { ...hpa.metadata.annotations }
  const take = <T>(name: string): T | undefined => {
    const text = annotations[name]
    if (text === undefined) return undefined
    delete annotations[name]
    try {
      return JSON.parse(text) as T
    } catch {
      return undefined
    }
  }
  const metrics: v2.MetricSpec[] = (take<v1.MetricSpec[]>(annotation.metrics) ?? []).map(metricToV2)
  if (cpu !== undefined)
    metrics.push({
      type: 'Resource',
      resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: cpu } },
    })
  const behavior = behaviorFrom(take<unknown>(annotation.behavior))
  const told = take<v1.MetricStatus[]>(annotation.currentMetrics)?.map(statusToV2)
  const conditions = take<v2.HorizontalPodAutoscalerCondition[]>(annotation.conditions)
  const { annotations: _, ...metadata } = hpa.metadata
  const { currentCPUUtilizationPercentage: averageUtilization, ...status } = hpa.status ?? {
    currentReplicas: 0,
    desiredReplicas: 0,
  }
  const currentMetrics =
    told ??
    (averageUtilization === undefined
      ? undefined
      : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization } } } satisfies v2.MetricStatus])
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: Object.keys(annotations).length ? { ...metadata, annotations } : metadata,
    spec: { ...spec, ...(metrics.length ? { metrics } : {}), ...(behavior ? { behavior } : {}) },
    ...(hpa.status
      ? { status: { ...status, ...(currentMetrics ? { currentMetrics } : {}), ...(conditions ? { conditions } : {}) } }
      : {}),
  }
}

/** Shows a stored autoscaler as autoscaling/v1. */
export function fromV2(hpa: v2.HorizontalPodAutoscaler): v1.HorizontalPodAutoscaler {
  const { metrics = [], behavior, ...spec } = hpa.spec
  const annotations = { ...hpa.metadata.annotations }
  const cpu = metrics.find(isCpuUtilization)
  const others = metrics.filter(m => m !== cpu)
  if (others.length) annotations[annotation.metrics] = encodeJson(others.map(metricToV1))
  if (behavior) annotations[annotation.behavior] = encodeJson(behaviorText(behavior))
  const { currentMetrics, conditions, ...status } = hpa.status ?? { desiredReplicas: 0 }
  if (currentMetrics?.length) annotations[annotation.currentMetrics] = encodeJson(currentMetrics.map(statusToV1))
  if (conditions?.length) annotations[annotation.conditions] = encodeJson(conditions)
  const currentCpu = currentMetrics?.find(m => m.type === 'Resource' && m.resource?.name === 'cpu')?.resource?.current
    .averageUtilization
  return {
    apiVersion: 'autoscaling/v1',
    kind: 'HorizontalPodAutoscaler',
    metadata: Object.keys(annotations).length ? { ...hpa.metadata, annotations } : hpa.metadata,
    spec: {
      ...spec,
      ...(cpu?.resource ? { targetCPUUtilizationPercentage: cpu.resource.target.averageUtilization! } : {}),
    },
    ...(hpa.status
      ? {
          status: {
            currentReplicas: 0,
            ...status,
            ...(currentCpu !== undefined ? { currentCPUUtilizationPercentage: currentCpu } : {}),
          },
        }
      : {}),
  }
}

/** Go's own field names: in annotations the behaviour is written without names of its own. */
function behaviorText({ scaleUp, scaleDown }: v2.HorizontalPodAutoscalerBehavior): object {
  const rules = (r: v2.HPAScalingRules | undefined) =>
    r && {
      StabilizationWindowSeconds: r.stabilizationWindowSeconds ?? null,
      SelectPolicy: r.selectPolicy ?? null,
      Policies: r.policies?.map(p => ({ Type: p.type, Value: p.value, PeriodSeconds: p.periodSeconds })) ?? null,
    }
  return { ScaleUp: rules(scaleUp) ?? null, ScaleDown: rules(scaleDown) ?? null }
}

/** Field names are read in upper and lower case, and nulls as absent. */
function behaviorFrom(value: unknown): v2.HorizontalPodAutoscalerBehavior | undefined {
  const lower = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(lower)
    if (typeof part !== 'object' || part === null) return part
    const named = Object.entries(part).filter(([, v]) => v !== null)
    return Object.fromEntries(named.map(([name, v]) => [name.charAt(0).toLowerCase() + name.slice(1), lower(v)]))
  }
  return typeof value === 'object' && value !== null ? (lower(value) as v2.HorizontalPodAutoscalerBehavior) : undefined
}

const defined = <T extends object>(object: T): T =>
  Object.fromEntries(Object.entries(object).filter(([, v]) => v !== undefined)) as T

const average = (value: string | undefined): v2.MetricTarget => defined({ type: 'AverageValue', averageValue: value! })

const eitherValue = (value?: string, averageValue?: string): v2.MetricTarget =>
  averageValue !== undefined ? average(averageValue) : defined({ type: 'Value', value: value! })

const utilization = (percent?: number, value?: string): v2.MetricTarget =>
  percent !== undefined ? { type: 'Utilization', averageUtilization: percent } : average(value)

const identifier = (name: string, selector?: v2.MetricIdentifier['selector']): v2.MetricIdentifier =>
  selector ? { name, selector } : { name }

function metricToV2(m: v1.MetricSpec): v2.MetricSpec {
  return defined<v2.MetricSpec>({
    type: m.type,
    resource: m.resource && {
      name: m.resource.name,
      target: utilization(m.resource.targetAverageUtilization, m.resource.targetAverageValue),
    },
    containerResource: m.containerResource && {
      name: m.containerResource.name,
      container: m.containerResource.container,
      target: utilization(m.containerResource.targetAverageUtilization, m.containerResource.targetAverageValue),
    },
    pods: m.pods && {
      metric: identifier(m.pods.metricName, m.pods.selector),
      target: average(m.pods.targetAverageValue),
    },
    object: m.object && {
      describedObject: m.object.target,
      metric: identifier(m.object.metricName, m.object.selector),
      target: eitherValue(m.object.targetValue, m.object.averageValue),
    },
    external: m.external && {
      metric: identifier(m.external.metricName, m.external.metricSelector),
      target: eitherValue(m.external.targetValue, m.external.targetAverageValue),
    },
  } as v2.MetricSpec)
}

function metricToV1(m: v2.MetricSpec): v1.MetricSpec {
  return defined({
    type: m.type,
    resource:
      m.resource &&
      defined({
        name: m.resource.name,
        targetAverageUtilization: m.resource.target.averageUtilization,
        targetAverageValue: m.resource.target.averageValue,
      }),
    containerResource:
      m.containerResource &&
      defined({
        name: m.containerResource.name,
        container: m.containerResource.container,
        targetAverageUtilization: m.containerResource.target.averageUtilization,
        targetAverageValue: m.containerResource.target.averageValue,
      }),
    pods:
      m.pods &&
      defined({
        metricName: m.pods.metric.name,
        selector: m.pods.metric.selector,
        targetAverageValue: m.pods.target.averageValue,
      }),
    object:
      m.object &&
      defined({
        target: m.object.describedObject,
        metricName: m.object.metric.name,
        selector: m.object.metric.selector,
        targetValue: m.object.target.value ?? '0',
        averageValue: m.object.target.averageValue,
      }),
    external:
      m.external &&
      defined({
        metricName: m.external.metric.name,
        metricSelector: m.external.metric.selector,
        targetValue: m.external.target.value,
        targetAverageValue: m.external.target.averageValue,
      }),
  }) as v1.MetricSpec
}

function statusToV2(m: v1.MetricStatus): v2.MetricStatus {
  const resource = (r: { currentAverageUtilization?: number; currentAverageValue: string }) =>
    defined({ averageUtilization: r.currentAverageUtilization, averageValue: r.currentAverageValue })
  return defined({
    type: m.type,
    resource: m.resource && { name: m.resource.name, current: resource(m.resource) },
    containerResource: m.containerResource && {
      name: m.containerResource.name,
      container: m.containerResource.container,
      current: resource(m.containerResource),
    },
    pods: m.pods && {
      metric: identifier(m.pods.metricName, m.pods.selector),
      current: { averageValue: m.pods.currentAverageValue },
    },
    object: m.object && {
      describedObject: m.object.target,
      metric: identifier(m.object.metricName, m.object.selector),
      current: defined({ value: m.object.currentValue, averageValue: m.object.averageValue }),
    },
    external: m.external && {
      metric: identifier(m.external.metricName, m.external.metricSelector),
      current: defined({ value: m.external.currentValue, averageValue: m.external.currentAverageValue }),
    },
  }) as v2.MetricStatus
}

function statusToV1(m: v2.MetricStatus): v1.MetricStatus {
  const resource = (current: v2.MetricValueStatus) => ({
    ...(current.averageUtilization !== undefined ? { currentAverageUtilization: current.averageUtilization } : {}),
    currentAverageValue: current.averageValue ?? '0',
  })
  return defined({
    type: m.type,
    resource: m.resource && { name: m.resource.name, ...resource(m.resource.current) },
    containerResource: m.containerResource && {
      name: m.containerResource.name,
      container: m.containerResource.container,
      ...resource(m.containerResource.current),
    },
    pods:
      m.pods &&
      defined({
        metricName: m.pods.metric.name,
        selector: m.pods.metric.selector,
        currentAverageValue: m.pods.current.averageValue ?? '0',
      }),
    object:
      m.object &&
      defined({
        target: m.object.describedObject,
        metricName: m.object.metric.name,
        selector: m.object.metric.selector,
        currentValue: m.object.current.value ?? '0',
        averageValue: m.object.current.averageValue,
      }),
    external:
      m.external &&
      defined({
        metricName: m.external.metric.name,
        metricSelector: m.external.metric.selector,
        currentValue: m.external.current.value ?? '0',
        currentAverageValue: m.external.current.averageValue,
      }),
  }) as v1.MetricStatus
}
