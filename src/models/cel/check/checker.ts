import type { Overload } from '../library/function.ts'
import type { Comprehension, Expr, Literal } from '../syntax/ast.ts'
import { qualifiedName } from '../syntax/parser.ts'
import { Fault } from '../syntax/source.ts'
import { type CelType, cel, typeText } from '../types.ts'
import type { Named, Scope } from './scope.ts'
import { allFit, type Bindings, fits, isDyn, mostGeneral, sameType, signatureText, substitute } from './unify.ts'

/** What the checker found out of each node. */
export interface Checked {
  types: Map<Expr, CelType>
  /** Names, and dotted rows that are one name. */
  names: Map<Expr, Named>
  /** Calls: the forms that may be meant, and the target if it is none but a part of the name. */
  calls: Map<Expr, { name: string; overloads: Overload[]; args: Expr[] }>
  faults: Fault[]
}

type Select = Extract<Expr, { kind: 'select' }>
type Call = Extract<Expr, { kind: 'call' }>

/** Finds the type of every node, and what each name and call means. */
export function check(expr: Expr, scope: Scope, options: { mixedLiterals: boolean }): Checked {
  const checker = new Checker(scope, options.mixedLiterals)
  checker.visit(expr)
  return checker.finish()
}

class Checker {
  readonly #scope: Scope
  #mixedLiterals: boolean
  readonly #bindings: Bindings = new Map()
  readonly #types = new Map<Expr, CelType>()
  readonly #names = new Map<Expr, Named>()
  readonly #calls: Checked['calls'] = new Map()
  readonly #faults: Fault[] = []
  #variables = 0

  constructor(scope: Scope, mixedLiterals: boolean) {
    this.#scope = scope
    this.#mixedLiterals = mixedLiterals
  }

  finish(): Checked {
    for (const [expr, type] of this.#types) this.#types.set(expr, substitute(this.#bindings, type, false))
    return { types: this.#types, names: this.#names, calls: this.#calls, faults: this.#faults }
  }

  visit(expr: Expr): CelType {
    const type = this.#typeOf(expr)
    this.#types.set(expr, type)
    return type
  }

  #fault(at: number, message: string): CelType {
    this.#faults.push(new Fault(at, message))
    return { kind: 'error' }
  }

  #undeclared(at: number, name: string): CelType {
    return this.#fault(at, `undeclared reference to '${name}' (in container '${this.#scope.container}')`)
  }

