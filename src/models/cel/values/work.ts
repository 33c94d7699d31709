import { CelCostExceeded } from '../errors.ts'

/** The most steps inside of single operations, whose costs count only what lies on the surface. */
const most = 5_000_000

let left = most
let depth = 0

/** Runs an evaluation; one inside of another shares its limit. */
export function working<T>(run: () => T): T {
  if (depth === 0) left = most
  depth++
  try {
    return run()
  } finally {
    depth--
  }
}

/**
 * Counts steps that no cost counts, such as comparing what lies in nested lists.
 * @throws CelCostExceeded
 */
export function work(steps: number): void {
  left -= steps
  if (left < 0) throw new CelCostExceeded()
}
