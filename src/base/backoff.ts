import type { Random } from './random.ts'

export interface Backoff {
  /** First delay in milliseconds. */
  baseMs: number
  /** No delay is longer than this. */
  maxMs: number
  /** Growth per attempt; 2 unless said otherwise. */
  factor?: number
  /** Share of the delay that is random, 0…1; 0 unless said otherwise. */
  jitter?: number
}

/** The delay before attempt `attempt` (1 = the first retry), in milliseconds. */
export function backoffMs(policy: Backoff, attempt: number, random?: Random): number {
  const plain = Math.min(policy.baseMs * (policy.factor ?? 2) ** Math.max(attempt - 1, 0), policy.maxMs)
  return policy.jitter && random ? plain * (1 - policy.jitter * random.next()) : plain
}
