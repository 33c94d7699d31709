import { type Clock, sleep } from '../base/clock.ts'
import { RuntimeUnavailable } from './runtime.ts'

/** How long somebody waits for a runtime that is being started again. */
const patienceMs = 30_000
const againMs = 100

/**
 * Asks a runtime that somebody starts again when it ends: it may have ended just now.
 * @throws what `ask` throws, RuntimeUnavailable only after half a minute
 */
export async function askPatiently<T>(clock: Clock, ask: () => Promise<T>): Promise<T> {
  const deadline = clock.monotonicMs() + patienceMs
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof RuntimeUnavailable) || clock.monotonicMs() > deadline) throw error
    }
    await sleep(clock, againMs)
  }
}
