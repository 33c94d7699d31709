import { timestamp } from '../base/clock.ts'
import { sameMeaning } from '../base/equality.ts'
import { explain } from '../base/errors.ts'
import { parseSelector } from '../base/labels.ts'
import { quantityOfMillis, quantityToFloat } from '../base/quantity.ts'
import type { Reconciler, World } from '../client/reconciler.ts'
import { isNotFound } from '../models/api-error.ts'
import { withLatestCondition } from '../models/conditions.ts'
import { HorizontalPodAutoscaler, Pod } from '../models/kinds/index.ts'
import { selectorText } from '../models/kinds/selector-text.ts'
import { isPodReady } from '../models/pod-state.ts'
import type { HorizontalPodAutoscalerStatus, MetricSpec, MetricStatus } from '../models/types/autoscaling-v2.ts'
import { limited, type Memory } from './autoscaler-behavior.ts'
import { groupPods, proposeFromAverage, proposeFromPods, proposeFromValue, requestOf } from './autoscaler-replicas.ts'
import { apiMetrics, type MetricsSource } from './metrics-source.ts'
import { type Scale, ScaleTargets } from './scale-target.ts'

export interface AutoscalerOptions {
  /** The metrics APIs unless given. */
  metrics?: MetricsSource
  /** How often each one is looked at; 15 000 unless given. */
  periodMs?: number
}

/** Sizes a target by what its pods, or something else, measure. */
export function horizontalPodAutoscalerReconciler(options: AutoscalerOptions = {}): Reconciler {
  const periodMs = options.periodMs ?? 15_000
  const memories = new Map<string, Memory & { lookedAtMs: number; generation: number }>()
  let targets: ScaleTargets | undefined
  return {
    name: 'horizontal-pod-autoscaler',
    primary: HorizontalPodAutoscaler,
    watches: [{ kind: Pod, keys: () => [] }],
    writes: [{ kind: HorizontalPodAutoscaler, part: 'status' }],
    async reconcile(key, world) {
      targets ??= new ScaleTargets(world.client, world.clock)
      const hpa = world.cache.get(HorizontalPodAutoscaler, key)
      if (!hpa || hpa.metadata.deletionTimestamp) return
      let memory = memories.get(hpa.metadata.uid)
      if (!memory) {
        for (const uid of memories.keys())
          if (!world.cache.list(HorizontalPodAutoscaler).some(h => h.metadata.uid === uid)) memories.delete(uid)
        memories.set(
          hpa.metadata.uid,
          (memory = { recommendations: [], events: [], lookedAtMs: -Infinity, generation: 0 }),
        )
      }
      // Our own status, written, is no reason to look again: numbers need time to follow a change of size.
      const { generation = 0 } = hpa.metadata
      const left = memory.lookedAtMs + periodMs - world.clock.monotonicMs()
      if (left > 0 && generation === memory.generation) return { afterMs: left }
      Object.assign(memory, { lookedAtMs: world.clock.monotonicMs(), generation })
      await new Round(world, hpa, targets, memory, options.metrics ?? apiMetrics(world.client)).run()
      return { afterMs: periodMs }
    },
  }
}

interface MetricResult {
  replicas: number
  /** For people: `cpu resource utilization (percentage of request)`. */
  name: string
  status: MetricStatus
}

class MetricFailed extends Error {
  readonly reason: string
  constructor(reason: string, message: string) {
    super(message)
    this.reason = reason
  }
}

class Round {
  readonly #world: World
  readonly #hpa: HorizontalPodAutoscaler
  readonly #targets: ScaleTargets
  readonly #memory: Memory
  readonly #metrics: MetricsSource
  #status: HorizontalPodAutoscalerStatus

