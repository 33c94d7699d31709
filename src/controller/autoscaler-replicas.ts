import { quantityToFloat } from '../base/quantity.ts'
import { podCondition } from '../models/pod-state.ts'
import type { Pod } from '../models/types/core-v1.ts'
import type { PodSample } from './metrics-source.ts'

/** How many replicas one metric asks for. */

/** Ratios this near to 1 change nothing. */
export const tolerance = 0.1
const startupMs = 300_000
const initialReadinessMs = 30_000

export interface Proposal {
  replicas: number
  /** Mean per pod, in the metric's unit; for utilization also in percent. */
  average: number
  utilization?: number
}

interface Grouped {
  measured: Map<string, number>
  unready: string[]
  missing: string[]
}

/** Which pods' numbers count: those that started, are ready, and have some. */
export function groupPods(
  pods: readonly Pod[],
  samples: ReadonlyMap<string, PodSample>,
  isCpu: boolean,
  nowMs: number,
): Grouped {
  const grouped: Grouped = { measured: new Map(), unready: [], missing: [] }
  for (const pod of pods) {
    const { name } = pod.metadata
    if (pod.metadata.deletionTimestamp || pod.status?.phase === 'Failed') continue
    const sample = samples.get(name)
    if (pod.status?.phase === 'Pending') grouped.unready.push(name)
    else if (!sample) grouped.missing.push(name)
    else if (isCpu && isStarting(pod, sample, nowMs)) grouped.unready.push(name)
    else grouped.measured.set(name, sample.value)
  }
  return grouped
}

/** The first minutes of a program say little about what it needs. */
function isStarting(pod: Pod, sample: PodSample, nowMs: number): boolean {
  const ready = podCondition(pod, 'Ready')
  const startedMs = Date.parse(pod.status?.startTime ?? '')
  if (!ready || !Number.isFinite(startedMs)) return true
  const sinceMs = Date.parse(ready.lastTransitionTime ?? '') || 0
  if (startedMs + startupMs > nowMs) return ready.status === 'False' || sample.atMs < sinceMs + sample.windowMs
  return ready.status === 'False' && startedMs + initialReadinessMs > sinceMs
}

/**
 * @param ask per pod: what it requests (for utilization) or 1
 * @param target per unit of `ask`
 */
export function proposeFromPods(
  current: number,
  grouped: Grouped,
  ask: (pod: string) => number,
  target: number,
): Proposal & { ratio: number } {
  const { measured, unready, missing } = grouped
  const ratioOf = (values: ReadonlyMap<string, number>) => {
    let [used, asked] = [0, 0]
    for (const [name, value] of values) {
      used += value
      asked += ask(name)
    }
    return asked ? used / asked / target : 0
  }
  if (!measured.size) throw new Error('did not receive metrics for targeted pods (pods might be unready)')
  const ratio = ratioOf(measured)
  const total = [...measured.values()].reduce((a, b) => a + b, 0)
  const result = { average: total / measured.size, utilization: Math.trunc(ratio * target * 100), ratio }
  const near = (r: number) => Math.abs(1 - r) <= tolerance
  const withUnready = unready.length > 0 && ratio > 1
  if (!withUnready && !missing.length)
    return { ...result, replicas: near(ratio) ? current : Math.ceil(round(ratio * measured.size)) }

  // Doubt counts against change: unmeasured pods are taken as busy when we would shrink, as idle when we would grow.
  const assumed = new Map(measured)
  if (ratio < 1) for (const name of missing) assumed.set(name, ask(name) * Math.max(target, 1))
  else if (ratio > 1) for (const name of missing) assumed.set(name, 0)
  if (withUnready) for (const name of unready) assumed.set(name, 0)
  const doubtful = ratioOf(assumed)
  if (near(doubtful) || (ratio < 1 && doubtful > 1) || (ratio > 1 && doubtful < 1))
    return { ...result, replicas: current }
  const replicas = Math.ceil(round(doubtful * assumed.size))
  if ((doubtful < 1 && replicas > current) || (doubtful > 1 && replicas < current))
    return { ...result, replicas: current }
  return { ...result, replicas }
}

/** One value for all: in total, or for each replica. @param ready ready replicas */
export function proposeFromValue(current: number, ready: number, value: number, target: number): number {
  const ratio = value / target
  if (current === 0) return Math.ceil(round(ratio))
  return Math.abs(1 - ratio) <= tolerance ? current : Math.ceil(round(ratio * ready))
}

export function proposeFromAverage(current: number, value: number, target: number): number {
  if (current === 0) return Math.ceil(round(value / target))
  const ratio = value / (target * current)
  return Math.abs(1 - ratio) <= tolerance ? current : Math.ceil(round(value / target))
}

/** Binary fractions must not turn 3 into 4. */
const round = (n: number) => Math.round(n * 1e9) / 1e9

/** What a pod requests of a resource. @throws when a container that should does not say */
export function requestOf(pod: Pod, resource: string, container?: string): number {
  const sidecars = (pod.spec?.initContainers ?? []).filter(c => c.restartPolicy === 'Always')
  const all = [...(pod.spec?.containers ?? []), ...sidecars]
  const counted = container === undefined ? all : all.filter(c => c.name === container)
  if (!counted.length) throw new Error(`container ${container} not present in Pod ${pod.metadata.name}`)
  return counted.reduce((sum, c) => {
    const request = c.resources?.requests?.[resource]
    if (request === undefined)
      throw new Error(`missing request for ${resource} in container ${c.name} of Pod ${pod.metadata.name}`)
    return sum + quantityToFloat(request)
  }, 0)
}
