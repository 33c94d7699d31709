import type { Clock } from '../../base/clock.ts'

/** How long each part of a node's start took, in seconds. */
export interface Startup {
  /** From the start of the agent until it first asked to be registered, and from then until it was. */
  preRegistration: number
  registration: number
  /** From then until the node was ready; undefined: it is not yet. */
  postRegistration?: number
  /** From the start of the agent until the node was ready. */
  whole?: number
}

/** When a node that is new came up. Of one that was registered before nothing is known. */
export class StartupTimes {
  #clock: Clock | undefined
  #startedAtMonoMs = 0
  #askedAtMonoMs: number | undefined
  #registeredAtMonoMs: number | undefined
  #readyAtMonoMs: number | undefined

  starts(clock: Clock): void {
    this.#clock = clock
    this.#startedAtMonoMs = clock.monotonicMs()
  }

  asks(): void {
    this.#askedAtMonoMs ??= this.#clock?.monotonicMs()
  }

  /** It is a new one. */
  registered(): void {
    if (this.#askedAtMonoMs !== undefined) this.#registeredAtMonoMs ??= this.#clock?.monotonicMs()
  }

  ready(): void {
    if (this.#registeredAtMonoMs !== undefined) this.#readyAtMonoMs ??= this.#clock?.monotonicMs()
  }

  /** How long ago the agent started, in seconds. */
  get age(): number {
    return ((this.#clock?.monotonicMs() ?? 0) - this.#startedAtMonoMs) / 1000
  }

  get parts(): Startup | undefined {
    const [asked, registered, ready] = [this.#askedAtMonoMs, this.#registeredAtMonoMs, this.#readyAtMonoMs]
    if (asked === undefined || registered === undefined) return undefined
    const seconds = (from: number, to: number) => (to - from) / 1000
    return {
      preRegistration: seconds(this.#startedAtMonoMs, asked),
      registration: seconds(asked, registered),
      ...(ready === undefined
        ? {}
        : { postRegistration: seconds(registered, ready), whole: seconds(this.#startedAtMonoMs, ready) }),
    }
  }
}
