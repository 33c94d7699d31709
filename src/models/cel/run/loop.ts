import type { Failure } from '../errors.ts'
import { fail } from '../errors.ts'
import { accumulator, type Comprehension, type Expr } from '../syntax/ast.ts'
import { ArrayList, EntryMap, Mapping, type Value } from '../values/value.ts'
import { work } from '../values/work.ts'
import type { Compiled } from './call.ts'
import { insert, iterated } from './collection.ts'
import type { Frame, Run } from './frame.ts'
import { listCost } from './literals.ts'
import type { Local, Scope } from './scope.ts'

/** A value, or a failure as it is: to throw and catch failures would take most of the time in loops. */
export type Soft = (frame: Frame) => Value | Failure

/** What a loop needs of the compiler that it stands in. */
export interface Parts {
  scope: Scope
  run(expr: Expr): Compiled
  soft(expr: Expr): Soft
}

/** The macros that go over a list or map: `all`, `exists`, `map`, `filter` and their kin. */
export function loop(expr: Comprehension, parts: Parts): Run {
  const { scope } = parts
  const range = parts.run(expr.range)
  const init = accumulatorStart(expr.accuInit, parts)
  const [accu, first, second] = [scope.newSlot(), scope.newSlot(), scope.newSlot()]
  const locals: [string, Local][] = [[expr.accuVar, { slot: accu }]]
  const inner: [string, Local][] = [...locals, [expr.iterVar, { slot: first }]]
  if (expr.iterVar2 !== undefined) inner.push([expr.iterVar2, { slot: second }])
  // Loops that only go on while it can matter gather failures; in the others the first one ends it.
  const gathers = expr.condition.kind !== 'literal'
  const { condition, step } = scope.with(inner, () => ({
    condition: parts.run(expr.condition),
    step: gathers ? parts.soft(expr.step) : growing(expr.step, accu, parts),
  }))
  const result = scope.with(locals, () => parts.run(expr.result))
  return frame => {
    const over = range(frame)
    frame.slots[accu] = init(frame)
    for (const [key, value] of iterated(over, expr.iterVar2 !== undefined)) {
      frame.slots[first] = key
      frame.slots[second] = value
      if (condition.constant !== true && condition(frame) === false) break
      work(1)
      frame.slots[accu] = step(frame)
    }
    return result(frame)
  }
}

/** Lists and maps that grow in a loop grow in place: nothing else sees them before it has ended. */
function accumulatorStart(init: Expr, { run }: Parts): Run {
  if (init.kind === 'list' && init.items.length === 0) return () => new ArrayList([])
  if (init.kind === 'map' && init.entries.length === 0) return () => new EntryMap()
  return run(init)
}

function growing(step: Expr, accu: number, parts: Parts): Run {
  if (step.kind !== 'call') return parts.run(step)
  const isAccu = (expr: Expr | undefined) => expr?.kind === 'ident' && expr.name === accumulator
  if (step.name === '_?_:_' && isAccu(step.args[2])) {
    const condition = parts.run(step.args[0]!)
    const yes = growing(step.args[1]!, accu, parts)
    return frame => {
      const chosen = condition(frame)
      if (typeof chosen !== 'boolean') return fail('no such overload')
      return chosen ? yes(frame) : (frame.slots[accu] as Value)
    }
  }
  const [into, item, value] = step.args
  if (step.name === '_+_' && isAccu(into) && item?.kind === 'list') return appended(parts.run(item.items[0]!), accu)
  if (step.name === 'cel.@mapInsert') return inserted(parts.run(item!), value && parts.run(value), accu)
  return parts.run(step)
}

function appended(item: Compiled, accu: number): Run {
  const cost = item.constant === undefined ? 2 + listCost : 2
  return frame => {
    const value = item(frame)
    frame.charge(cost)
    const list = frame.slots[accu] as ArrayList
    ;(list.items as Value[]).push(value)
    return list
  }
}

/** One entry, or without a value all entries of a map. */
function inserted(key: Run, value: Run | undefined, accu: number): Run {
  return frame => {
    const name = key(frame)
    const into = frame.slots[accu] as EntryMap
    frame.charge(2)
    if (value) insert(into, name, value(frame))
    else if (!(name instanceof Mapping)) fail('no such overload')
    else for (const each of name.keys()) insert(into, each, name.find(each)!)
    return into
  }
}
