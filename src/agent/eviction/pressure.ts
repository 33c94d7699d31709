import type { Amount, Signal, Threshold } from './thresholds.ts'

/** Bytes, inodes or processes. */
export interface Observation {
  available: number
  capacity: number
}
export type Observations = ReadonlyMap<Signal, Observation>

export type PressureCondition = 'MemoryPressure' | 'DiskPressure' | 'PIDPressure'

/** What runs short, as upstream names it in messages. */
export type Starved = 'memory' | 'ephemeral-storage' | 'inodes' | 'pids'

const conditionOf: Record<Signal, PressureCondition> = {
  'memory.available': 'MemoryPressure',
  'allocatableMemory.available': 'MemoryPressure',
  'nodefs.available': 'DiskPressure',
  'nodefs.inodesFree': 'DiskPressure',
  'imagefs.available': 'DiskPressure',
  'imagefs.inodesFree': 'DiskPressure',
  'pid.available': 'PIDPressure',
}

export const starvedOf: Record<Signal, Starved> = {
  'memory.available': 'memory',
  'allocatableMemory.available': 'memory',
  'nodefs.available': 'ephemeral-storage',
  'nodefs.inodesFree': 'inodes',
  'imagefs.available': 'ephemeral-storage',
  'imagefs.inodesFree': 'inodes',
  'pid.available': 'pids',
}

/** What is remembered from one look to the next. */
export interface PressureMemory {
  /** Since when each threshold is met, in monotonic milliseconds. */
  since: ReadonlyMap<Threshold, number>
  /** Thresholds that called for action and are not over by their minimum reclaim. */
  due: readonly Threshold[]
  /** When each condition was last seen, in monotonic milliseconds. */
  seen: ReadonlyMap<PressureCondition, number>
}

export const noPressure: PressureMemory = { since: new Map(), due: [], seen: new Map() }

export interface Assessment {
  memory: PressureMemory
  conditions: PressureCondition[]
  /** Call for action now, the most urgent first. */
  due: readonly Threshold[]
}

/** What the node's numbers mean. Pure. @param transitionMs how long a condition stays after it was last seen */
export function assess(
  before: PressureMemory,
  thresholds: readonly Threshold[],
  observations: Observations,
  nowMonoMs: number,
  transitionMs: number,
): Assessment {
  const met = thresholds.filter(t => isMet(t, observations) || (before.due.includes(t) && isMet(t, observations, true)))
  const since = new Map(met.map(t => [t, before.since.get(t) ?? nowMonoMs]))
  const seen = new Map(before.seen)
  for (const { signal } of met) seen.set(conditionOf[signal], nowMonoMs)
  for (const [condition, at] of seen) if (nowMonoMs - at >= transitionMs) seen.delete(condition)
  for (const { signal } of met) seen.set(conditionOf[signal], nowMonoMs)
  // Memory first: a machine out of it does nothing else well.
  const due = met.filter(t => nowMonoMs - since.get(t)! >= t.graceMs).sort((a, b) => urgency(a) - urgency(b))
  return { memory: { since, due, seen }, conditions: [...seen.keys()].sort(), due }
}

const urgency = ({ signal, hard }: Threshold) => (starvedOf[signal] === 'memory' ? 0 : 2) + (hard ? 0 : 1)

/** @param withReclaim ask for the minimum reclaim on top */
export function isMet(
  { signal, below, minReclaim }: Threshold,
  observations: Observations,
  withReclaim = false,
): boolean {
  const observed = observations.get(signal)
  if (!observed) return false
  const limit = unitsOf(below, observed) + (withReclaim ? unitsOf(minReclaim, observed) : 0)
  return observed.available < limit
}

export const unitsOf = (amount: Amount, { capacity }: Observation) =>
  'share' in amount ? amount.share * capacity : amount.units
