import { type Clock, every } from './clock.ts'
import { explain } from './errors.ts'
import type { Logger } from './logger.ts'

export interface UpkeepOptions {
  /** Makes something as it must be now; what is so already costs little. */
  work(): Promise<void>
  clock: Clock
  log: Logger
  /** For people, in the log, when the work failed; the next time tries again. */
  whenFailed: string
}

/** Changes that come within this time are met together. */
const gatherMs = 20
/** How often we look whether somebody took something away. */
const auditMs = 5_000

/** Does one piece of work whenever something changed, and every 5 s, one time after the other. Disposing waits for the one under way. */
export class Upkeep implements AsyncDisposable {
  readonly #options: UpkeepOptions
  readonly #stop = new AbortController()
  #scheduled = false
  #running: Promise<void> = Promise.resolve()

  constructor(options: UpkeepOptions) {
    this.#options = options
    every(options.clock, auditMs, () => this.now(), this.#stop.signal)
  }

  /** Something that the work looks at is different. */
  readonly changed = (): void => {
    if (this.#scheduled || this.#stop.signal.aborted) return
    this.#scheduled = true
    this.#options.clock.schedule(gatherMs, () => {
      this.#scheduled = false
      void this.now()
    })
  }

  /** Resolves when it has been done with what is known at the call; a failure is in the log. */
  now(): Promise<void> {
    const { work, log, whenFailed } = this.#options
    this.#running = this.#running
      .then(() => (this.#stop.signal.aborted ? undefined : work()))
      .catch(error => log.warn({ error: explain(error) }, whenFailed))
    return this.#running
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#running
  }
}
