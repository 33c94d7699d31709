import { type Clock, sleep } from '../../../base/clock.ts'
import { OptiFlowError } from '../../../base/errors.ts'

/** One step of a long work, as a person reads it. */
export interface Step {
  part: string
  state: 'starting' | 'ready' | 'failed'
  detail: string
}

export interface Progress {
  report(step: Step): void
  clock: Clock
  /** Longest wait of one step. */
  timeoutMs: number
  signal: AbortSignal
}

/** A step was not done in time. What was done stays; the same command goes on from there. */
export class StepTimedOut extends OptiFlowError {}

const lookMs = 200

/** Runs one step and reports how it went. */
export async function step<T>(
  progress: Progress,
  part: string,
  work: (tell: (detail: string) => void) => Promise<[T, string]>,
): Promise<T> {
  const tell = (detail: string) => progress.report({ part, state: 'starting', detail })
  tell('…')
  try {
    progress.signal.throwIfAborted()
    const [result, detail] = await work(tell)
    progress.report({ part, state: 'ready', detail })
    return result
  } catch (error) {
    progress.report({ part, state: 'failed', detail: error instanceof Error ? error.message : String(error) })
    throw error
  }
}

/**
 * Looks again and again until nothing is missing.
 * @param missing says what is, undefined when all is there
 * @throws StepTimedOut with what was missing last
 */
export async function waitUntil(
  { clock, timeoutMs, signal }: Progress,
  what: string,
  missing: () => Promise<string | undefined>,
  tell: (detail: string) => void,
): Promise<void> {
  const deadline = clock.monotonicMs() + timeoutMs
  for (;;) {
    const lacking = await missing()
    if (lacking === undefined) return
    tell(lacking)
    if (clock.monotonicMs() >= deadline)
      throw new StepTimedOut(`${what} not within ${timeoutMs / 1000} s: ${lacking}`, {
        hint: 'Run the same command again: it goes on where it ended. "optiflow calico status" tells more.',
      })
    await sleep(clock, lookMs, signal)
  }
}
