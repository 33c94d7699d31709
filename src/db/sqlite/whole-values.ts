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

  of(kept: KeptValue): Uint8Array | undefined {
    if (kept.value === null || kept.base === 0) return kept.value ?? undefined
    return madeWhole(kept, (this.#kept.get(kept.base) as KeptValue | undefined)?.value)
  }
}

/**
 * The value that was written; undefined for a deletion. What cannot be made whole is given as it is, so that whoever reads it can
 * say that it is damaged, and the rest goes on.
 * @param whole the value at `base`, if there is one
 */
export function madeWhole({ base, value }: KeptValue, whole: Uint8Array | null | undefined): Uint8Array | undefined {
  if (value === null) return undefined
  if (base === 0 || !whole) return value
  try {
    return applyDelta(whole, value)
  } catch (error) {
    if (error instanceof RangeError) return value
    throw error
  }
}
