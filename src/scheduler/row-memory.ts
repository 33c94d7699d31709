import type { ClusterState } from './cluster-state.ts'

interface Known<T> {
  /** What else the answers depend on. */
  basis: readonly unknown[]
  epoch: number
  sequence: number
  /** By row. */
  answers: (T | undefined)[]
}

const mostKeys = 16

/** What was found out about each node, by what it was asked for, until something changes on that node. */
export class RowMemory<T> {
  readonly #state: ClusterState
  readonly #known = new Map<number, Known<T>>()

  constructor(state: ClusterState) {
    this.#state = state
  }

  /**
   * By row, what still holds; whoever finds out more puts it in.
   * @param basis all that answers depend on besides the node: they are void once any part is another
   */
  of(key: number, basis: readonly unknown[]): (T | undefined)[] {
    const { epoch, sequence } = this.#state
    let known = this.#known.get(key)
    this.#known.delete(key)
    const changed = known?.epoch === epoch && same(known.basis, basis) && this.#state.changedSince(known.sequence)
    if (!known || !changed) known = { basis, epoch, sequence, answers: [] }
    else for (const row of changed) known.answers[row] = undefined
    known.sequence = sequence
    this.#known.set(key, known)
    if (this.#known.size > mostKeys) this.#known.delete(this.#known.keys().next().value!)
    return known.answers
  }
}

const same = (a: readonly unknown[], b: readonly unknown[]) => a.length === b.length && a.every((x, i) => x === b[i])
