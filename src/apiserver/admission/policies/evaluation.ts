import {
  CelCompileError,
  CelCostExceeded,
  CelMapping,
  type CelProgram,
  CelRuntimeError,
  type CelValue,
  celFailure,
} from '../../../models/cel/index.ts'
import type { Compiled } from '../../../models/kinds/admissionregistration/policy-expressions.ts'
import type { CompiledValidation, Policy, PolicyBasis } from './policy.ts'

/** What is wrong with a request, as one validation sees it. */
export interface Decision {
  /** The place of the validation in its policy. */
  index: number
  message: string
  reason: string
}

export interface Outcome {
  decisions: Decision[]
  annotations: { key: string; value: string }[]
}

/** In Kubernetes' units. */
const perExpression = 1_000_000
const perPolicy = 10_000_000
const perConditions = 2_500_000
const outOfBudget = 'validation failed due to running out of cost budget, no further validation rules will be run'
const maxMessageBytes = 5 * 1024

/** A policy's conditions, validations and annotations about one request. */
export function evaluate(policy: Policy, bindings: Record<string, unknown>): Outcome {
  const nothing: Outcome = { decisions: [], annotations: [] }
  const failed = (message: string): Outcome =>
    policy.failOpen ? nothing : { ...nothing, decisions: [{ index: 0, message, reason: '' }] }
  const conditions = meetsConditions(policy.conditions, bindings)
  if (conditions.error) return failed(conditions.error)
  if (!conditions.met) return nothing
  const run = new Run(policy, bindings)
  const decisions: Decision[] = policy.validations.flatMap((validation, index) => {
    const decision = decide(validation, run)
    if (!decision || (decision.failed && policy.failOpen)) return []
    return [{ index, message: decision.message, reason: decision.reason }]
  })
  const { annotations, errors } = annotate(policy, new Run(policy, bindings))
  if (!policy.failOpen) decisions.push(...errors.map(message => ({ index: 0, message, reason: '' })))
  return { decisions, annotations }
}

/** One false condition decides, whatever happens to the others. */
export function meetsConditions(
  conditions: Compiled[],
  bindings: Record<string, unknown>,
): { met: boolean; error?: string } {
  const budget = new Budget(perConditions)
  const errors: string[] = []
  for (const program of conditions) {
    const result = budget.compute(program, bindings)
    if ('error' in result) errors.push(result.error)
    else if (result.value === false) return { met: false }
  }
  if (!errors.length) return { met: true }
  return { met: false, error: errors.length === 1 ? errors[0]! : `[${errors.join(', ')}]` }
}

export type Result = { value: CelValue } | { error: string }

/** What may still be spent. */
class Budget {
  #left: number
  constructor(units: number) {
    this.#left = units
  }

  spend(cost: number): void {
    this.#left -= cost
  }

  compute(program: Compiled, bindings: Record<string, unknown>): Result {
    if (program instanceof CelCompileError) return { error: `compilation error: ${program.message}` }
    if (this.#left < 0) return { error: outOfBudget }
    try {
      const { value, cost } = program.compute(bindings, { costLimit: Math.min(perExpression, this.#left) })
      this.spend(cost)
      return { value }
    } catch (error) {
      return this.#failed(program, error)
    }
  }

  #failed(program: CelProgram, error: unknown): Result {
    if (error instanceof CelCostExceeded) {
      const spent = this.#left < perExpression
      this.spend(perExpression)
      if (spent) return { error: outOfBudget }
    } else if (!(error instanceof CelRuntimeError)) throw error
    return { error: `expression '${program.source}' resulted in error: ${(error as Error).message}` }
  }
}

/** The variables of a policy: each computed once, when an expression first looks at it. */
class Variables extends CelMapping {
  readonly #run: Run
  readonly #programs: ReadonlyMap<string, Compiled>
  readonly #known = new Map<string, Result>()

  constructor(run: Run, variables: PolicyBasis['variables']) {
    super()
    this.#run = run
    this.#programs = new Map(variables.map(({ name, program }) => [name, program]))
  }
  get size(): number {
    return this.#programs.size
  }
  keys(): Iterable<CelValue> {
    return this.#programs.keys()
  }
  find(key: CelValue): CelValue | undefined {
    const program = typeof key === 'string' ? this.#programs.get(key) : undefined
    if (!program) return undefined
    const name = key as string
    let result = this.#known.get(name)
    if (!result) this.#known.set(name, (result = this.#compute(name, program)))
    return 'error' in result ? celFailure(result.error) : result.value
  }

  #compute(name: string, program: Compiled): Result {
    const named = `composited variable ${JSON.stringify(name)} fails to`
    if (program instanceof CelCompileError) return { error: `${named} compile: ${program.message}` }
    try {
      const { value, cost } = program.compute(this.#run.bindings, { costLimit: perExpression })
      this.#run.budget.spend(cost)
      return { value }
    } catch (error) {
      if (error instanceof CelCostExceeded) this.#run.budget.spend(perExpression)
      else if (!(error instanceof CelRuntimeError)) throw error
      return { error: `${named} evaluate: ${error.message}` }
    }
  }
}

/** Expressions that share variables and a budget. */
export class Run {
  readonly budget = new Budget(perPolicy)
  readonly bindings: Record<string, unknown>

  constructor(policy: PolicyBasis, bindings: Record<string, unknown>) {
    this.bindings = { ...bindings, variables: new Variables(this, policy.variables) }
  }
  compute(program: Compiled): Result {
    return this.budget.compute(program, this.bindings)
  }
}

function decide(
  { program, message, source }: CompiledValidation,
  run: Run,
): { message: string; reason: string; failed: boolean } | undefined {
  const result = run.compute(program)
  if ('error' in result) return { message: result.error, reason: '', failed: true }
  if (result.value === true) return undefined
  const said = message && run.compute(message)
  const text = said && 'value' in said ? usableMessage(said.value) : ''
  return {
    message: text || source.message?.trim() || `failed expression: ${source.expression.trim()}`,
    reason: source.reason ?? 'Invalid',
    failed: false,
  }
}

/** A message that is no text, too long, or of several lines is as good as none. */
function usableMessage(value: CelValue): string {
  const text = typeof value === 'string' ? value.trim() : ''
  return Buffer.byteLength(text) > maxMessageBytes || text.includes('\n') ? '' : text
}

function annotate(policy: Policy, run: Run): { annotations: Outcome['annotations']; errors: string[] } {
  const annotations: Outcome['annotations'] = []
  const errors: string[] = []
  for (const { key, program } of policy.annotations) {
    const result = run.compute(program)
    if ('error' in result) errors.push(result.error)
    else if (typeof result.value === 'string' && result.value.trim())
      annotations.push({ key, value: result.value.trim() })
    else if (typeof result.value !== 'string' && result.value !== null)
      errors.push(
        `valueExpression '${(program as CelProgram).source}' resulted in unsupported return type: it must be string or null`,
      )
  }
  return { annotations, errors }
}
