import type { CelType } from '../types.ts'
import type { Value } from '../values/value.ts'

/** How many characters, bytes or elements something may have. */
export interface Size {
  min: number
  max: number
}

/** What is known of an argument before the expression runs. */
export interface ArgumentEstimate {
  size: Size
  type: CelType
  /** Of the elements, where the argument is a list of a known type. */
  element?: { size: Size; type: CelType }
  literal?: unknown
}

export interface CallEstimate {
  cost: Size
  /** Of the result, where it has one. */
  size?: Size
}

/** One form of a function: what it takes, what it gives, what it costs. */
export interface Overload {
  id: string
  /** The first of `args` stands before the dot. */
  method: boolean
  args: readonly CelType[]
  result: CelType
  run: (...args: any[]) => Value
  /** In Kubernetes' units; 1 unless given. */
  cost?: (args: Value[], result: Value) => number
  /** Must cover every outcome of `cost`; 1 unless given. */
  estimate?: (args: ArgumentEstimate[]) => CallEstimate
}

/** The functions of a library by name. */
export type Library = ReadonlyMap<string, readonly Overload[]>

type More = Pick<Overload, 'cost' | 'estimate'>

/** A plain function: `size("abc")`. */
export const fn = (
  id: string,
  args: readonly CelType[],
  result: CelType,
  run: Overload['run'],
  more: More = {},
): Overload => ({ id, method: false, args, result, run, ...more })

/** A method: `"abc".size()`. */
export const method = (
  id: string,
  args: readonly CelType[],
  result: CelType,
  run: Overload['run'],
  more: More = {},
): Overload => ({ ...fn(id, args, result, run, more), method: true })

export const library = (functions: Record<string, readonly Overload[]>): Library => new Map(Object.entries(functions))

/** All of them as one; functions of the same name are joined. */
export function merged(libraries: readonly Library[]): Library {
  const all = new Map<string, readonly Overload[]>()
  for (const [name, overloads] of libraries.flatMap(one => [...one]))
    all.set(name, [...(all.get(name) ?? []), ...overloads])
  return all
}
