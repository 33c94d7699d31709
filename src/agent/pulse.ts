import type { Cancel, Clock } from '../base/clock.ts'

/** Recurring work of many agents on one timer, spread over each period so that they do not all act at once. */
export interface Pulse {
  /**
   * Runs `task` every `periodMs`, the first time after a share of it. A task that still runs is not overlapped; what it
   * rejects with is dropped, so it must report its own failures.
   */
  every(periodMs: number, task: () => void | Promise<void>): Cancel
}

interface Entry {
  periodMs: number
  atMonoMs: number
  task: () => void | Promise<void>
  running: boolean
}

/** Tasks within so many milliseconds of each other run together. */
const grainMs = 50

export function createPulse(clock: Clock): Pulse {
  const entries = new Set<Entry>()
  let timer: { atMonoMs: number; cancel: Cancel } | undefined
  let spread = 0

  function arm() {
    let next = Number.POSITIVE_INFINITY
    for (const { atMonoMs } of entries) next = Math.min(next, atMonoMs)
    if (timer && timer.atMonoMs <= next) return
    timer?.cancel()
    timer = undefined
    if (next === Number.POSITIVE_INFINITY) return
    const delayMs = Math.max(next - clock.monotonicMs(), 0)
    timer = { atMonoMs: next, cancel: clock.schedule(delayMs, beat) }
  }

  function beat() {
    timer = undefined
    const now = clock.monotonicMs()
    for (const entry of entries) {
      if (entry.atMonoMs > now + grainMs) continue
      entry.atMonoMs = Math.max(entry.atMonoMs + entry.periodMs, now + entry.periodMs / 2)
      if (entry.running) continue
      entry.running = true
      void (async () => entry.task())()
        .catch(() => {})
        .finally(() => {
          entry.running = false
        })
    }
    arm()
  }

  return {
    every(periodMs, task) {
      // The golden ratio spreads any number of tasks evenly.
      spread = (spread + 0.618_033_988_75) % 1
      const entry: Entry = { periodMs, task, running: false, atMonoMs: clock.monotonicMs() + periodMs * spread }
      entries.add(entry)
      arm()
      return () => {
        entries.delete(entry)
        if (!entries.size) {
          timer?.cancel()
          timer = undefined
        }
      }
    },
  }
}
