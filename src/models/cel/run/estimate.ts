import type { Checked } from '../check/checker.ts'
import { exactly, plus, product, union, unknown } from '../library/costs.ts'
import type { ArgumentEstimate, CallEstimate, Overload, Size } from '../library/function.ts'
import { accumulator, type Comprehension, type Expr, optTarget } from '../syntax/ast.ts'
import { type CelType, cel } from '../types.ts'
import { textLength } from '../values/value.ts'

/** What is known of a node before it runs. The declared type is the one of a variable or of a part of it, with its sizes. */
interface Known {
  cost: Size
  size?: Size
  declared?: CelType
  /** Of the elements or values of what was built by the expression itself. */
  element?: Size
  key?: Size
}

type Locals = ReadonlyMap<string, Known>

/** Least and most that an evaluation costs, by the sizes in the types of variables. */
export function estimate(root: Expr, checked: Checked): Size {
  return new Estimator(checked).of(root, new Map()).cost
}

class Estimator {
  readonly #checked: Checked
  /** What Kubernetes takes the elements of computed lists for, in rules of custom resources: its estimates decide which are taken. */
  readonly #root: CelType | undefined

  constructor(checked: Checked) {
    this.#checked = checked
    for (const named of checked.names.values())
      if (named.kind === 'variable' && named.name === 'self') this.#root = named.type
  }

  of(expr: Expr, locals: Locals): Known {
    const known = this.#of(expr, locals)
    const size = known.size ?? this.#sizeOf(expr, known.declared)
    return size ? { ...known, size } : known
  }

