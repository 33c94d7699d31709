import type { Checked } from '../check/checker.ts'
import { Failure, fail } from '../errors.ts'
import { accumulator, type Comprehension, type Expr, type Literal, optTarget } from '../syntax/ast.ts'
import type { CelType, ObjectType } from '../types.ts'
import { fromJson } from '../values/json.ts'
import { ArrayList, EntryMap, List, Mapping, Optional, Uint, type Value } from '../values/value.ts'
import { work } from '../values/work.ts'
import { hasField, index, select } from './access.ts'
import { type Compiled, called, constant, either, folded, present } from './call.ts'
import { insert, iterated, optionalValue } from './collection.ts'
import { attempt, Frame, type Run } from './frame.ts'
import { StructValue } from './struct-value.ts'

const listCost = 10
const mapCost = 30
const structCost = 40

const conversions = new Set([
  'bool',
  'bytes',
  'double',
  'duration',
  'dyn',
  'int',
  'string',
  'timestamp',
  'type',
  'uint',
])

/** A checked tree as one function. Costs are counted as Kubernetes' engine counts them, node by node. */
export function compile(root: Expr, checked: Checked): Run {
  return new Compiler(checked).run(root)
}

type Soft = (frame: Frame) => Value | Failure

interface Local {
  slot: number
  /** Computed when first looked at. */
  init?: Run
}

class Compiler {
  readonly #checked: Checked
  readonly #globals = new Map<string, number>()
  readonly #locals = new Map<string, Local[]>()
  #slots = 0

  constructor(checked: Checked) {
    this.#checked = checked
  }

  /** @param free true where the name at the bottom of a row of fields costs nothing: indices and branches of `?:` */
  run(expr: Expr, free = false): Compiled {
    switch (expr.kind) {
      case 'literal':
        return constant(literalValue(expr.value))
      case 'ident':
        return this.#name(expr, free)
      case 'select':
        return this.#checked.names.has(expr) ? this.#name(expr, free) : this.#select(expr, free)
      case 'call':
        return this.#call(expr, free)
      case 'list':
        return this.#list(expr)
      case 'map':
        return this.#map(expr)
      case 'struct':
        return this.#struct(expr)
      case 'comprehension':
        return this.#comprehension(expr)
    }
  }

