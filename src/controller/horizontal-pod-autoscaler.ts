import { timestamp } from '../base/clock.ts'
import { sameMeaning } from '../base/equality.ts'
import { explain } from '../base/errors.ts'
import { parseSelector, type Selector } from '../base/labels.ts'
import { selectedOf } from '../client/label-index.ts'
import type { Cache, Reconciler, World } from '../client/reconciler.ts'
import { isNotFound } from '../models/api-error.ts'
import { withLatestCondition } from '../models/conditions.ts'
import { HorizontalPodAutoscaler, Pod } from '../models/kinds/index.ts'
import type { HorizontalPodAutoscalerStatus, MetricSpec } from '../models/types/autoscaling-v2.ts'
import { limited, type Memory } from './autoscaler-behavior.ts'
import { MetricFailed, type MetricResult, propose } from './autoscaler-proposals.ts'
import { type Patience, usualPatience } from './autoscaler-replicas.ts'
import { apiMetrics, type MetricsSource } from './metrics-source.ts'
import { type Scale, ScaleTargets } from './scale-target.ts'

export interface AutoscalerOptions extends Partial<Patience> {
  /** The metrics APIs unless given. */
  metrics?: MetricsSource
  /** How often each one is looked at; 15 000 unless given. */
  periodMs?: number
  /** How far back recommendations count before a target shrinks, unless its autoscaler says so; 300 000 unless given. */
  downscaleStabilizationMs?: number
  monitor?: AutoscalerMonitor
}

/** Told of every look, and of every metric that is asked for in it. */
export interface AutoscalerMonitor {
  reconciled(action: ScaleAction, error: AutoscalerFault, ms: number): void
  computed(action: ScaleAction, error: AutoscalerFault, ms: number, metric: string): void
}

export type ScaleAction = 'scale_up' | 'scale_down' | 'none'
/** `spec`: the autoscaler asks for what cannot be. */
export type AutoscalerFault = 'spec' | 'internal' | 'none'

/** What is remembered of one autoscaler between two looks. */
interface Known extends Memory {
  lookedAtMs: number
  generation: number
  /** Of its target's pods, when it was last looked at. */
  selector?: Selector
}

/** Sizes a target by what its pods, or something else, measure. */
const podsSelected = selectedOf(Pod)

export function horizontalPodAutoscalerReconciler(options: AutoscalerOptions = {}): Reconciler {
  const periodMs = options.periodMs ?? 15_000
  const known = new Map<string, Known>()
  let targets: ScaleTargets | undefined
  return {
    name: 'horizontal-pod-autoscaler',
    eventsFrom: 'horizontal-pod-autoscaler',
    primary: HorizontalPodAutoscaler,
    watches: [{ kind: Pod, keys: () => [] }],
    writes: [{ kind: HorizontalPodAutoscaler, part: 'status' }],
    async reconcile(key, world) {
      targets ??= new ScaleTargets(world.client, world.clock)
      const hpa = world.cache.get(HorizontalPodAutoscaler, key)
      if (!hpa || hpa.metadata.deletionTimestamp) return
      const memory = known.get(hpa.metadata.uid) ?? fresh(known, hpa, world.cache)
      // Our own status, written, is no reason to look again: numbers need time to follow a change of size.
      const { generation = 0 } = hpa.metadata
      const left = memory.lookedAtMs + periodMs - world.clock.monotonicMs()
      if (left > 0 && generation === memory.generation) return { afterMs: left }
      Object.assign(memory, { lookedAtMs: world.clock.monotonicMs(), generation })
      await new Round(world, hpa, targets, memory, known, options).run()
      return { afterMs: periodMs }
    },
  }
}

/** Forgets those that are gone on the way. */
function fresh(known: Map<string, Known>, hpa: HorizontalPodAutoscaler, cache: Cache): Known {
  const there = new Set(cache.list(HorizontalPodAutoscaler).map(h => h.metadata.uid))
  for (const uid of known.keys()) if (!there.has(uid)) known.delete(uid)
  const memory = { recommendations: [], events: [], lookedAtMs: -Infinity, generation: 0 }
  known.set(hpa.metadata.uid, memory)
  return memory
}

class Round {
  readonly #world: World
  readonly #hpa: HorizontalPodAutoscaler
  readonly #targets: ScaleTargets
  readonly #memory: Known
  readonly #all: ReadonlyMap<string, Known>
  readonly #options: AutoscalerOptions
  #status: HorizontalPodAutoscalerStatus
  #action: ScaleAction = 'none'
  #fault: AutoscalerFault = 'none'