  #of(expr: Expr, locals: Locals): Known {
    const named = this.#checked.names.get(expr)
    if (named && expr.kind !== 'struct') {
      if (named.kind === 'constant') return { cost: exactly(1), size: exactly(0) }
      if (named.kind === 'variable') return { cost: exactly(1), declared: named.type }
      const local = locals.get(named.name)!
      return named.name === optTarget ? local : { ...local, cost: exactly(1) }
    }
    switch (expr.kind) {
      case 'select':
        return this.#select(expr, locals)
      case 'call':
        return this.#call(expr, locals)
      case 'list':
        return this.#list(expr.items, locals)
      case 'map':
        return this.#map(expr, locals)
      case 'struct':
        return {
          cost: this.#sum(
            40,
            expr.fields.map(field => field.value),
            locals,
          ),
        }
      case 'comprehension':
        return this.#comprehension(expr, locals)
      default:
        return { cost: exactly(0) }
    }
  }

  #sum(base: number, parts: Expr[], locals: Locals): Size {
    return parts.reduce((sum, part) => plus(sum, this.of(part, locals).cost), exactly(base))
  }

  /** From the text itself, from the declared type, or from a type that has one size only. */
  #sizeOf(expr: Expr, declared: CelType | undefined): Size | undefined {
    if (expr.kind === 'literal') {
      if (typeof expr.value === 'string') return exactly(textLength(expr.value))
      return exactly(expr.value instanceof Uint8Array ? expr.value.length : 1)
    }
    if (expr.kind === 'list') return exactly(expr.items.length)
    if (expr.kind === 'map') return exactly(expr.entries.length)
    return declaredSize(declared) ?? scalarSize(this.#checked.types.get(expr))
  }

  #select(expr: Expr & { kind: 'select' }, locals: Locals): Known {
    const operand = this.of(expr.operand, locals)
    if (expr.test) return { cost: operand.cost }
    const type = this.#checked.types.get(expr.operand)!
    const costs = expr.optional || type.kind === 'map' || type.kind === 'object' || type.kind === 'optional'
    const cost = costs ? plus(operand.cost, exactly(1)) : operand.cost
    return { cost, ...ifDeclared(expr.optional ? undefined : fieldType(operand.declared, expr.field)) }
  }

  #list(items: Expr[], locals: Locals): Known {
    const parts = items.map(item => this.of(item, locals))
    const cost = parts.reduce((sum, part) => plus(sum, part.cost), exactly(10))
    const element = parts.length ? parts.map(part => part.size ?? unknown).reduce(union) : exactly(0)
    return { cost, element, key: exactly(1) }
  }

  #map(expr: Expr & { kind: 'map' }, locals: Locals): Known {
    const keys = expr.entries.map(entry => this.of(entry.key, locals))
    const values = expr.entries.map(entry => this.of(entry.value, locals))
    const cost = [...keys, ...values].reduce((sum, part) => plus(sum, part.cost), exactly(30))
    const range = (parts: Known[]) =>
      parts.length ? parts.map(part => part.size ?? unknown).reduce(union) : exactly(0)
    return { cost, key: range(keys), element: range(values) }
  }

  #call(expr: Expr & { kind: 'call' }, locals: Locals): Known {
    const call = this.#checked.calls.get(expr)
    if (!call) return { cost: exactly(0) }
    const args = call.args.map(arg => this.of(arg, locals))
    const sum = args.reduce((total, arg) => plus(total, arg.cost), exactly(0))
    switch (call.name) {
      case '_&&_':
      case '_||_':
        return { cost: { min: args[0]!.cost.min, max: sum.max } }
      case '_?_:_':
        return conditional(args as [Known, Known, Known])
      case 'dyn':
        return { ...args[0]!, cost: plus(sum, exactly(1)) }
      case '_[_]':
      case '_[?_]':
        return indexed(args[0]!, plus(sum, exactly(1)), call.name === '_[?_]')
    }
    const given = call.args.map((arg, i) => this.#argument(arg, args[i]!))
    const estimates = call.overloads.map(overload => estimateOf(overload, given))
    const joined = call.name === '_+_' ? joinedElements(args) : {}
    return { ...joined, ...combined(estimates, sum) }
  }

  #argument(expr: Expr, known: Known): ArgumentEstimate {
    const type = this.#checked.types.get(expr)!
    const argument: ArgumentEstimate = { size: known.size ?? unknown, type }
    if (expr.kind === 'literal') argument.literal = expr.value
    if (type.kind === 'list') {
      const declared = known.declared?.kind === 'list' ? known.declared.of : undefined
      argument.element = {
        type: type.of,
        size: declaredSize(declared) ?? known.element ?? scalarSize(type.of) ?? unknown,
      }
    }
    return argument
  }

  #comprehension(expr: Expr & Comprehension, locals: Locals): Known {
    const range = this.of(expr.range, locals)
    const init = this.of(expr.accuInit, locals)
    if (expr.accuVar !== accumulator) {
      const result = this.of(expr.result, new Map([...locals, [expr.accuVar, init]]))
      if (expr.accuVar === optTarget) return result
      return { ...result, cost: plus(plus(range.cost, init.cost), result.cost) }
    }
    const outer = new Map<string, Known>([...locals, [expr.accuVar, withoutDeclared(init)]])
    const inner = new Map([...outer, ...this.#loopVariables(expr, range)])
    const step = this.of(expr.step, inner)
    const each = plus(this.of(expr.condition, inner).cost, step.cost)
    const count = range.size ?? unknown
    const once = plus(plus(range.cost, init.cost), this.of(expr.result, outer).cost)
    const known: Known = { cost: plus(once, product(count, each)) }
    if (expr.accuInit.kind === 'literal') return { ...known, size: exactly(1) }
    return { ...known, size: count, ...(step.element ? { element: step.element } : {}) }
  }

  #loopVariables(expr: Comprehension, range: Known): [string, Known][] {
    const type = range.declared ?? this.#checked.types.get(expr.range)!
    const value: Known = {
      cost: exactly(1),
      ...ifDeclared(range.declared ? elementType(range.declared) : this.#root),
      ...(range.element && (range.declared || !this.#root) ? { size: range.element } : {}),
    }
    const key: Known = { cost: exactly(1), ...ifDeclared(type.kind === 'map' ? keyType(type.key) : cel.int) }
    if (!range.declared && range.key) key.size = range.key
    if (expr.iterVar2 !== undefined)
      return [
        [expr.iterVar, key],
        [expr.iterVar2, value],
      ]
    return [[expr.iterVar, type.kind === 'map' ? key : value]]
  }
}

const withoutDeclared = ({ declared: _, ...known }: Known): Known => known
const ifDeclared = (declared: CelType | undefined): { declared?: CelType } => (declared ? { declared } : {})
/** Nothing is declared of the length of keys. */
const keyType = (type: CelType): CelType => type

function fieldType(type: CelType | undefined, field: string): CelType | undefined {
  if (type?.kind === 'optional') return fieldType(type.of, field)
  if (type?.kind === 'object') return type.field(field)?.type
  return type?.kind === 'map' ? type.of : undefined
}

function elementType(type: CelType): CelType | undefined {
  if (type.kind === 'optional') return elementType(type.of)
  return type.kind === 'list' || type.kind === 'map' ? type.of : undefined
}

function declaredSize(type: CelType | undefined): Size | undefined {
  if (!type || !('maxElements' in type) || type.maxElements === undefined) return undefined
  return { min: 0, max: type.maxElements }
}

function scalarSize(type: CelType | undefined): Size | undefined {
  if (type?.kind === 'optional') return scalarSize(type.of)
  return ['bool', 'int', 'uint', 'double', 'timestamp', 'duration'].includes(type?.kind ?? '') ? exactly(1) : undefined
}

function conditional([condition, yes, no]: [Known, Known, Known]): Known {
  const known: Known = {
    cost: plus(condition.cost, union(yes.cost, no.cost)),
    size: union(yes.size ?? unknown, no.size ?? unknown),
  }
  return { ...known, ...unionOfElements(yes, no) }
}

function unionOfElements(a: Known, b: Known): Pick<Known, 'element' | 'key'> {
  if (!a.element || !b.element || !a.key || !b.key) return {}
  return { element: union(a.element, b.element), key: union(a.key, b.key) }
}

const joinedElements = (args: Known[]): Pick<Known, 'element' | 'key'> => unionOfElements(args[0]!, args[1]!)

/** What may be missing has no declared size, as Kubernetes estimates. */
function indexed(target: Known, cost: Size, optional: boolean): Known {
  const declared = !optional && target.declared ? elementType(target.declared) : undefined
  return { cost, ...ifDeclared(declared), ...(!declared && target.element ? { size: target.element } : {}) }
}

function estimateOf(overload: Overload, args: ArgumentEstimate[]): CallEstimate {
  return overload.estimate?.(args) ?? { cost: exactly(1) }
}

/** Where several forms may be meant, all of them are covered. */
function combined(estimates: CallEstimate[], args: Size): Known {
  const cost = plus(args, estimates.map(estimate => estimate.cost).reduce(union))
  const sizes = estimates.flatMap(estimate => estimate.size ?? [])
  return sizes.length ? { cost, size: sizes.reduce(union) } : { cost }
}
