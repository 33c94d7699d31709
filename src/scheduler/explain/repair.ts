import type { Pod } from '../../models/types/core-v1.ts'
import type { PodChange } from './explanation.ts'

/** A pod as it would have to be for one node, in words, and how much of a change that is. */
export interface Repair {
  pod: Pod
  words: string[]
  requests: NonNullable<PodChange['requests']>
  /** Shrinking by a half costs 0.5; giving up a rule costs 1 or more. */
  cost: number
}