  constructor(
    world: World,
    hpa: HorizontalPodAutoscaler,
    targets: ScaleTargets,
    memory: Known,
    all: ReadonlyMap<string, Known>,
    options: AutoscalerOptions,
  ) {
    this.#world = world
    this.#hpa = hpa
    this.#targets = targets
    this.#memory = memory
    this.#all = all
    this.#options = options
    this.#status = {
      desiredReplicas: 0,
      ...structuredClone(hpa.status),
      ...(hpa.metadata.generation === undefined ? {} : { observedGeneration: hpa.metadata.generation }),
    }
  }

  async run(): Promise<void> {
    const { clock } = this.#world
    const began = clock.monotonicMs()
    try {
      await this.#look()
    } catch (error) {
      this.#fault = 'internal'
      throw error
    } finally {
      this.#options.monitor?.reconciled(this.#action, this.#fault, clock.monotonicMs() - began)
    }
  }

  async #look(): Promise<void> {
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
      this.#fault = 'internal'
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
    // What it was found with counts like a recommendation: a new controller does not shrink it at once.
    if (!this.#memory.recommendations.length)
      this.#memory.recommendations.push({ replicas: current, atMs: this.#world.clock.monotonicMs() })
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
      this.#options.downscaleStabilizationMs,
    )
    const calm = stabilized ?? { reason: 'ReadyForNewScale', message: 'recommended size matches current size' }
    this.#condition('AbleToScale', true, calm.reason, calm.message)
    const range = limit ?? { reason: 'DesiredWithinRange', message: 'the desired count is within the acceptable range' }
    this.#condition('ScalingLimited', limit !== undefined, range.reason, range.message)
    return { replicas, why }
  }

  /** The pods that the target's selector finds; undefined, and said so, when it finds them for nobody or for several. */
  #pods(text: string): Pod[] | undefined {
    const { cache, events } = this.#world
    const refuse = (reason: string, message: string, event = message, eventReason = reason) => {
      events.warning(this.#hpa, eventReason, event)
      this.#condition('ScalingActive', false, reason, message)
      return this.#giveUp(event)
    }
    if (!text)
      return refuse(
        'InvalidSelector',
        "the HPA target's scale is missing a selector",
        'selector is required',
        'SelectorRequired',
      )
    let selector: Selector
    try {
      selector = parseSelector(text)
    } catch (error) {
      const why = `couldn't convert selector into a corresponding internal selector object: ${explain(error)}`
      return refuse('InvalidSelector', why)
    }
    this.#memory.selector = selector
    const pods = podsSelected(cache, this.#hpa.metadata.namespace, selector)
    const rivals = cache
      .list(HorizontalPodAutoscaler, this.#hpa.metadata.namespace)
      .filter(({ metadata: { uid } }) => {
        const other = this.#all.get(uid)?.selector
        return other && pods.some(p => other.matches(p.metadata.labels))
      })
      .map(({ metadata }) => `{${metadata.name} ${metadata.namespace}}`)
    if (rivals.length < 2) return pods
    const names = rivals.join(' ')
    return refuse('AmbiguousSelector', `pods by selector ${text} are controlled by multiple HPAs: [${names}]`)
  }

  #giveUp(message: string): undefined {
    this.#fault = 'internal'
    this.#world.events.warning(this.#hpa, 'FailedComputeMetricsReplicas', message)
  }

  /** The metric that asks for most; none when too few could be read. */
  async #measure(scale: Scale, current: number): Promise<MetricResult | undefined> {
    const { events } = this.#world
    const pods = this.#pods(scale.status?.selector ?? '')
    if (!pods) return undefined
    const metrics = this.#hpa.spec.metrics ?? []
    const found: MetricResult[] = []
    const failures: MetricFailed[] = []
    for (const metric of metrics)
      try {
        found.push(await this.#compute(metric, scale, pods))
      } catch (error) {
        if (!(error instanceof MetricFailed)) throw error
        events.warning(this.#hpa, error.reason, error.message)
        failures.push(error)
      }
    this.#status.currentMetrics = found.map(f => f.status)
    const best = found.reduce<MetricResult | undefined>((a, b) => (a && a.replicas >= b.replicas ? a : b), undefined)
    if (failures.length) this.#fault = 'internal'
    // With part of the picture missing, growing is safe and shrinking is not.
    if (!best || (failures.length && best.replicas < current)) {
      const { reason, message, summary } = failures[0] ?? new MetricFailed('InvalidMetrics', 'no metrics', 'no metrics')
      this.#condition('ScalingActive', false, reason, `the HPA was unable to compute the replica count: ${message}`)
      return this.#giveUp(
        `invalid metrics (${failures.length} invalid out of ${metrics.length}), first error is: ${summary}`,
      )
    }
    this.#condition(
      'ScalingActive',
      true,
      'ValidMetricFound',
      `the HPA was able to successfully calculate a replica count from ${best.name}`,
    )
    return best
  }

  async #compute(metric: MetricSpec, scale: Scale, pods: readonly Pod[]): Promise<MetricResult> {
    const { clock } = this.#world
    const { metrics = apiMetrics(this.#world.client), monitor, ...patience } = this.#options
    const began = clock.monotonicMs()
    let [action, fault]: [ScaleAction, AutoscalerFault] = ['none', 'internal']
    const current = scale.spec?.replicas ?? 0
    try {
      const result = await propose(metric, {
        ...{ metrics, pods, current },
        patience: { ...usualPatience, ...patience },
        namespace: this.#hpa.metadata.namespace!,
        running: scale.status?.replicas ?? 0,
        selector: scale.status?.selector ?? '',
        nowMs: clock.now(),
        pathOf: async object => {
          const { group, plural } = await this.#targets.kindOf(object)
          return `${group ? `${plural}.${group}` : plural}/${object.name}`
        },
      })
      fault = 'none'
      if (result.replicas !== current) action = result.replicas > current ? 'scale_up' : 'scale_down'
      return result
    } catch (error) {
      if (error instanceof MetricFailed && error.reason === 'InvalidMetricSourceType') fault = 'spec'
      throw error
    } finally {
      monitor?.computed(action, fault, clock.monotonicMs() - began, metric.type)
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
      this.#fault = 'internal'
      return false
    }
    const text = `the HPA controller was able to update the target scale to ${replicas}`
    this.#condition('AbleToScale', true, 'SucceededRescale', text)
    events.normal(this.#hpa, 'SuccessfulRescale', `New size: ${replicas}; reason: ${why}`)
    this.#action = replicas > current ? 'scale_up' : 'scale_down'
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
