import { same } from '../../base/equality.ts'
import type { AnyObject } from '../../models/object.ts'
import type { Admission } from './chain.ts'

/**
 * Who of those that change objects is asked again: who wants to see what others have changed after it. Plugins are asked
 * twice at most.
 */
export class SecondTurns<T> {
  readonly #turns = new WeakMap<Admission, Turns<T>>()

  of(admission: Admission): Turns<T> {
    let turns = this.#turns.get(admission)
    if (!turns) this.#turns.set(admission, (turns = new Turns(admission)))
    return turns
  }
}

/** The turns of one request. */
export class Turns<T> {
  readonly #admission: Admission
  /** Asked already, and want to see later changes. */
  readonly #asked = new Set<T>()
  /** Of those, the ones after whom something changed. */
  readonly #again = new Set<T>()
  #left: AnyObject | undefined

  constructor(admission: Admission) {
    this.#admission = admission
  }

  begin(): void {
    if (this.#second && !same(this.#left, this.#admission.object)) this.#somethingChanged()
  }

  /** Whether it is to be asked in this turn. */
  isOf(item: T): boolean {
    return !this.#second || this.#again.has(item)
  }

  /** It has changed the object: everybody gets a second turn. */
  changed(): void {
    this.#somethingChanged()
    this.#admission.again = true
  }

  /** It was asked, and wants to see later changes. */
  wantsMore(item: T): void {
    this.#asked.add(item)
  }

  end(): void {
    const { object } = this.#admission
    this.#left = object && structuredClone(object)
  }

  get #second(): boolean {
    return this.#admission.turn === 1
  }

  #somethingChanged(): void {
    for (const item of this.#asked) this.#again.add(item)
    this.#asked.clear()
  }
}
