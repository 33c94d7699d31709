import type { Both } from './servers.ts'
import type { Side } from './side.ts'
import type { Told } from './told.ts'

/** One thing that is asked of both servers alike. */
export interface Case {
  /** What it is about, for those who read of a difference: `pods: create, spec.containers null`. */
  what: string
  ask(side: Side): Promise<Told>
}

export interface Program {
  name: string
  about: string
  /** What it needs and this machine has not, if so. */
  missing?(): string | undefined
  /** How many are under way at once. Default 8. */
  width?: number
  /** Makes what the cases want to find, then the cases. */
  cases(both: Both, options: Options): AsyncIterable<Case>
}

export interface Options {
  /** Cases whose `what` has this text in it. */
  only?: string
  /** Of every N cases of the large programs one is asked; 1 asks all. */
  every: number
  /** Which of those: 0 the first, up to `every` - 1. Other numbers ask others. */
  offset: number
}
