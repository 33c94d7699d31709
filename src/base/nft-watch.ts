import type { Clock } from './clock.ts'
import type { Child, Commands } from './commands.ts'

/** It reads what the kernel holds before it listens: so long after its start it may have missed something. */
const deafMs = 10_000
/** One that ended is not started anew more often. */
const pauseMs = 60_000

/**
 * Listens to the kernel for chains that go: one program that goes on and sleeps, instead of one for each look. Should we be killed,
 * it ends with the next notice, which is when whoever comes after us writes its tables anew.
 */
export class NftWatch implements Disposable {
  readonly #commands: Commands
  readonly #clock: Clock
  #child: Child | undefined
  #startedMonoMs = Number.NEGATIVE_INFINITY
  #heard = false

  constructor({ commands, clock }: { commands: Commands; clock: Clock }) {
    this.#commands = commands
    this.#clock = clock
  }

  /** Whether a chain may have gone since this was asked last. */
  news(): boolean {
    const heard = this.#heard
    this.#heard = false
    const monoMs = this.#clock.monotonicMs()
    if (!this.#child && monoMs - this.#startedMonoMs >= pauseMs) this.#start(monoMs)
    return heard || !this.#child || monoMs - this.#startedMonoMs < deafMs
  }

  #start(monoMs: number): void {
    this.#startedMonoMs = monoMs
    try {
      // Also what it says of notices that were lost is heard.
      const onLine = () => void (this.#heard = true)
      const child = this.#commands.spawn('nft', ['monitor', 'destroy', 'chains'], { onLine })
      this.#child = child
      const gone = () => {
        if (this.#child === child) this.#child = undefined
        this.#heard = true
      }
      child.exited.then(gone, gone)
    } catch {
      // Nobody listens: every look is made.
      this.#child = undefined
    }
  }

  [Symbol.dispose](): void {
    this.#child?.kill()
    this.#child = undefined
  }
}
