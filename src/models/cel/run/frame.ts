import { CelCostExceeded, Failure } from '../errors.ts'
import type { Value } from '../values/value.ts'

/** One evaluation: what its variables are, and what it has cost. */
export class Frame {
  readonly bindings: Readonly<Record<string, unknown>>
  /** Variables by number; a failure is what a loop has gathered when a step of it failed. */
  readonly slots: (Value | Failure | undefined)[] = []
  readonly limit: number
  cost = 0

  constructor(bindings: Readonly<Record<string, unknown>>, limit: number) {
    this.bindings = bindings
    this.limit = limit
  }

  /** @throws CelCostExceeded */
  charge(cost: number): void {
    this.cost += cost
    if (this.cost > this.limit) throw new CelCostExceeded()
  }
}

export type Run = (frame: Frame) => Value

/** The value, or the failure of what failed; anything worse is thrown. */
export function attempt(run: Run, frame: Frame): Value | Failure {
  try {
    return run(frame)
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
}
