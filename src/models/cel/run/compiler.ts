import type { Checked } from '../check/checker.ts'
import { Failure, fail } from '../errors.ts'
import { accumulator, type Comprehension, type Expr, type Literal, optTarget } from '../syntax/ast.ts'
import type { CelType, ObjectType } from '../types.ts'
import { fromJson } from '../values/json.ts'
import { List, Uint, type Value } from '../values/value.ts'
import { hasField, index, select } from './access.ts'
import { type Compiled, called, constant, either, folded, present } from './call.ts'
import { attempt, type Frame, type Run } from './frame.ts'
import { list, map, struct } from './literals.ts'
import { loop, type Parts, type Soft } from './loop.ts'
import { countedValue, type Local, localValue, Scope } from './scope.ts'

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

class Compiler {
  readonly #checked: Checked
  readonly #scope = new Scope()

  readonly #parts: Parts

  constructor(checked: Checked) {
    this.#checked = checked
    this.#parts = { scope: this.#scope, run: expr => this.run(expr), soft: expr => this.#soft(expr) }
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
        return list(
          expr.items.map(item => this.run(item)),
          expr.optional,
        )
      case 'map':
        return map(
          expr.entries.map(({ key, value, optional }) => ({ key: this.run(key), value: this.run(value), optional })),
        )
      case 'struct':
        return struct(
          this.#checked.types.get(expr) as ObjectType,
          expr.fields.map(field => ({ ...field, run: this.run(field.value) })),
        )
      case 'comprehension':
        return expr.accuVar === accumulator ? loop(expr, this.#parts) : this.#bind(expr)
    }
  }

  #name(expr: Expr, free: boolean): Compiled {
    const named = this.#checked.names.get(expr)!
    if (named.kind === 'constant') return constant(named.value)
    const cost = free ? 0 : 1
    if (named.kind === 'local') {
      const local = this.#scope.local(named.name)
      return named.name === optTarget ? countedValue(local) : localValue(local, cost)
    }
    const { name, type } = named
    const slot = this.#scope.globalSlot(name)
    return frame => {
      frame.charge(cost)
      return (frame.slots[slot] ??= bound(frame, name, type)) as Value
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
      const { slot } = this.#scope.local(accumulator)
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

  /** `cel.bind` and what is like it: a name for a value that is computed when first looked at. */
  #bind(expr: Comprehension): Run {
    const local: Local = { slot: this.#scope.newSlot(), init: this.run(expr.accuInit) }
    this.#scope.newSlot()
    const body = this.#scope.with([[expr.accuVar, local]], () => this.run(expr.result))
    return frame => {
      frame.slots[local.slot] = undefined
      return body(frame)
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