  #newVariable(): CelType {
    return cel.param(`_var${this.#variables++}`)
  }

  #now(type: CelType): CelType {
    return substitute(this.#bindings, type)
  }

  #fits(given: CelType, wanted: CelType): boolean {
    return allFit(this.#bindings, [given], [wanted])
  }

  #typeOf(expr: Expr): CelType {
    switch (expr.kind) {
      case 'literal':
        return literalType(expr.value)
      case 'ident':
        return this.#name(expr, expr.name) ?? this.#undeclared(expr.at, expr.name)
      case 'select':
        return this.#select(expr)
      case 'call':
        return this.#call(expr)
      case 'list':
        return this.#list(expr)
      case 'map':
        return this.#map(expr)
      case 'struct':
        return this.#struct(expr)
      case 'comprehension':
        return this.#loop(expr)
    }
  }

  #name(expr: Expr, name: string): CelType | undefined {
    const named = this.#scope.find(name)
    if (!named) return undefined
    this.#names.set(expr, named)
    return named.type
  }

  #select(expr: Expr & Select): CelType {
    const name = expr.test || expr.optional ? undefined : qualifiedName(expr)
    if (name !== undefined && !this.#scope.isLocal(name.slice(0, name.indexOf('.')))) {
      const known = this.#name(expr, name)
      if (known) return known
    }
    const operand = this.#now(this.visit(expr.operand))
    const optional = operand.kind === 'optional'
    const field = this.#field(expr, optional ? operand.of : operand)
    if (expr.test) return cel.bool
    const result = this.#now(field)
    return optional || expr.optional ? cel.optional(result) : result
  }

  #field({ at, field }: Expr & Select, target: CelType): CelType {
    if (target.kind === 'map') return target.of
    if (target.kind === 'object') {
      const known = target.field(field)
      return known ? known.type : this.#fault(at, `undefined field '${field}'`)
    }
    if (target.kind === 'param') this.#fits(cel.dyn, target)
    else if (!isDyn(target)) this.#fault(at, `type '${typeText(target)}' does not support field selection`)
    return cel.dyn
  }

  #call(expr: Expr & Call): CelType {
    const args = this.#arguments(expr)
    if (!expr.target) return this.#function(expr, this.#scope.findFunction(expr.name), expr.name, expr.args, args)
    const prefix = qualifiedName(expr.target)
    const qualified = prefix === undefined ? undefined : this.#scope.findFunction(`${prefix}.${expr.name}`)
    if (qualified !== undefined) return this.#function(expr, qualified, qualified, expr.args, args)
    const target = this.visit(expr.target)
    return this.#function(
      expr,
      this.#scope.findFunction(expr.name),
      expr.name,
      [expr.target, ...expr.args],
      [target, ...args],
      true,
    )
  }

  /** What is put into a text may be of different types. */
  #arguments({ name, args }: Call): CelType[] {
    const mixed = this.#mixedLiterals
    this.#mixedLiterals ||= name === 'format'
    const types = args.map(arg => this.visit(arg))
    this.#mixedLiterals = mixed
    return types
  }

  #function(
    expr: Expr,
    found: string | undefined,
    name: string,
    args: Expr[],
    types: CelType[],
    method = false,
  ): CelType {
    if (found === undefined) return this.#undeclared(expr.at, name)
    if (found === '_&&_' || found === '_||_') this.#mustBeBool(args, types)
    const overloads: Overload[] = []
    let result: CelType | undefined
    for (const overload of this.#scope.functions.get(found)!) {
      if (overload.method !== method || overload.args.length !== types.length) continue
      const fresh = this.#instantiate(overload)
      if (!allFit(this.#bindings, types, fresh.args)) continue
      overloads.push(overload)
      const type = this.#now(fresh.result)
      if (!result) result = type
      else if (result.kind !== 'dyn' && !sameType(result, type)) result = cel.dyn
    }
    if (!result) {
      const given = types.map(type => substitute(this.#bindings, type, false))
      return this.#fault(
        expr.at,
        `found no matching overload for '${name}' applied to '${signatureText(given, method)}'`,
      )
    }
    this.#calls.set(expr, { name: found, overloads, args })
    return result
  }

  #mustBeBool(args: Expr[], types: CelType[]): void {
    for (const [i, type] of types.entries())
      if (!this.#fits(type, cel.bool))
        this.#fault(args[i]!.at, `expected type 'bool' but found '${typeText(this.#now(type))}'`)
  }

  #instantiate({ args, result }: Overload): { args: CelType[]; result: CelType } {
    const fresh: Bindings = new Map()
    const rename = (type: CelType): CelType => {
      if (type.kind === 'param') {
        if (!fresh.has(type.name)) fresh.set(type.name, this.#newVariable())
        return fresh.get(type.name)!
      }
      if (type.kind === 'map') return { ...type, key: rename(type.key), of: rename(type.of) }
      if (type.kind === 'list' || type.kind === 'optional' || type.kind === 'type')
        return { ...type, of: rename(type.of) }
      return type
    }
    return { args: args.map(rename), result: rename(result) }
  }

  /** The type that all elements of a literal have. */
  #join(expr: Expr, before: CelType | undefined, type: CelType): CelType {
    if (!before) return type
    if (this.#fits(before, type)) return mostGeneral(before, type)
    if (this.#mixedLiterals) return cel.dyn
    return this.#fault(
      expr.at,
      `expected type '${typeText(this.#now(before))}' but found '${typeText(this.#now(type))}'`,
    )
  }

  /** The type inside an element that is left out when it is `optional.none()`. */
  #unwrapped(expr: Expr, type: CelType): CelType {
    const now = this.#now(type)
    if (now.kind === 'optional') return now.of
    if (!isDyn(now)) this.#fault(expr.at, `expected type '${typeText(cel.optional(now))}' but found '${typeText(now)}'`)
    return now
  }

  #list(expr: Expr & { kind: 'list' }): CelType {
    let of: CelType | undefined
    for (const [i, item] of expr.items.entries()) {
      const type = this.visit(item)
      of = this.#join(item, of, expr.optional.has(i) ? this.#unwrapped(item, type) : type)
    }
    return cel.list(of ?? this.#newVariable())
  }

  #map(expr: Expr & { kind: 'map' }): CelType {
    let key: CelType | undefined
    let of: CelType | undefined
    for (const entry of expr.entries) {
      key = this.#join(entry.key, key, this.visit(entry.key))
      const value = this.visit(entry.value)
      of = this.#join(entry.value, of, entry.optional ? this.#unwrapped(entry.value, value) : value)
    }
    return cel.map(key ?? this.#newVariable(), of ?? this.#newVariable())
  }

  #struct(expr: Expr & { kind: 'struct' }): CelType {
    const named = this.#scope.find(expr.name)
    if (named?.type.kind !== 'type') {
      for (const field of expr.fields) this.visit(field.value)
      if (named) return this.#fault(expr.at, `'${typeText(named.type)}' is not a type`)
      return this.#undeclared(expr.at, expr.name)
    }
    this.#names.set(expr, named)
    const type = named.type.of
    if (type.kind !== 'object') this.#fault(expr.at, `'${typeText(type)}' is not a message type`)
    for (const field of expr.fields) {
      const given = this.visit(field.value)
      const value = field.optional ? this.#unwrapped(field.value, given) : given
      if (type.kind !== 'object') continue
      const known = type.fields.get(field.name)
      if (!known) this.#fault(field.at, `undefined field '${field.name}'`)
      else if (!this.#fits(value, known.type))
        this.#fault(
          field.at,
          `expected type of field '${field.name}' is '${typeText(known.type)}' but provided type is '${typeText(this.#now(value))}'`,
        )
    }
    return type.kind === 'object' ? type : { kind: 'error' }
  }

  #loop(expr: Expr & Comprehension): CelType {
    const range = this.#now(this.visit(expr.range))
    const accu = this.visit(expr.accuInit)
    const [first, second] = this.#looped(expr, range)
    this.#scope.enter([[expr.accuVar, accu]])
    const locals: [string, CelType][] = [[expr.iterVar, first]]
    if (expr.iterVar2 !== undefined) locals.push([expr.iterVar2, second])
    this.#scope.enter(locals)
    this.#must(expr.condition, cel.bool)
    this.#must(expr.step, accu)
    this.#scope.leave()
    const result = this.visit(expr.result)
    this.#scope.leave()
    return this.#now(result)
  }

  #must(expr: Expr, wanted: CelType): void {
    const type = this.visit(expr)
    if (!this.#fits(wanted, type))
      this.#fault(expr.at, `expected type '${typeText(this.#now(wanted))}' but found '${typeText(this.#now(type))}'`)
  }

  /** The types of a loop's variables: elements or keys, or with two of them index and element, key and value. */
  #looped(expr: Comprehension, range: CelType): [CelType, CelType] {
    const two = expr.iterVar2 !== undefined
    if (range.kind === 'list') return two ? [cel.int, range.of] : [range.of, range.of]
    if (range.kind === 'map') return [range.key, range.of]
    if (range.kind === 'param') fits(this.#bindings, cel.dyn, range)
    else if (!isDyn(range)) {
      const error = this.#fault(
        expr.range.at,
        `expression of type '${typeText(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
      )
      return [error, error]
    }
    return [cel.dyn, cel.dyn]
  }
}

function literalType(value: Literal): CelType {
  if (value === null) return cel.null
  if (value instanceof Uint8Array) return cel.bytes
  switch (typeof value) {
    case 'boolean':
      return cel.bool
    case 'bigint':
      return cel.int
    case 'number':
      return cel.double
    case 'string':
      return cel.string
    default:
      return cel.uint
  }
}
