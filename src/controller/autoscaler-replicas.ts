import { quantityToFloat } from '../base/quantity.ts'
import { podCondition } from '../models/pod-state.ts'
import type { Pod } from '../models/types/core-v1.ts'
import type { PodSample } from './metrics-source.ts'

/** How many replicas one metric asks for. */

export interface Patience {
  /** Ratios of measured to wanted this near to 1 change nothing; 0.1 upstream. */
  tolerance: number
  /** So long after its start a pod's use of processors may not count, in milliseconds; 300 000 upstream. */
  cpuInitializationMs: number
  /** A pod that turned unready within this of its start has never been ready, in milliseconds; 30 000 upstream. */
  initialReadinessMs: number
}

export const usualPatience: Patience = { tolerance: 0.1, cpuInitializationMs: 300_000, initialReadinessMs: 30_000 }

/** What pods should use: a share of what each requests, or so much each. */
export type Aim = { percent: number; requests: ReadonlyMap<string, number> } | { each: number }

export interface Proposal {
  replicas: number
  /** Mean per pod, in thousandths of the metric's unit, rounded down. */
  averageMillis: number
  /** Percent of what is requested, rounded down. */
  utilization?: number
}

interface Grouped {
  measured: Map<string, number>
  unready: string[]
  missing: string[]
  /** There are samples of pods that are not among those asked about. */
  strangers: boolean
}

/** Which pods' numbers count: those that started, are ready, and have some. */
export function groupPods(
  pods: readonly Pod[],
  samples: ReadonlyMap<string, PodSample>,
  isCpu: boolean,
  nowMs: number,
  patience = usualPatience,
): Grouped {
  const known = new Set(pods.map(pod => pod.metadata.name))
  const strangers = [...samples.keys()].some(name => !known.has(name))
  const grouped: Grouped = { measured: new Map(), unready: [], missing: [], strangers }
  for (const pod of pods) {
    const { name } = pod.metadata
    if (pod.metadata.deletionTimestamp || pod.status?.phase === 'Failed') continue
    const sample = samples.get(name)
    if (pod.status?.phase === 'Pending') grouped.unready.push(name)
    else if (!sample) grouped.missing.push(name)
    else if (isCpu && isStarting(pod, sample, nowMs, patience)) grouped.unready.push(name)
    else grouped.measured.set(name, sample.value)
  }
  return grouped
}

/** The first minutes of a program say little about what it needs. */
function isStarting(pod: Pod, sample: PodSample, nowMs: number, patience: Patience): boolean {
  const ready = podCondition(pod, 'Ready')
  const startedMs = Date.parse(pod.status?.startTime ?? '')
  if (!ready || !Number.isFinite(startedMs)) return true
  const sinceMs = Date.parse(ready.lastTransitionTime ?? '') || 0
  if (startedMs + patience.cpuInitializationMs > nowMs)
    return ready.status === 'False' || sample.atMs < sinceMs + sample.windowMs
  return ready.status === 'False' && startedMs + patience.initialReadinessMs > sinceMs
}

const unmeasured = {
  unready: 'did not receive metrics for targeted pods (pods might be unready)',
  strangers: 'no metrics returned matched known pods',
}

const millis = (value: number) => Math.round(value * 1000)

/** Whole percent and whole thousandths, as Kubernetes counts: what is left over decides nothing. */
function usageOf(values: ReadonlyMap<string, number>, aim: Aim) {
  let [used, asked, count] = [0, 0, 0]
  for (const [name, value] of values) {
    const request = 'each' in aim ? 0 : aim.requests.get(name)
    if (request === undefined) continue
    used += millis(value)
    asked += millis(request)
    count++
  }
  const averageMillis = Math.trunc(used / count)
  if ('each' in aim) return { ratio: averageMillis / millis(aim.each), averageMillis }
  if (!asked) throw new Error(unmeasured.strangers)
  const utilization = Math.trunc((used * 100) / asked)
  return { ratio: utilization / aim.percent, averageMillis, utilization }
}

/** @throws Error when no pod could be measured */
export function proposeFromPods(current: number, grouped: Grouped, aim: Aim, { tolerance } = usualPatience): Proposal {
  const { measured, unready, missing, strangers } = grouped
  if (!measured.size) throw new Error(strangers && 'percent' in aim ? unmeasured.strangers : unmeasured.unready)
  const { ratio, ...seen } = usageOf(measured, aim)
  const near = (r: number) => Math.abs(1 - r) <= tolerance
  const withUnready = unready.length > 0 && ratio > 1
  if (!withUnready && !missing.length)
    return { ...seen, replicas: near(ratio) ? current : Math.ceil(round(ratio * measured.size)) }

  // Doubt counts against change: unmeasured pods are taken as busy when we would shrink, as idle when we would grow.
  const assumed = new Map(measured)
  for (const name of missing)
    if (ratio < 1) assumed.set(name, busy(name, aim))
    else if (ratio > 1) assumed.set(name, 0)
  if (withUnready) for (const name of unready) assumed.set(name, 0)
  const doubtful = usageOf(assumed, aim).ratio
  if (near(doubtful) || (ratio < 1 && doubtful > 1) || (ratio > 1 && doubtful < 1))
    return { ...seen, replicas: current }
  const replicas = Math.ceil(round(doubtful * assumed.size))
  if ((doubtful < 1 && replicas > current) || (doubtful > 1 && replicas < current))
    return { ...seen, replicas: current }
  return { ...seen, replicas }
}

/** All that a pod requests, or more where more is wanted. */
function busy(name: string, aim: Aim): number {
  return 'each' in aim ? aim.each : ((aim.requests.get(name) ?? 0) * Math.max(100, aim.percent)) / 100
}

/** One value for all. @param ready ready replicas */
export function proposeFromValue(
  current: number,
  ready: number,
  value: number,
  target: number,
  { tolerance } = usualPatience,
): number {
  const ratio = value / target
  if (current === 0) return Math.ceil(round(ratio))
  return Math.abs(1 - ratio) <= tolerance ? current : Math.ceil(round(ratio * ready))
}

/** So much of one value for each replica. @param running replicas that there are, whatever was asked for */
export function proposeFromAverage(
  running: number,
  value: number,
  target: number,
  { tolerance } = usualPatience,
): number {
  if (running && Math.abs(1 - value / (target * running)) <= tolerance) return running
  return Math.ceil(round(value / target))
}

/** Binary fractions must not turn 3 into 4. */
const round = (n: number) => Math.round(n * 1e9) / 1e9

/** What each pod requests of a resource, by name. @throws Error when a container that should does not say */
export function requestsOf(pods: readonly Pod[], resource: string, container?: string): Map<string, number> {
  return new Map(pods.map(pod => [pod.metadata.name, requestOf(pod, resource, container)]))
}

function requestOf(pod: Pod, resource: string, container: string | undefined): number {
  const sidecars = (pod.spec?.initContainers ?? []).filter(c => c.restartPolicy === 'Always')
  const all = [...(pod.spec?.containers ?? []), ...sidecars]
  const counted = container === undefined ? all : all.filter(c => c.name === container)
  return counted.reduce((sum, c) => {
    const request = c.resources?.requests?.[resource]
    if (request === undefined)
      throw new Error(`missing request for ${resource} in container ${c.name} of Pod ${pod.metadata.name}`)
    return sum + quantityToFloat(request)
  }, 0)
}