  constructor(
    world: World,
    hpa: HorizontalPodAutoscaler,
    targets: ScaleTargets,
    memory: Memory,
    metrics: MetricsSource,
  ) {
    this.#world = world
    this.#hpa = hpa
    this.#targets = targets
    this.#memory = memory
    this.#metrics = metrics
    this.#status = {
      desiredReplicas: 0,
      ...structuredClone(hpa.status),
      observedGeneration: hpa.metadata.generation ?? 0,
    }
  }

  async run(): Promise<void> {
    const { events } = this.#world
    const { namespace } = this.#hpa.metadata
    const ref = this.#hpa.spec.scaleTargetRef
    let scale: Scale
    try {
      scale = await this.#targets.get(namespace!, ref)
    } catch (error) {
      events.warning(this.#hpa, 'FailedGetScale', explain(error))
      const text = `the HPA controller was unable to get the target's current scale: ${explain(error)}`
      this.#condition('AbleToScale', false, 'FailedGetScale', text)
      return this.#write()
    }
    this.#condition(
      'AbleToScale',
      true,
      'SucceededGetScale',
      "the HPA controller was able to get the target's current scale",
    )
    const current = scale.spec?.replicas ?? 0
    this.#status.currentReplicas = current
    const decision = await this.#decide(scale, current)
    if (decision === undefined) return this.#write()
    const { replicas, why } = decision
    this.#status.desiredReplicas = replicas
    if (replicas !== current && !(await this.#rescale(scale, current, replicas, why)))
      this.#status.desiredReplicas = current
    await this.#write()
  }

  /** The size to have and why; undefined when that cannot be told. */
  async #decide(scale: Scale, current: number): Promise<{ replicas: number; why: string } | undefined> {
    const { spec } = this.#hpa
    const minReplicas = spec.minReplicas ?? 1
    if (current === 0 && minReplicas !== 0) {
      const text = 'scaling is disabled since the replica count of the target is zero'
      this.#condition('ScalingActive', false, 'ScalingDisabled', text)
      return { replicas: 0, why: '' }
    }
    if (current > spec.maxReplicas)
      return { replicas: spec.maxReplicas, why: 'Current number of replicas above Spec.MaxReplicas' }
    if (current < minReplicas)
      return { replicas: minReplicas, why: 'Current number of replicas below Spec.MinReplicas' }
    const best = await this.#measure(scale, current)
    if (!best) return undefined
    const why = best.replicas > current ? `${best.name} above target` : 'All metrics below target'
    const { replicas, stabilized, limit } = limited(
      this.#hpa,
      current,
      best.replicas,
      this.#memory,
      this.#world.clock.monotonicMs(),
    )
    const calm = stabilized ?? { reason: 'ReadyForNewScale', message: 'recommended size matches current size' }
    this.#condition('AbleToScale', true, calm.reason, calm.message)
    const range = limit ?? { reason: 'DesiredWithinRange', message: 'the desired count is within the acceptable range' }
    this.#condition('ScalingLimited', limit !== undefined, range.reason, range.message)
    return { replicas, why }
  }

  /** The metric that asks for most; none when too few could be read. */
  async #measure(scale: Scale, current: number): Promise<MetricResult | undefined> {
    const { events } = this.#world
    const text = scale.status?.selector ?? ''
    if (!text) {
      events.warning(this.#hpa, 'SelectorRequired', 'selector is required')
      this.#condition('ScalingActive', false, 'InvalidSelector', "the HPA target's scale is missing a selector")
      return undefined
    }
    const selector = parseSelector(text)
    const pods = this.#world.cache
      .list(Pod, this.#hpa.metadata.namespace)
      .filter(p => selector.matches(p.metadata.labels))
    const metrics = this.#hpa.spec.metrics ?? []
    const found: MetricResult[] = []
    const failures: MetricFailed[] = []
    for (const metric of metrics)
      try {
        found.push(await this.#propose(metric, current, text, pods))
      } catch (error) {
        failures.push(error as MetricFailed)
      }
    this.#status.currentMetrics = found.map(f => f.status)
    const best = found.reduce<MetricResult | undefined>((a, b) => (a && a.replicas >= b.replicas ? a : b), undefined)
    // With part of the picture missing, growing is safe and shrinking is not.
    if (!best || (failures.length && best.replicas < current)) {
      const { reason, message } = failures[0] ?? new MetricFailed('InvalidMetrics', 'no metrics')
      this.#condition('ScalingActive', false, reason, `the HPA was unable to compute the replica count: ${message}`)
      events.warning(this.#hpa, reason, message)
      events.warning(
        this.#hpa,
        'FailedComputeMetricsReplicas',
        `invalid metrics (${failures.length} invalid out of ${metrics.length}), first error is: ${message}`,
      )
      return undefined
    }
    this.#condition(
      'ScalingActive',
      true,
      'ValidMetricFound',
      `the HPA was able to successfully calculate a replica count from ${best.name}`,
    )
    return best
  }

  async #propose(metric: MetricSpec, current: number, selector: string, pods: readonly Pod[]): Promise<MetricResult> {
    try {
      switch (metric.type) {
        case 'Resource':
          return await this.#resource(metric.resource!, undefined, current, selector, pods)
        case 'ContainerResource':
          return await this.#resource(
            metric.containerResource!,
            metric.containerResource!.container,
            current,
            selector,
            pods,
          )
        case 'Pods':
          return await this.#pods(metric.pods!, current, selector, pods)
        case 'Object':
          return await this.#object(metric.object!, current, pods)
        case 'External':
          return await this.#external(metric.external!, current, pods)
        default:
          throw new Error(`unknown metric source type "${metric.type}"`)
      }
    } catch (error) {
      const source = metric.type === 'Resource' || metric.type === 'ContainerResource' ? metric.type : `${metric.type}`
      const name = metric.resource?.name ?? metric.containerResource?.name ?? metric.type.toLowerCase()
      throw new MetricFailed(
        `FailedGet${source}Metric`,
        `failed to get ${name} ${source.toLowerCase()} metric: ${explain(error)}`,
      )
    }
  }

  async #resource(
    source: { name: string; target: MetricTarget },
    container: string | undefined,
    current: number,
    selector: string,
    pods: readonly Pod[],
  ): Promise<MetricResult> {
    const { name, target } = source
    const { clock } = this.#world
    const samples = await this.#metrics.resource(this.#hpa.metadata.namespace!, name, selector, container)
    const grouped = groupPods(pods, samples, name === 'cpu', clock.now())
    const byName = new Map(pods.map(p => [p.metadata.name, p]))
    const kind = container === undefined ? 'resource' : 'container resource'
    const status = (now: MetricStatus['resource'] & object): MetricStatus =>
      container === undefined
        ? { type: 'Resource', resource: now }
        : { type: 'ContainerResource', containerResource: { ...now, container } }
    if (target.averageUtilization !== undefined) {
      const ask = (pod: string) => requestOf(byName.get(pod)!, name, container)
      const { replicas, average, utilization } = proposeFromPods(current, grouped, ask, target.averageUtilization / 100)
      const now = { averageUtilization: utilization!, averageValue: asQuantity(average) }
      return {
        replicas,
        name: `${name} ${kind} utilization (percentage of request)`,
        status: status({ name, current: now }),
      }
    }
    const { replicas, average } = proposeFromPods(
      current,
      grouped,
      () => 1,
      quantityToFloat(target.averageValue ?? '0'),
    )
    return {
      replicas,
      name: `${name} ${kind}`,
      status: status({ name, current: { averageValue: asQuantity(average) } }),
    }
  }

  async #pods(
    source: NonNullable<MetricSpec['pods']>,
    current: number,
    selector: string,
    pods: readonly Pod[],
  ): Promise<MetricResult> {
    const { metric, target } = source
    const text = selectorText(metric.selector)
    const samples = await this.#metrics.pods(this.#hpa.metadata.namespace!, metric.name, selector, text)
    const grouped = groupPods(pods, samples, false, this.#world.clock.now())
    const { replicas, average } = proposeFromPods(
      current,
      grouped,
      () => 1,
      quantityToFloat(target.averageValue ?? '0'),
    )
    const status = { type: 'Pods', pods: { metric, current: { averageValue: asQuantity(average) } } }
    return { replicas, name: `pods metric ${metric.name}`, status }
  }

  async #object(
    source: NonNullable<MetricSpec['object']>,
    current: number,
    pods: readonly Pod[],
  ): Promise<MetricResult> {
    const { metric, target, describedObject } = source
    const kind = await this.#targets.kindOf(describedObject)
    const path = `${kind.group ? `${kind.plural}.${kind.group}` : kind.plural}/${describedObject.name}`
    const value = await this.#metrics.object(
      this.#hpa.metadata.namespace!,
      path,
      metric.name,
      selectorText(metric.selector),
    )
    const { replicas, now } = single(current, pods, value, target)
    return {
      replicas,
      name: `${describedObject.kind} metric ${metric.name}`,
      status: { type: 'Object', object: { describedObject, metric, current: now } },
    }
  }

  async #external(
    source: NonNullable<MetricSpec['external']>,
    current: number,
    pods: readonly Pod[],
  ): Promise<MetricResult> {
    const { metric, target } = source
    const text = selectorText(metric.selector)
    const values = await this.#metrics.external(this.#hpa.metadata.namespace!, metric.name, text)
    const value = values.reduce((a, b) => a + b, 0)
    const { replicas, now } = single(current, pods, value, target)
    return {
      replicas,
      name: `external metric ${metric.name}`,
      status: { type: 'External', external: { metric, current: now } },
    }
  }

  async #rescale(scale: Scale, current: number, replicas: number, why: string): Promise<boolean> {
    const { events, clock } = this.#world
    try {
      await this.#targets.set(this.#hpa.metadata.namespace!, this.#hpa.spec.scaleTargetRef, scale, replicas)
    } catch (error) {
      events.warning(this.#hpa, 'FailedRescale', `New size: ${replicas}; reason: ${why}; error: ${explain(error)}`)
      const text = `the HPA controller was unable to update the target scale: ${explain(error)}`
      this.#condition('AbleToScale', false, 'FailedUpdateScale', text)
      return false
    }
    const text = `the HPA controller was able to update the target scale to ${replicas}`
    this.#condition('AbleToScale', true, 'SucceededRescale', text)
    events.normal(this.#hpa, 'SuccessfulRescale', `New size: ${replicas}; reason: ${why}`)
    this.#memory.events.push({ change: replicas - current, atMs: clock.monotonicMs() })
    this.#status.lastScaleTime = timestamp(clock)
    return true
  }

  #condition(type: string, status: boolean, reason: string, message: string): void {
    const now = timestamp(this.#world.clock)
    const next = { type, status: status ? 'True' : 'False', reason, message, lastTransitionTime: now }
    this.#status.conditions = withLatestCondition(this.#status.conditions, next)
  }

  async #write(): Promise<void> {
    if (sameMeaning(this.#hpa.status, this.#status)) return
    const next = { ...structuredClone(this.#hpa), status: this.#status }
    try {
      await this.#world.client.updateStatus(HorizontalPodAutoscaler, next)
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }
}

type MetricTarget = NonNullable<MetricSpec['resource']>['target']

function single(current: number, pods: readonly Pod[], value: number, target: MetricTarget) {
  if (target.averageValue !== undefined) {
    const replicas = proposeFromAverage(current, value, quantityToFloat(target.averageValue))
    return { replicas, now: { averageValue: asQuantity(current ? value / current : value) } }
  }
  const ready = pods.filter(p => p.status?.phase === 'Running' && isPodReady(p)).length
  return {
    replicas: proposeFromValue(current, ready, value, quantityToFloat(target.value ?? '0')),
    now: { value: asQuantity(value) },
  }
}

const asQuantity = (value: number) => quantityOfMillis(Math.ceil(value * 1000))
