import { explain } from '../base/errors.ts'
import { quantityOfMillis, quantityToFloat } from '../base/quantity.ts'
import { selectorText } from '../models/kinds/selector-text.ts'
import { isPodReady } from '../models/pod-state.ts'
import type { MetricSpec, MetricStatus } from '../models/types/autoscaling-v2.ts'
import type { Pod } from '../models/types/core-v1.ts'
import {
  type Aim,
  groupPods,
  type Patience,
  proposeFromAverage,
  proposeFromPods,
  proposeFromValue,
  requestsOf,
} from './autoscaler-replicas.ts'
import type { MetricsSource, PodSample } from './metrics-source.ts'
import { writtenSelector } from './selection.ts'

/** What one metric of an autoscaler's list asks for. */
export interface MetricResult {
  replicas: number
  /** For people: `cpu resource utilization (percentage of request)`. */
  name: string
  status: MetricStatus
}

/** Where a metric is asked for, and about which pods. */
export interface Measured {
  namespace: string
  metrics: MetricsSource
  patience: Patience
  /** Wanted by the target's spec, and there by its status. */
  current: number
  running: number
  /** Of the target's pods. */
  selector: string
  pods: readonly Pod[]
  nowMs: number
  /** `services/web` for a described object. */
  pathOf(object: { apiVersion?: string; kind: string; name: string }): Promise<string>
}

/** A metric that could not be had; its message is for the condition ScalingActive. */
export class MetricFailed extends Error {
  readonly reason: string
  /** The same in the event that sums up all metrics. */
  readonly summary: string

  constructor(reason: string, message: string, summary: string) {
    super(message)
    this.reason = reason
    this.summary = summary
  }
}

/** @throws MetricFailed */
export async function propose(metric: MetricSpec, measured: Measured): Promise<MetricResult> {
  const [reason, summary, ask] = attempt(metric, measured)
  try {
    return await ask()
  } catch (error) {
    const text = explain(error)
    throw new MetricFailed(reason, text, `${summary}: ${text}`)
  }
}

function attempt(metric: MetricSpec, measured: Measured): [string, string, () => Promise<MetricResult>] {
  const { resource, containerResource, pods, object, external } = metric
  if (metric.type === 'Resource' && resource)
    return [
      'FailedGetResourceMetric',
      `failed to get ${resource.name} resource metric value`,
      () => fromResource(resource, undefined, measured),
    ]
  if (metric.type === 'ContainerResource' && containerResource)
    return [
      'FailedGetContainerResourceMetric',
      `failed to get ${containerResource.container} container metric value`,
      () => fromResource(containerResource, containerResource.container, measured),
    ]
  if (metric.type === 'Pods' && pods)
    return ['FailedGetPodsMetric', 'failed to get pods metric value', () => fromEachPod(pods, measured)]
  if (metric.type === 'Object' && object)
    return ['FailedGetObjectMetric', 'failed to get object metric value', () => fromObject(object, measured)]
  if (metric.type === 'External' && external)
    return [
      'FailedGetExternalMetric',
      `failed to get ${external.metric.name} external metric value`,
      () => fromOutside(external, measured),
    ]
  const unknown = `unknown metric source type "${metric.type}"`
  return ['InvalidMetricSourceType', unknown, () => Promise.reject(new Error(unknown))]
}

/** Says what could not be had when it cannot. */
async function get<T>(what: string, ask: () => Promise<T>, where = ''): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    throw new Error(`${what}: ${explain(error)}${where}`)
  }
}

type ResourceMetric = { name: string; target: MetricTarget }
type MetricTarget = NonNullable<MetricSpec['resource']>['target']

async function fromResource(
  { name, target }: ResourceMetric,
  container: string | undefined,
  measured: Measured,
): Promise<MetricResult> {
  const { namespace, metrics, selector, pods } = measured
  const { averageUtilization: percent, averageValue } = target
  const found = await get(`failed to get ${name} ${percent === undefined ? 'usage' : 'utilization'}`, async () => {
    const samples = await get(`unable to get metrics for resource ${name}`, () =>
      metrics.resource(namespace, name, selector, container),
    )
    return fromSamples(samples, name, measured, () =>
      percent === undefined
        ? { each: quantityToFloat(averageValue ?? '0') }
        : { percent, requests: requestsOf(pods, name, container) },
    )
  })
  const { utilization } = found
  const current = {
    ...(utilization === undefined ? {} : { averageUtilization: utilization }),
    averageValue: quantityOfMillis(found.averageMillis),
  }
  const kind = container === undefined || percent === undefined ? 'resource' : 'container resource'
  return {
    replicas: found.replicas,
    name: percent === undefined ? `${name} ${kind}` : `${name} ${kind} utilization (percentage of request)`,
    status:
      container === undefined
        ? { type: 'Resource', resource: { name, current } }
        : { type: 'ContainerResource', containerResource: { name, container, current } },
  }
}

