import { Newest } from '../base/newest.ts'
import type { RefusalGroup } from './fit-failure.ts'

/** What came of the latest try to place a pod. */
export interface Attempt {
  /** RFC 3339. */
  at: string
  /** How many tries there have been. */
  number: number
  /** Set if a node was found. */
  node?: string
  /** Nodes that would have done. */
  fitting: number
  /** All nodes there were. */
  nodes: number
  /** Weighted sum of scores of the chosen node. */
  score?: number
  refusals: readonly RefusalGroup[]
  /** As in the event. */
  message: string
  /** What preemption had to say. */
  preemption?: string
}

const mostAttempts = 20_000

/** The latest attempt of each pod, by uid, for whoever asks why. The oldest are forgotten beyond a bound. */
export class Attempts {
  readonly #latest = new Newest<string, Attempt>(mostAttempts)

  get(uid: string): Attempt | undefined {
    return this.#latest.get(uid)
  }

  set(uid: string, attempt: Attempt): void {
    this.#latest.set(uid, attempt)
  }

  delete(uid: string): void {
    this.#latest.delete(uid)
  }
}
