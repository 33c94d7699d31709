import { Failure, fail } from '../errors.ts'
import type { Overload } from '../library/function.ts'
import { Optional, type Value } from '../values/value.ts'
import { choose } from './dispatch.ts'
import { attempt, Frame, type Run } from './frame.ts'

/** What becomes of a constant: it is computed once, and costs nothing. */
export type Compiled = Run & { constant?: Value }

export const constant = (value: Value): Compiled => Object.assign((() => value) as Run, { constant: value })

export function folded(overloads: readonly Overload[], args: Value[]): Compiled | undefined {
  const made = attempt(() => choose(overloads, args)?.run(...args) ?? fail('no such overload'), new Frame({}, 0))
  return made instanceof Failure ? undefined : constant(made)
}

export function called(overloads: readonly Overload[], runs: readonly Run[]): Run {
  return frame => {
    const args = valuesOf(runs, frame)
    const overload = choose(overloads, args) ?? fail('no such overload')
    const { cost } = overload
    // What can be known before is charged before: so nothing runs that is too dear.
    if (!cost || cost.length < 2) frame.charge(cost ? cost(args, null) : 1)
    const result = overload.run(...args)
    if (cost && cost.length >= 2) frame.charge(cost(args, result))
    return result
  }
}

/** As in Kubernetes' engine, a call of one or two arguments costs something even where one of them fails. */
function valuesOf(runs: readonly Run[], frame: Frame): Value[] {
  const args: Value[] = []
  try {
    for (const run of runs) args.push(run(frame))
  } catch (error) {
    if (error instanceof Failure && runs.length <= 2) {
      for (const run of runs.slice(args.length + 1)) attempt(run, frame)
      frame.charge(1)
    }
    throw error
  }
  return args
}

/** `a.or(b)` and `a.orValue(b)`: the other one is looked at only where the first is missing, and choosing costs nothing. */
export function either([first, other]: readonly Run[], whole: boolean): Run {
  return frame => {
    const optional = first!(frame)
    if (!(optional instanceof Optional)) return fail('no such overload')
    if (optional.value === undefined) return other!(frame)
    return whole ? optional : optional.value
  }
}

/** What may be missing, and is, costs nothing to look at. */
export function present(frame: Frame, value: Value, optional: boolean): Value {
  if (optional && value instanceof Optional && value.value === undefined) frame.charge(-1)
  return value
}
