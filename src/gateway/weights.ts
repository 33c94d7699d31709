import type { WeightedBackend } from './routing-table.ts'

/** What is shared out. */
interface Sharing {
  backends: readonly WeightedBackend[]
}

/**
 * Shares requests out by weight, evenly over time rather than by chance: after as many requests as the weights sum up to,
 * each backend has had just its part.
 */
export class Weights {
  /** How far each backend of an action is behind its due. */
  readonly #due = new WeakMap<Sharing, number[]>()

  next(action: Sharing): WeightedBackend | undefined {
    const { backends } = action
    if (backends.length < 2) return backends[0]
    let due = this.#due.get(action)
    if (!due) this.#due.set(action, (due = backends.map(() => 0)))
    let best = 0
    let total = 0
    for (let i = 0; i < backends.length; i++) {
      total += backends[i]!.weight
      due[i]! += backends[i]!.weight
      if (due[i]! > due[best]!) best = i
    }
    due[best]! -= total
    return backends[best]
  }
}
