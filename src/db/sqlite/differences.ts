import type { Database, Statement } from './database.ts'
import { encodeDelta } from './delta.ts'
import type { Head } from './heads.ts'
import { RecentValues, type WholeValue } from './recent-values.ts'
import type { KeptValue, WholeValues } from './whole-values.ts'

/** Decides how the log keeps a value: whole, or as its difference from the key's last whole one, if that saves much. */
export class Differences {
  readonly #values: WholeValues
  readonly #recent = new RecentValues()
  readonly #kept: Statement

  constructor(database: Database, values: WholeValues) {
    this.#values = values
    this.#kept = database.prepare('SELECT base, value FROM log WHERE position = ?')
  }

  /**
   * @param head of the key, before the change
   * @param position of the change
   * @returns what the row has: see schema.ts
   */
  kept(
    key: string,
    value: Uint8Array | undefined,
    head: Head | undefined,
    position: number,
  ): { base: number; bytes: Uint8Array | null } {
    if (!value) {
      this.#recent.delete(key)
      return { base: 0, bytes: null }
    }
    const known = this.#recent.get(key)
    const whole = known ?? (head && head.created > 0 ? this.#lastWhole(head.position) : undefined)
    const delta = whole && encodeDelta(whole.value, value)
    if (!delta) this.#recent.set(key, position, value)
    else if (!known) this.#recent.set(key, whole.position, whole.value)
    return delta ? { base: whole.position, bytes: delta } : { base: 0, bytes: value }
  }

  /** After a transaction that was rolled back. */
  forget(): void {
    this.#recent.clear()
  }

  #lastWhole(before: number): WholeValue | undefined {
    const last = this.#kept.get(before) as KeptValue | undefined
    const position = last?.base || before
    const value = last?.base ? this.#values.at(position) : last?.value
    return value ? { position, value } : undefined
  }
}
