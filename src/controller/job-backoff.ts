import { backoffMs } from '../base/backoff.ts'
import type { Pod } from '../models/types/core-v1.ts'
import { earlierEnds, endedMs } from './job-pods.ts'

/** How long a Job waits before its next pod: failures in a row make it slower, a success makes it as fast as before. */

/** After a failure: 10 s, doubling to 10 minutes. */
const podBackoff = { baseMs: 10_000, maxMs: 600_000 }

export interface Failures {
  /** Since the last success. */
  inARow: number
  /** When the last of them ended, in wall-clock milliseconds; undefined when there is none. */
  lastMs: number | undefined
}

export const noFailures: Failures = { inARow: 0, lastMs: undefined }

/** @param succeeded and `failed`: those that ended since */
export function countFailures(before: Failures, succeeded: readonly Pod[], failed: readonly Pod[]): Failures {
  const ends = failed.map(endedMs)
  const lastSuccessMs = Math.max(...succeeded.map(endedMs))
  const since = succeeded.length ? ends.filter(end => end > lastSuccessMs) : ends
  const { inARow, lastMs } = succeeded.length ? noFailures : before
  return { inARow: inARow + since.length, lastMs: since.length ? Math.max(...since) : lastMs }
}

/** @returns milliseconds, 0 or more */
export function backoffLeftMs({ inARow, lastMs }: Failures, nowMs: number): number {
  if (!inARow || lastMs === undefined) return 0
  return Math.max(lastMs + backoffMs(podBackoff, inARow) - nowMs, 0)
}

/** How long an index has to wait whose last pod failed. */
export function indexBackoffLeftMs(last: Pod | undefined, nowMs: number): number {
  return last ? backoffLeftMs({ inARow: earlierEnds(last) + 1, lastMs: endedMs(last) }, nowMs) : 0
}
