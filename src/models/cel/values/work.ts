import { CelCostExceeded } from '../errors.ts'

/** The most steps inside of single operations, whose costs count only what lies on the surface. */
const most = 5_000_000

let left = most

/** Begins an evaluation. */
export function beginWork(): void {
  left = most
}

/**
 * Counts steps that no cost counts, such as comparing what lies in nested lists.
 * @throws CelCostExceeded
 */
export function work(steps: number): void {
  left -= steps
  if (left < 0) throw new CelCostExceeded()
}
