import { sizeOf, type Value } from '../values/value.ts'
import type { ArgumentEstimate, CallEstimate, Overload, Size } from './function.ts'

/** What reading one character costs. */
export const perCharacter = 0.1
/** What one character of a regular expression adds to reading one character. */
export const perPattern = 0.25

export const times = (size: Size, factor: number): Size => ({
  min: Math.ceil(size.min * factor),
  max: Math.ceil(size.max * factor),
})
export const plus = (a: Size, b: Size): Size => ({ min: a.min + b.min, max: a.max + b.max })
/** Nothing times anything is nothing, even without bound. */
export const product = (a: Size, b: Size): Size => ({ min: multiply(a.min, b.min), max: multiply(a.max, b.max) })
const multiply = (a: number, b: number) => (a === 0 || b === 0 ? 0 : a * b)
export const union = (a: Size, b: Size): Size => ({ min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) })
export const exactly = (size: number): Size => ({ min: size, max: size })
export const unknown: Size = { min: 0, max: Number.POSITIVE_INFINITY }

type Costs = Required<Pick<Overload, 'cost' | 'estimate'>>
type Result = (args: ArgumentEstimate[]) => Size | undefined

const withSize = (cost: Size, size: Size | undefined): CallEstimate => (size ? { cost, size } : { cost })

/** A function that reads one of its arguments through. @param factor cost of a character or element */
export function reads(argument: number, factor: number = perCharacter, result?: Result): Costs {
  return {
    cost: (args: Value[]) => Math.ceil(sizeOf(args[argument]!) * factor),
    estimate: args => withSize(times(args[argument]!.size, factor), result?.(args)),
  }
}

/** A function whose cost does not depend on anything. */
export const costs = (cost: number): Costs => ({ cost: () => cost, estimate: () => ({ cost: exactly(cost) }) })

/** A search for a regular expression. @param text and @param pattern which arguments they are */
export function searches(text: number, pattern: number, result?: Result): Costs {
  return {
    cost: (args: Value[]) =>
      Math.ceil((1 + sizeOf(args[text]!)) * perCharacter) * Math.ceil(sizeOf(args[pattern]!) * perPattern),
    estimate: args =>
      withSize(
        product(times(plus(args[text]!.size, exactly(1)), perCharacter), times(args[pattern]!.size, perPattern)),
        result?.(args),
      ),
  }
}
