import type { Checked } from '../check/checker.ts'
import { Failure, fail } from '../errors.ts'
import type { Overload } from '../library/function.ts'
import { accumulator, type Comprehension, type Expr, type Literal } from '../syntax/ast.ts'
import type { CelType, ObjectType } from '../types.ts'
import { fromJson } from '../values/json.ts'
import { ArrayList, EntryMap, List, Mapping, Optional, Uint, type Value } from '../values/value.ts'
import { work } from '../values/work.ts'
import { hasField, index, select } from './access.ts'
import { choose } from './dispatch.ts'
import { attempt, Frame, type Run } from './frame.ts'

const listCost = 10
const mapCost = 30
const structCost = 40

/** What becomes of a constant: it is computed once, and costs nothing. */
type Compiled = Run & { constant?: Value }

const constant = (value: Value): Compiled => Object.assign((() => value) as Run, { constant: value })

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
    if (named.kind === 'local') return this.#local(this.#locals.get(named.name)!.at(-1)!, cost)
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
      return select(target, field, optional)
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
        return this.#logical(args, false)
      case '_||_':
        return this.#logical(args, true)
      case '_?_:_':
        return this.#conditional(args)
      case '@not_strictly_false':
        return this.#notFalse(args[0]!)
      case '_[_]':
      case '_[?_]':
        return this.#index(args, name === '_[?_]', free)
    }
    const runs = args.map(arg => this.run(arg))
    if (conversions.has(name) && runs[0]!.constant !== undefined)
      return folded(overloads, [runs[0]!.constant]) ?? called(overloads, runs)
    // As in Kubernetes' engine: to look into a literal is a look into a table, which costs nothing.
    if (name === '@in' && runs[1]!.constant instanceof List) return called([{ ...overloads[0]!, cost: () => 0 }], runs)
    return called(overloads, runs)
  }

  /** `&&` and `||`: the side that decides wins, even where the other one fails. */
  #logical(args: Expr[], decides: boolean): Run {
    const [left, right] = args.map(arg => this.run(arg)) as [Run, Run]
    return frame => {
      const a = attempt(left, frame)
      if (a === decides) return decides
      const b = attempt(right, frame)
      if (b === decides) return decides
      if (a instanceof Failure) throw a
      if (b instanceof Failure) throw b
      return typeof a === 'boolean' && typeof b === 'boolean' ? !decides : fail('no such overload')
    }
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

  #notFalse(arg: Expr): Run {
    const run = this.run(arg)
    return frame => {
      frame.charge(1)
      return attempt(run, frame) !== false
    }
  }

  #index(args: Expr[], optional: boolean, free: boolean): Run {
    const { run, cost } = this.#operand(args[0]!, free)
    const key = this.run(args[1]!, true)
    return frame => {
      const target = run(frame)
      const at = key(frame)
      frame.charge(cost)
      return index(target, at, optional)
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
    const { condition, step } = this.#with(inner, () => ({
      condition: this.run(expr.condition),
      step: this.#step(expr.step, accu),
    }))
    const result = this.#with(locals, () => this.run(expr.result))
    // Loops that only go on while it can matter gather failures; in the others the first one ends it.
    const gathers = condition.constant === undefined
    return frame => {
      const over = range(frame)
      frame.slots[accu] = init(frame)
      for (const [key, value] of iterated(over, expr.iterVar2 !== undefined)) {
        frame.slots[first] = key
        frame.slots[second] = value
        if (condition.constant !== true && condition(frame) === false) break
        work(1)
        frame.slots[accu] = gathers ? attempt(step, frame) : step(frame)
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

function optionalValue(value: Value, optional: boolean): Value | undefined {
  if (!optional) return value
  return value instanceof Optional ? value.value : fail('no such overload')
}

function insert(map: EntryMap, key: Value, value: Value): void {
  if (map.find(key) !== undefined)
    fail(`insert failed: key '${String(key instanceof Uint ? key.value : key)}' already exists`)
  if (!map.insert(key, value)) fail('unsupported key type')
}

function literalValue(value: Literal): Value {
  if (value === null || value instanceof Uint8Array || typeof value !== 'object') return value
  return new Uint(value.uint)
}

function* iterated(over: Value, two: boolean): Iterable<[Value, Value]> {
  if (over instanceof List) {
    for (let i = 0; i < over.size; i++) {
      const item = over.at(i)
      yield two ? [BigInt(i), item] : [item, item]
    }
  } else if (over instanceof Mapping) {
    for (const key of over.keys()) yield [key, two ? over.find(key)! : key]
  } else fail('no such overload')
}

function folded(overloads: readonly Overload[], args: Value[]): Compiled | undefined {
  const made = attempt(() => choose(overloads, args)?.run(...args) ?? fail('no such overload'), new Frame({}, 0))
  return made instanceof Failure ? undefined : constant(made)
}

function called(overloads: readonly Overload[], runs: readonly Run[]): Run {
  return frame => {
    const args: Value[] = []
    for (const run of runs) args.push(run(frame))
    const overload = choose(overloads, args) ?? fail('no such overload')
    const { cost } = overload
    // What can be known before is charged before: so nothing runs that is too dear.
    if (!cost || cost.length < 2) frame.charge(cost ? cost(args, null) : 1)
    const result = overload.run(...args)
    if (cost && cost.length >= 2) frame.charge(cost(args, result))
    return result
  }
}

/** An object that an expression built. */
export class StructValue extends Mapping {
  readonly #type: ObjectType
  readonly #fields = new Map<string, Value>()
  constructor(type: ObjectType) {
    super()
    this.#type = type
  }
  override get objectType(): ObjectType {
    return this.#type
  }
  get size(): number {
    return this.#fields.size
  }
  set(name: string, value: Value): void {
    this.#fields.set(name, value)
  }
  find(key: Value): Value | undefined {
    return typeof key === 'string' ? this.#fields.get(key) : undefined
  }
  keys(): Iterable<Value> {
    return this.#fields.keys()
  }
}
