import type { HorizontalPodAutoscaler, HPAScalingRules } from '../models/types/autoscaling-v2.ts'

/** From what metrics ask for to what is done: limits, pace, and patience. */

export interface Recommendation {
  replicas: number
  /** Monotonic. */
  atMs: number
}

/** A past change of size: positive when it grew. */
export interface ScaleEvent {
  change: number
  atMs: number
}

export interface Memory {
  recommendations: Recommendation[]
  events: ScaleEvent[]
}

export interface Limited {
  replicas: number
  /** The reason and message of condition AbleToScale, where patience decided. */
  stabilized?: { reason: string; message: string }
  /** Of ScalingLimited; undefined: within range. */
  limit?: { reason: string; message: string }
}

const defaultDownWindowS = 300

/** Behaviour when none is written: grow at most twofold or to 4 at once, shrink after five quiet minutes. */
const defaultRules = {
  down: { policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] } satisfies HPAScalingRules,
}

/** @param desired what metrics ask for. @param nowMs monotonic; `memory` is brought up to date */
export function limited(
  hpa: HorizontalPodAutoscaler,
  current: number,
  desired: number,
  memory: Memory,
  nowMs: number,
): Limited {
  const { behavior, maxReplicas } = hpa.spec
  const minReplicas = hpa.spec.minReplicas ?? 1
  const upWindowMs = (behavior?.scaleUp?.stabilizationWindowSeconds ?? 0) * 1000
  const downWindowMs = (behavior?.scaleDown?.stabilizationWindowSeconds ?? defaultDownWindowS) * 1000
  const longest = Math.max(upWindowMs, downWindowMs)
  memory.recommendations = memory.recommendations.filter(r => nowMs - r.atMs <= longest)
  memory.events = memory.events.filter(e => nowMs - e.atMs <= 1_800_000)

  const within = (ms: number) => memory.recommendations.filter(r => nowMs - r.atMs <= ms).map(r => r.replicas)
  const least = Math.min(desired, ...within(upWindowMs))
  const most = Math.max(desired, ...within(downWindowMs))
  const stable = Math.min(Math.max(current, least), most)
  memory.recommendations.push({ replicas: desired, atMs: nowMs })
  const result: Limited = { replicas: stable }
  if (stable !== desired)
    result.stabilized =
      desired < stable
        ? {
            reason: 'ScaleDownStabilized',
            message: 'recent recommendations were higher than current one, applying the highest recent recommendation',
          }
        : {
            reason: 'ScaleUpStabilized',
            message: 'recent recommendations were lower than current one, applying the lowest recent recommendation',
          }
  const pace = paced(hpa, current, stable, memory, nowMs)
  result.replicas = Math.min(Math.max(pace.replicas, minReplicas), maxReplicas)
  const limit =
    stable > current && pace.replicas < stable && pace.replicas <= maxReplicas
      ? 'up'
      : stable < current && pace.replicas > stable && pace.replicas >= minReplicas
        ? 'down'
        : pace.replicas > maxReplicas
          ? 'max'
          : pace.replicas < minReplicas
            ? 'min'
            : undefined
  if (limit) result.limit = limits[limit]
  return result
}

const limits = {
  up: { reason: 'ScaleUpLimit', message: 'the desired replica count is increasing faster than the maximum scale rate' },
  down: {
    reason: 'ScaleDownLimit',
    message: 'the desired replica count is decreasing faster than the maximum scale rate',
  },
  max: { reason: 'TooManyReplicas', message: 'the desired replica count is more than the maximum replica count' },
  min: { reason: 'TooFewReplicas', message: 'the desired replica count is less than the minimum replica count' },
}

function paced(hpa: HorizontalPodAutoscaler, current: number, wanted: number, memory: Memory, nowMs: number) {
  const { behavior } = hpa.spec
  if (wanted > current) {
    const most = behavior?.scaleUp?.policies?.length
      ? edge(behavior.scaleUp, current, memory, nowMs, 1)
      : Math.max(2 * current, 4)
    return { replicas: Math.min(wanted, Math.max(most, current)) }
  }
  if (wanted < current) {
    const rules = behavior?.scaleDown?.policies?.length
      ? behavior.scaleDown
      : { ...behavior?.scaleDown, ...defaultRules.down }
    return { replicas: Math.max(wanted, Math.min(edge(rules, current, memory, nowMs, -1), current)) }
  }
  return { replicas: wanted }
}

/** How far the policies let the size go, counted from what it was at the beginning of each policy's period. */
function edge(rules: HPAScalingRules, current: number, memory: Memory, nowMs: number, direction: 1 | -1): number {
  if (rules.selectPolicy === 'Disabled') return current
  const edges = (rules.policies ?? []).map(({ type, value, periodSeconds }) => {
    const done = memory.events
      .filter(e => Math.sign(e.change) === direction && nowMs - e.atMs <= periodSeconds * 1000)
      .reduce((sum, e) => sum + e.change, 0)
    const start = current - done
    if (type === 'Pods') return start + direction * value
    const share = start * (1 + (direction * value) / 100)
    return direction > 0 ? Math.ceil(share) : Math.trunc(share)
  })
  const furthest = direction > 0 ? Math.max(...edges) : Math.min(...edges)
  const nearest = direction > 0 ? Math.min(...edges) : Math.max(...edges)
  return rules.selectPolicy === 'Min' ? nearest : furthest
}
