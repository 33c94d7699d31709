import type { Probe } from '../../models/types/core-v1.ts'

export type Purpose = 'startup' | 'readiness' | 'liveness'

/** What is known of one probe of one running container. */
export interface ProbeState {
  purpose: Purpose
  /** The verdict that counts: set when a threshold is reached. Undefined: none yet. */
  passed: boolean | undefined
  successes: number
  failures: number
  /** Quick first looks made so far. */
  looks: number
}

export interface ProbeSettings {
  initialDelayMs: number
  periodMs: number
  timeoutMs: number
  successThreshold: number
  failureThreshold: number
}

export type Verdict = 'none' | 'passed' | 'failed'

export function settingsOf(probe: Probe): ProbeSettings {
  return {
    initialDelayMs: (probe.initialDelaySeconds ?? 0) * 1000,
    periodMs: Math.max(probe.periodSeconds ?? 10, 1) * 1000,
    timeoutMs: Math.max(probe.timeoutSeconds ?? 1, 1) * 1000,
    successThreshold: Math.max(probe.successThreshold ?? 1, 1),
    failureThreshold: Math.max(probe.failureThreshold ?? 3, 1),
  }
}

export const newProbeState = (purpose: Purpose): ProbeState => ({
  purpose,
  passed: undefined,
  successes: 0,
  failures: 0,
  looks: 0,
})

/** Takes in one answer. Changes `state`; a verdict is returned only when it is new, or failed again. */
export function takeAnswer(state: ProbeState, settings: ProbeSettings, ok: boolean): Verdict {
  if (ok) {
    state.failures = 0
    state.successes++
    if (state.successes < settings.successThreshold || state.passed === true) return 'none'
    state.passed = true
    return 'passed'
  }
  state.successes = 0
  state.failures++
  if (state.failures < settings.failureThreshold) return 'none'
  state.passed = false
  return 'failed'
}

const firstLookMs = 50

/**
 * A program needs a moment to listen. Until its first success the agent looks in quickly, at 50 ms, 100 ms, 200 ms …
 * within the first period, so that a pod is not unready for ten seconds because it was asked one moment too soon.
 * Such looks count when they succeed and never when they fail, and cost a connection, so commands are not run for them.
 * @returns milliseconds to the next look; undefined: the regular period
 */
export function nextLookMs(state: ProbeState, settings: ProbeSettings, cheap: boolean): number | undefined {
  if (!cheap || state.purpose === 'liveness' || state.passed !== undefined || state.successes) return undefined
  const delay = firstLookMs * 2 ** state.looks
  return delay * 2 < settings.periodMs ? delay : undefined
}
