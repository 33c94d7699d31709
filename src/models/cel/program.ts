import { check } from './check/checker.ts'
import { globalsOf } from './check/environment.ts'
import { badSearch, checkLiterals } from './check/literals.ts'
import { Scope } from './check/scope.ts'
import { fits } from './check/unify.ts'
import { CelCompileError, CelRuntimeError, Failure } from './errors.ts'
import type { Library } from './library/function.ts'
import { kubernetesLibrary } from './library/kubernetes.ts'
import { compile } from './run/compiler.ts'
import { estimate } from './run/estimate.ts'
import { Frame } from './run/frame.ts'
import type { Expr } from './syntax/ast.ts'
import type { Fresh } from './syntax/macros.ts'
import { parse } from './syntax/parser.ts'
import { compileError, Fault } from './syntax/source.ts'
import { type CelType, typeText } from './types.ts'
import { toJson } from './values/json.ts'
import type { Value } from './values/value.ts'
import { working } from './values/work.ts'

/** What an expression may name, and what it must be. */
export interface CelEnvironment {
  variables: Readonly<Record<string, CelType>>
  /** The types that the expression may have; any unless given. `dyn` always passes, and shows when it runs. */
  result?: CelType | readonly CelType[]
  /** Types that expressions may build: `Object{…}`. */
  types?: ReadonlyMap<string, CelType>
  /** The functions; those that Kubernetes has unless given. */
  functions?: Library
  /** Where names are looked for first, as `a.b`. */
  container?: string
  /** True if the elements of a literal may be of different types, which Kubernetes refuses. */
  mixedLiterals?: boolean
  /** True for an expression that is written now: it may not use what Kubernetes 1.32 only reads where it is stored. */
  fresh?: Fresh
}

/** Least and most that an evaluation costs, in Kubernetes' units; `max` may be Infinity. */
export interface CelCost {
  min: number
  max: number
}

/** A compiled expression: immutable, may be run any number of times. */
export interface CelProgram {
  readonly source: string
  readonly resultType: CelType
  /** True if the expression looks at the variable. */
  uses(variable: string): boolean
  /** By the sizes in the types of the variables. */
  estimateCost(): CelCost
  /**
   * @param bindings plain JSON (`bigint` and `CelLazy` allowed) by variable, read as the variable's type says. A variable
   *   of an optional type may be missing or undefined: it is `optional.none()` then.
   * @param options.costLimit the most it may cost, in Kubernetes' units
   * @returns the value as plain JSON, timestamps and durations as text, integers beyond 2^53 as bigint; and what it cost
   * @throws CelRuntimeError
   * @throws CelCostExceeded
   */
  evaluate(
    bindings: Readonly<Record<string, unknown>>,
    options: { costLimit: number },
  ): { value: unknown; cost: number }
  /** The same, with the value as expressions hand it on to each other. */
  compute(bindings: Readonly<Record<string, unknown>>, options: { costLimit: number }): { value: Value; cost: number }
}

/** @throws CelCompileError with Kubernetes' message, and where in the text each fault is */
export function compileCel(source: string, environment: CelEnvironment): CelProgram {
  const functions = environment.functions ?? kubernetesLibrary
  const root = parsed(source, environment.fresh ?? false)
  const scope = new Scope(globalsOf(environment, functions), functions, environment.container)
  const checked = check(root, scope, { mixedLiterals: environment.mixedLiterals ?? false })
  const faults = checked.faults.length ? checked.faults : checkLiterals(checked.calls)
  if (faults.length) throw compileError(source, faults)
  const search = badSearch(checked.calls)
  if (search !== undefined) throw new CelCompileError(`program instantiation failed: ${search}`)
  const resultType = checked.types.get(root)!
  checkResult(resultType, environment.result)
  const run = compile(root, checked)
  const variables = new Set([...checked.names.values()].flatMap(named => (named.kind === 'variable' ? named.name : [])))
  const compute: CelProgram['compute'] = (bindings, { costLimit }) => {
    const frame = new Frame(bindings, costLimit)
    return { value: guarded(() => working(() => run(frame))), cost: frame.cost }
  }
  return {
    source,
    resultType,
    uses: variable => variables.has(variable),
    estimateCost: () => estimate(root, checked),
    compute,
    evaluate(bindings, options) {
      const { value, cost } = compute(bindings, options)
      return { value: toJson(value), cost }
    },
  }
}

function parsed(source: string, fresh: Fresh): Expr {
  try {
    return parse(source, fresh)
  } catch (error) {
    if (error instanceof Fault) throw compileError(source, [error])
    throw error
  }
}

function checkResult(type: CelType, wanted: CelEnvironment['result']): void {
  if (!wanted) return
  const any: readonly CelType[] = Array.isArray(wanted) ? wanted : [wanted as CelType]
  if (any.some(one => type.kind === 'dyn' || (fits(new Map(), type, one) && type.kind === one.kind))) return
  const names = any.map(typeText)
  const one = `${names[0]} but got ${typeText(type)}`
  throw new CelCompileError(`must evaluate to ${names.length > 1 ? `one of [${names.join(' ')}]` : one}`)
}

function guarded<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (error instanceof Failure) throw new CelRuntimeError(error.message)
    // Texts beyond what the language can hold.
    if (error instanceof RangeError) throw new CelRuntimeError('value too large', { cause: error })
    throw error
  }
}