  #name(expr: Expr, free: boolean): Compiled {
    const named = this.#checked.names.get(expr)!
    if (named.kind === 'constant') return constant(named.value)
    const cost = free ? 0 : 1
    if (named.kind === 'local') {
      const local = this.#locals.get(named.name)!.at(-1)!
      return named.name === optTarget ? this.#counted(local) : this.#local(local, cost)
    }
    const { name, type } = named
    const slot = this.#globalSlot(name)
    return frame => {
      frame.charge(cost)
      return (frame.slots[slot] ??= bound(frame, name, type)) as Value
    }
  }

  #globalSlot(name: string): number {
    if (!this.#globals.has(name)) this.#globals.set(name, this.#slots++)
    return this.#globals.get(name)!
  }

  #local({ slot, init }: Local, cost: number): Run {
    return frame => {
      frame.charge(cost)
      let value = frame.slots[slot]
      if (value === undefined && init) value = frame.slots[slot] = attempt(init, frame)
      if (value instanceof Failure) throw value
      return value!
    }
  }

  /** A value that is computed once, but costs each time what it has cost. */
  #counted({ slot, init }: Local): Run {
    const costSlot = slot + 1
    return frame => {
      if (frame.slots[slot] === undefined) {
        const before = frame.cost
        frame.slots[slot] = attempt(init!, frame)
        frame.slots[costSlot] = BigInt(frame.cost - before)
      } else frame.charge(Number(frame.slots[costSlot]))
      const value = frame.slots[slot]
      if (value instanceof Failure) throw value
      return value!
    }
  }

  /** What stands before a dot or bracket: a row of fields costs one for its name and one a field. */
  #operand(expr: Expr, free: boolean): { run: Run; cost: number } {
    if (this.#isAttribute(expr)) return { run: this.run(expr, free), cost: 1 }
    return { run: this.run(expr), cost: free ? 1 : 2 }
  }

  #isAttribute(expr: Expr): boolean {
    const named = this.#checked.names.get(expr)
    if (named) return named.kind !== 'constant'
    if (expr.kind === 'select') return !expr.test
    return expr.kind === 'call' && ['_[_]', '_[?_]', '_?_:_'].includes(expr.name)
  }

  #select(expr: Expr & { kind: 'select' }, free: boolean): Run {
    const { field, optional } = expr
    if (expr.test) {
      const operand = this.#isAttribute(expr.operand) ? this.run(expr.operand) : this.#charged(this.run(expr.operand))
      return frame => hasField(operand(frame), field)
    }
    const { run, cost } = this.#operand(expr.operand, free)
    return frame => {
      const target = run(frame)
      frame.charge(cost)
      return present(frame, select(target, field, optional), optional)
    }
  }

  #charged(run: Run): Run {
    return frame => {
      frame.charge(1)
      return run(frame)
    }
  }

  #call(expr: Expr & { kind: 'call' }, free: boolean): Compiled {
    const { name, args, overloads } = this.#checked.calls.get(expr)!
    switch (name) {
      case '_&&_':
      case '_||_':
        return this.#logical(expr)
      case '_?_:_':
        return this.#conditional(args)
      case '@not_strictly_false':
        return this.#notFalse(args[0]!)
      case '_[_]':
      case '_[?_]':
        return this.#index(args, name === '_[?_]', free)
    }
    const runs = args.map(arg => this.run(arg))
    if (expr.target && (name === 'or' || name === 'orValue')) return either(runs, name === 'or')
    if (conversions.has(name) && runs[0]!.constant !== undefined)
      return folded(overloads, [runs[0]!.constant]) ?? called(overloads, runs)
    // As in Kubernetes' engine: to look into a literal is a look into a table, which costs nothing.
    if (name === '@in' && runs[1]!.constant instanceof List) return called([{ ...overloads[0]!, cost: () => 0 }], runs)
    return called(overloads, runs)
  }

  #logical(expr: Expr): Run {
    const run = this.#soft(expr)
    return frame => {
      const value = run(frame)
      if (value instanceof Failure) throw value
      return value
    }
  }

  /** Failures as they are, for what may swallow them: to throw and catch them would take most of the time in loops. */
  #soft(expr: Expr): Soft {
    if (expr.kind === 'ident' && expr.name === accumulator) {
      const { slot } = this.#locals.get(accumulator)!.at(-1)!
      return frame => {
        frame.charge(1)
        return frame.slots[slot]!
      }
    }
    if (expr.kind === 'call' && (expr.name === '_&&_' || expr.name === '_||_'))
      return logical(expr.name === '_||_', this.#soft(expr.args[0]!), this.#soft(expr.args[1]!))
    const run = this.run(expr)
    return frame => attempt(run, frame)
  }

  #conditional(args: Expr[]): Run {
    const condition = this.run(args[0]!)
    const [yes, no] = args.slice(1).map(arg => this.run(arg, true)) as [Run, Run]
    return frame => {
      const chosen = condition(frame)
      if (typeof chosen !== 'boolean') return fail('no such overload')
      return chosen ? yes(frame) : no(frame)
    }
  }

  /** Asked in each turn of a loop of what it has gathered, or of its opposite. */
  #notFalse(arg: Expr): Run {
    const negated = arg.kind === 'call' && arg.name === '!_'
    const run = this.#soft(negated ? arg.args[0]! : arg)
    return frame => {
      frame.charge(negated ? 2 : 1)
      return run(frame) !== negated
    }
  }

  #index(args: Expr[], optional: boolean, free: boolean): Run {
    const { run, cost } = this.#operand(args[0]!, free)
    const key = this.run(args[1]!, true)
    return frame => {
      const target = run(frame)
      const at = key(frame)
      frame.charge(cost)
      return present(frame, index(target, at, optional), optional)
    }
  }

  #list(expr: Expr & { kind: 'list' }): Compiled {
    const runs = expr.items.map(item => this.run(item))
    if (expr.optional.size === 0 && runs.every(run => run.constant !== undefined))
      return constant(new ArrayList(runs.map(run => run.constant!)))
    return frame => {
      const items: Value[] = []
      for (const [i, run] of runs.entries()) {
        const item = run(frame)
        if (!expr.optional.has(i)) items.push(item)
        else if (!(item instanceof Optional)) fail('no such overload')
        else if (item.value !== undefined) items.push(item.value)
      }
      frame.charge(listCost)
      return new ArrayList(items)
    }
  }

  #map(expr: Expr & { kind: 'map' }): Compiled {
    const runs = expr.entries.map(({ key, value, optional }) => ({
      key: this.run(key),
      value: this.run(value),
      optional,
    }))
    const build = (frame: Frame): Value => {
      const map = new EntryMap()
      for (const { key, value, optional } of runs) {
        const name = key(frame)
        const item = optionalValue(value(frame), optional)
        if (item !== undefined) insert(map, name, item)
      }
      return map
    }
    if (runs.every(run => run.key.constant !== undefined && run.value.constant !== undefined && !run.optional)) {
      const made = attempt(build, new Frame({}, 0))
      if (!(made instanceof Failure)) return constant(made)
    }
    return frame => {
      const map = build(frame)
      frame.charge(mapCost)
      return map
    }
  }

  #struct(expr: Expr & { kind: 'struct' }): Run {
    const type = this.#checked.types.get(expr)
    const fields = expr.fields.map(field => ({ ...field, run: this.run(field.value) }))
    return frame => {
      const made = new StructValue(type as ObjectType)
      for (const { name, optional, run } of fields) {
        const item = optionalValue(run(frame), optional)
        if (item !== undefined) made.set(name, item)
      }
      frame.charge(structCost)
      return made
    }
  }

  #comprehension(expr: Expr & Comprehension): Run {
    return expr.accuVar === accumulator ? this.#loop(expr) : this.#bind(expr)
  }

  #bind(expr: Comprehension): Run {
    const local: Local = { slot: this.#slots++, init: this.run(expr.accuInit) }
    this.#slots++
    const body = this.#with([[expr.accuVar, local]], () => this.run(expr.result))
    return frame => {
      frame.slots[local.slot] = undefined
      return body(frame)
    }
  }

  #with<T>(locals: [string, Local][], compile: () => T): T {
    for (const [name, local] of locals) this.#locals.set(name, [...(this.#locals.get(name) ?? []), local])
    const compiled = compile()
    for (const [name] of locals) this.#locals.get(name)!.pop()
    return compiled
  }

  #loop(expr: Comprehension): Run {
    const range = this.run(expr.range)
    const init = this.#accumulatorStart(expr.accuInit)
    const [accu, first, second] = [this.#slots++, this.#slots++, this.#slots++]
    const locals: [string, Local][] = [[expr.accuVar, { slot: accu }]]
    const inner: [string, Local][] = [...locals, [expr.iterVar, { slot: first }]]
    if (expr.iterVar2 !== undefined) inner.push([expr.iterVar2, { slot: second }])
    // Loops that only go on while it can matter gather failures; in the others the first one ends it.
    const gathers = expr.condition.kind !== 'literal'
    const { condition, step } = this.#with(inner, () => ({
      condition: this.run(expr.condition),
      step: gathers ? this.#soft(expr.step) : (this.#step(expr.step, accu) as Soft),
    }))
    const result = this.#with(locals, () => this.run(expr.result))
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
  #accumulatorStart(init: Expr): Run {
    if (init.kind === 'list' && init.items.length === 0) return () => new ArrayList([])
    if (init.kind === 'map' && init.entries.length === 0) return () => new EntryMap()
    return this.run(init)
  }

  #step(step: Expr, accu: number): Run {
    if (step.kind !== 'call') return this.run(step)
    const isAccu = (expr: Expr | undefined) => expr?.kind === 'ident' && expr.name === accumulator
    if (step.name === '_?_:_' && isAccu(step.args[2])) {
      const condition = this.run(step.args[0]!)
      const yes = this.#step(step.args[1]!, accu)
      return frame => {
        const chosen = condition(frame)
        if (typeof chosen !== 'boolean') return fail('no such overload')
        return chosen ? yes(frame) : (frame.slots[accu] as Value)
      }
    }
    const [into, item, value] = step.args
    if (step.name === '_+_' && isAccu(into) && item?.kind === 'list') return this.#append(item.items[0]!, accu)
    if (step.name === 'cel.@mapInsert') return this.#insert(item!, value, accu)
    return this.run(step)
  }

  #append(item: Expr, accu: number): Run {
    const run = this.run(item)
    const cost = run.constant === undefined ? 2 + listCost : 2
    return frame => {
      const value = run(frame)
      frame.charge(cost)
      const list = frame.slots[accu] as ArrayList
      ;(list.items as Value[]).push(value)
      return list
    }
  }

  #insert(first: Expr, second: Expr | undefined, accu: number): Run {
    const key = this.run(first)
    const value = second && this.run(second)
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
}

function bound(frame: Frame, name: string, type: CelType): Value {
  if (!Object.hasOwn(frame.bindings, name) && type.kind !== 'optional') fail(`no such attribute(s): ${name}`)
  return fromJson(frame.bindings[name], type)
}

function literalValue(value: Literal): Value {
  if (value === null || value instanceof Uint8Array || typeof value !== 'object') return value
  return new Uint(value.uint)
}

/** `&&` and `||`: the side that decides wins, even where the other one fails. */
function logical(decides: boolean, left: Soft, right: Soft): Soft {
  return frame => {
    const a = left(frame)
    if (a === decides) return decides
    const b = right(frame)
    if (b === decides) return decides
    if (a instanceof Failure) return a
    if (b instanceof Failure) return b
    return typeof a === 'boolean' && typeof b === 'boolean' ? !decides : new Failure('no such overload')
  }
}
