import { OptiFlowError } from '../../base/errors.ts'
import { isQuantity, quantityToFloat } from '../../base/quantity.ts'
import { parseGoDuration } from '../../models/go-duration.ts'

/** What the agent watches, in upstream's words. */
export const signals = [
  'memory.available',
  'allocatableMemory.available',
  'nodefs.available',
  'nodefs.inodesFree',
  'imagefs.available',
  'imagefs.inodesFree',
  'pid.available',
] as const
export type Signal = (typeof signals)[number]

/** Where containers write is either with the images or with the node, whose thresholds hold there: a kubelet ignores these too. */
const ignored = ['containerfs.available', 'containerfs.inodesFree']

/** A share of the capacity (0…1), or so many units: bytes, inodes, processes. */
export type Amount = { share: number } | { units: number; text: string }

export interface Threshold {
  signal: Signal
  below: Amount
  /** Hard ones act at once, soft ones when they were met for so long. */
  hard: boolean
  graceMs: number
  /** So much more than `below` must be free before the trouble counts as over. */
  minReclaim: Amount
}

/** As `kubelet` takes them: `memory.available<100Mi,nodefs.available<10%`. */
export interface EvictionSettings {
  hard?: string
  soft?: string
  /** `memory.available=1m30s`: one for each soft threshold. */
  softGracePeriod?: string
  /** `nodefs.available=500Mi` */
  minimumReclaim?: string
  /** Longest grace period of a pod that a soft threshold ends; its own otherwise. */
  maxPodGraceMs?: number
  /** How long a node says that it is under pressure after it no longer is; 300 000 unless said otherwise. */
  transitionMs?: number
  /** How often the agent looks; 10 000 unless said otherwise. */
  lookMs?: number
}

export const defaultHard =
  'memory.available<100Mi,nodefs.available<10%,nodefs.inodesFree<5%,imagefs.available<15%,imagefs.inodesFree<5%,pid.available<5%'

/** A threshold cannot be understood. */
export class BadThreshold extends OptiFlowError {}

/** @throws BadThreshold */
export function parseThresholds(settings: EvictionSettings): Threshold[] {
  const reclaim = pairs(settings.minimumReclaim, '=', amount)
  const grace = pairs(settings.softGracePeriod, '=', duration)
  const none: Amount = { units: 0, text: '0' }
  const hard = [...pairs(settings.hard ?? defaultHard, '<', amount)].map(([signal, below]) => ({
    signal,
    below,
    hard: true,
    graceMs: 0,
    minReclaim: reclaim.get(signal) ?? none,
  }))
  const soft = [...pairs(settings.soft, '<', amount)].map(([signal, below]) => {
    const graceMs = grace.get(signal)
    if (graceMs === undefined)
      throw new BadThreshold(`the soft eviction threshold ${signal} has no grace period`, {
        hint: `Add one: --eviction-soft-grace-period ${signal}=1m30s`,
      })
    return { signal, below, hard: false, graceMs, minReclaim: reclaim.get(signal) ?? none }
  })
  return [...hard, ...soft]
}

/**
 * Pods that near what they may use together are too many, whatever the machine has left: what is said of its memory
 * holds for their share of it. Only hard thresholds do, as upstream's.
 */
export const withAllocatable = (thresholds: readonly Threshold[]): Threshold[] => [
  ...thresholds,
  ...thresholds
    .filter(({ signal, hard }) => signal === 'memory.available' && hard)
    .map((threshold): Threshold => ({ ...threshold, signal: 'allocatableMemory.available' })),
]

function pairs<T>(text: string | undefined, sign: '<' | '=', read: (text: string) => T): Map<Signal, T> {
  const out = new Map<Signal, T>()
  for (const part of (text ?? '').split(',').filter(Boolean)) {
    const at = part.indexOf(sign)
    const signal = part.slice(0, at).trim() as Signal
    if (at > 0 && ignored.includes(signal)) continue
    if (at < 0 || !signals.includes(signal))
      throw new BadThreshold(`eviction: ${JSON.stringify(part)} is not SIGNAL${sign}VALUE`, {
        hint: `Signals are ${signals.join(', ')}.`,
      })
    out.set(signal, read(part.slice(at + 1).trim()))
  }
  return out
}

function amount(text: string): Amount {
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)
  if (percent && Number(percent[1]) <= 100) return { share: Number(percent[1]) / 100 }
  if (isQuantity(text) && quantityToFloat(text) >= 0) return { units: quantityToFloat(text), text }
  throw new BadThreshold(`eviction: ${JSON.stringify(text)} is neither a quantity nor a percentage up to 100%`)
}

function duration(text: string): number {
  const ms = parseGoDuration(text)
  if (ms !== undefined && ms >= 0) return ms
  throw new BadThreshold(`eviction: ${JSON.stringify(text)} is not a duration such as 1m30s`)
}