async function fromEachPod(
  { metric, target }: NonNullable<MetricSpec['pods']>,
  measured: Measured,
): Promise<MetricResult> {
  const { namespace, metrics, selector } = measured
  const samples = await get(`unable to get metric ${metric.name}`, () =>
    metrics.pods(namespace, metric.name, selector, selectorText(metric.selector)),
  )
  const aim = { each: quantityToFloat(target.averageValue ?? '0') }
  const { replicas, averageMillis } = fromSamples(samples, undefined, measured, () => aim)
  const current = { averageValue: quantityOfMillis(averageMillis) }
  return { replicas, name: `pods metric ${metric.name}`, status: { type: 'Pods', pods: { metric, current } } }
}

function fromSamples(
  samples: ReadonlyMap<string, PodSample>,
  resource: string | undefined,
  { pods, current, nowMs, patience }: Measured,
  aim: () => Aim,
) {
  if (!pods.length) throw new Error('no pods returned by selector while calculating replica count')
  const grouped = groupPods(pods, samples, resource === 'cpu', nowMs, patience)
  return proposeFromPods(current, grouped, aim(), patience)
}

async function fromObject(
  { metric, target, describedObject }: NonNullable<MetricSpec['object']>,
  measured: Measured,
): Promise<MetricResult> {
  const { namespace, metrics } = measured
  const { kind, name } = describedObject
  const failed =
    target.averageValue === undefined
      ? `unable to get metric ${metric.name}`
      : `failed to get ${metric.name} object metric: unable to get metric ${metric.name}`
  const value = await get(
    failed,
    async () =>
      metrics.object(namespace, await measured.pathOf(describedObject), metric.name, selectorText(metric.selector)),
    ` on ${kind} ${namespace}/${name}`,
  )
  const { replicas, now } = single(measured, value, target)
  return {
    replicas,
    name: `${kind} metric ${metric.name}`,
    status: { type: 'Object', object: { describedObject, metric, current: now } },
  }
}

async function fromOutside(
  { metric, target }: NonNullable<MetricSpec['external']>,
  measured: Measured,
): Promise<MetricResult> {
  const { namespace, metrics } = measured
  const whole = `unable to get external metric ${namespace}/${metric.name}/${writtenSelector(metric.selector)}`
  const failed =
    target.averageValue === undefined
      ? `failed to get external metric ${metric.name}: ${whole}`
      : `failed to get ${metric.name} external metric: ${whole}`
  const values = await get(failed, () => metrics.external(namespace, metric.name, selectorText(metric.selector)))
  const value = values.reduce((a, b) => a + b, 0)
  const { replicas, now } = single(measured, value, target)
  return {
    replicas,
    name: `external metric ${metric.name}(${writtenSelector(metric.selector)})`,
    status: { type: 'External', external: { metric, current: now } },
  }
}

/** From one value for all pods: in total, or for each of them. */
function single({ current, running, pods, patience }: Measured, value: number, target: MetricTarget) {
  if (target.averageValue !== undefined) {
    const replicas = proposeFromAverage(running, value, quantityToFloat(target.averageValue), patience)
    return { replicas, now: { averageValue: asQuantity(running ? value / running : value) } }
  }
  const tell = { now: { value: asQuantity(value) } }
  const wanted = quantityToFloat(target.value ?? '0')
  if (current && !pods.length)
    throw new Error('unable to calculate ready pods: no pods returned by selector while calculating replica count')
  const ready = pods.filter(p => p.status?.phase === 'Running' && isPodReady(p)).length
  return { ...tell, replicas: proposeFromValue(current, ready, value, wanted, patience) }
}

const asQuantity = (value: number) => quantityOfMillis(Math.ceil(Math.round(value * 1e6) / 1e3))
