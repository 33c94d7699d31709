import type { Database, Statement } from './database.ts'
import { applyDelta } from './delta.ts'

/** A value as the log keeps it: whole, or as its difference from the whole one at position `base`. */
export interface KeptValue {
  /** 0: the value is whole. */
  base: number
  /** null: a deletion. */
  value: Uint8Array | null
}

/** Makes whole values of what the log keeps. */
export class WholeValues {
  readonly #kept: Statement

  constructor(database: Database) {
    this.#kept = database.prepare('SELECT base, value FROM log WHERE position = ?')
  }

  /** What was written at a position; undefined if it was a deletion or is no longer kept. */
  at(position: number): Uint8Array | undefined {
    const kept = this.#kept.get(position) as KeptValue | undefined
    return kept && this.of(kept)
  }

  /** What cannot be made whole is given as it is, so that whoever reads it can say that it is damaged, and the rest goes on. */
  of({ base, value }: KeptValue): Uint8Array | undefined {
    if (value === null) return undefined
    if (base === 0) return value
    const whole = (this.#kept.get(base) as KeptValue | undefined)?.value
    try {
      return whole ? applyDelta(whole, value) : value
    } catch (error) {
      if (error instanceof RangeError) return value
      throw error
    }
  }
}
