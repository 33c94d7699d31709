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

/** What is written on neither side: grow at once, at most twofold or by 4; shrink as far as wanted. */
const usualUp: HPAScalingRules = {
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
}
const usualDown: HPAScalingRules = { policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] }
/** No period of a policy is longer. */
const longestPeriodMs = 1_800_000

/**
 * @param desired what metrics ask for
 * @param nowMs monotonic; `memory` is brought up to date
 * @param downWindowMs how far back recommendations count before it shrinks, unless the autoscaler says so itself
 */
export function limited(
  hpa: HorizontalPodAutoscaler,
  current: number,
  desired: number,
  memory: Memory,
  nowMs: number,
  downWindowMs = 300_000,
): Limited {
  const { behavior } = hpa.spec
  const up = withPolicies(behavior?.scaleUp, usualUp)
  const down = withPolicies(behavior?.scaleDown, usualDown)
  const windows = {
    up: (up.stabilizationWindowSeconds ?? 0) * 1000,
    down: behavior ? (down.stabilizationWindowSeconds ?? downWindowMs / 1000) * 1000 : downWindowMs,
  }
  memory.recommendations = memory.recommendations.filter(r => nowMs - r.atMs <= Math.max(windows.up, windows.down))
  memory.events = memory.events.filter(e => nowMs - e.atMs <= longestPeriodMs)
  const before = memory.recommendations.map(r => ({ ...r, agoMs: nowMs - r.atMs }))
  memory.recommendations.push({ replicas: desired, atMs: nowMs })

  const stable = behavior
    ? between(current, before, desired, windows)
    : Math.max(desired, ...before.map(r => r.replicas))
  const range = behavior
    ? pacedRange(hpa, current, stable, memory, nowMs, { up, down })
    : { least: hpa.spec.minReplicas ?? 1, most: upTo(hpa, Math.max(2 * current, 4)) }
  const limit =
    stable > range.most.replicas
      ? range.most.why
      : stable < range.least
        ? range.least > (hpa.spec.minReplicas ?? 1)
          ? limits.down
          : limits.min
        : undefined
  return {
    replicas: Math.max(Math.min(stable, range.most.replicas), range.least),
    ...(stable === desired ? {} : { stabilized: behavior && desired >= current ? calms.up : calms.down }),
    ...(limit ? { limit } : {}),
  }
}

const withPolicies = (rules: HPAScalingRules | undefined, usual: HPAScalingRules): HPAScalingRules =>
  rules?.policies?.length ? rules : { ...rules, ...usual }

/** The present size, brought to between the least that was wanted lately and the most. */
function between(
  current: number,
  before: readonly { replicas: number; agoMs: number }[],
  desired: number,
  windows: { up: number; down: number },
): number {
  const within = (ms: number) => before.filter(r => r.agoMs < ms).map(r => r.replicas)
  const least = Math.min(desired, ...within(windows.up))
  const most = Math.max(desired, ...within(windows.down))
  return Math.min(Math.max(current, least), most)
}

const calms = {
  up: {
    reason: 'ScaleUpStabilized',
    message: 'recent recommendations were lower than current one, applying the lowest recent recommendation',
  },
  down: {
    reason: 'ScaleDownStabilized',
    message: 'recent recommendations were higher than current one, applying the highest recent recommendation',
  },
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

const upTo = ({ spec: { maxReplicas } }: HorizontalPodAutoscaler, pace: number) =>
  maxReplicas > pace ? { replicas: pace, why: limits.up } : { replicas: maxReplicas, why: limits.max }

/** How far the size may go now, by policies and by the autoscaler's own limits. */
function pacedRange(
  hpa: HorizontalPodAutoscaler,
  current: number,
  wanted: number,
  memory: Memory,
  nowMs: number,
  rules: { up: HPAScalingRules; down: HPAScalingRules },
) {
  const anything = { least: -Infinity, most: { replicas: Infinity, why: limits.max } }
  if (wanted > current)
    return { ...anything, most: upTo(hpa, Math.max(edge(rules.up, current, memory, nowMs, 1), current)) }
  if (wanted === current) return anything
  const least = Math.min(edge(rules.down, current, memory, nowMs, -1), current)
  return { ...anything, least: Math.max(least, hpa.spec.minReplicas ?? 1) }
}

/** How far the policies let the size go, counted from what it was at the beginning of each policy's period. */
function edge(rules: HPAScalingRules, current: number, memory: Memory, nowMs: number, direction: 1 | -1): number {
  if (rules.selectPolicy === 'Disabled') return current
  const edges = (rules.policies ?? []).map(({ type, value, periodSeconds }) => {
    const since = memory.events.filter(e => nowMs - e.atMs < periodSeconds * 1000)
    const start = current - since.reduce((sum, e) => sum + e.change, 0)
    if (type === 'Pods') return start + direction * value
    const share = start * (1 + (direction * value) / 100)
    return direction > 0 ? Math.ceil(share) : Math.trunc(share)
  })
  const furthest = direction > 0 ? Math.max(...edges) : Math.min(...edges)
  const nearest = direction > 0 ? Math.min(...edges) : Math.max(...edges)
  return rules.selectPolicy === 'Min' ? nearest : furthest
}
