import { CelCostExceeded, CelRuntimeError } from '../cel/index.ts'
import { duplicate, type FieldError, forbidden, invalid, required } from '../field-error.ts'
import { equal } from '../patch/index.ts'
import type { ValidationRule } from '../types/apiextensions-v1.ts'
import { absent, elementBefore, fieldBefore } from './correlation.ts'
import { type CompiledRule, hasRules, rulesOf } from './rules.ts'
import { isRecord, type SchemaNode } from './schema-node.ts'

/** The most that the rules of one object may cost altogether, and one call, in CEL's units. */
const budget = 10_000_000
const perCall = 1_000_000
const longestMessageBytes = 5 * 1024

/** Where a walk is, and what stood there before. */
interface Place {
  path: string
  root: boolean
  before: unknown
  /** Whether the nearest part above that can be compared is as it was. */
  unchangedAbove: () => boolean
}

class OutOfBudget extends Error {}

/**
 * What the rules of a schema refuse. Rules about the change from `previous` are only asked where both states can be
 * compared; a rule that refuses what is as it was does not refuse it again.
 * @param tolerated is given what was not refused for that
 */
export function checkRules(
  value: unknown,
  node: SchemaNode,
  previous?: unknown,
  path = '',
  root = true,
  tolerated?: FieldError[],
): FieldError[] {
  if (!hasRules(node)) return []
  const walk = new RuleWalk(tolerated)
  try {
    walk.visit(value, node, { path, root, before: previous ?? absent, unchangedAbove: () => false })
  } catch (error) {
    if (!(error instanceof OutOfBudget)) throw error
  }
  return walk.errors
}

class RuleWalk {
  readonly errors: FieldError[] = []
  readonly #tolerated: FieldError[]
  #left = budget

  constructor(tolerated: FieldError[] = []) {
    this.#tolerated = tolerated
  }

  visit(value: unknown, node: SchemaNode, place: Place): void {
    if (value === null || value === undefined || !hasRules(node)) return
    const { rules } = rulesOf(node, place.root || node.embedded)
    for (const rule of rules) this.#ask(rule, value, node, place)
    if (Array.isArray(value)) this.#visitItems(value, node, place)
    else if (isRecord(value)) this.#visitFields(value, node, place)
  }

  #visitItems(list: unknown[], node: SchemaNode, place: Place): void {
    const { items } = node
    if (!items || !hasRules(items)) return
    list.forEach((item, i) => {
      const before = place.before === absent ? absent : elementBefore(item, node, place.before)
      this.visit(item, items, below(place, `${place.path}[${i}]`, before, list))
    })
  }

  #visitFields(object: Record<string, unknown>, node: SchemaNode, place: Place): void {
    for (const name of Object.keys(object)) {
      const own = node.properties.get(name)
      const field = own ?? node.additional
      if (!field || !hasRules(field)) continue
      const path = own ? (place.path === '' ? name : `${place.path}.${name}`) : `${place.path}[${name}]`
      const before = place.before === absent ? absent : fieldBefore(name, place.before)
      this.visit(object[name], field, below(place, path, before, object))
    }
  }

  #ask(compiled: CompiledRule, value: unknown, node: SchemaNode, place: Place): void {
    const { rule, program, problem, usesOldSelf } = compiled
    const type = node.schema.type ?? ''
    const refuse = (text: string) => this.errors.push(invalid(place.path || nowhere, type, text))
    if (this.#left <= 0) {
      refuse(spent)
      throw new OutOfBudget()
    }
    if (!program) {
      refuse(`rule compile error: ${problem}`)
      return
    }
    const before = place.before === absent ? undefined : (place.before ?? undefined)
    if (usesOldSelf && before === undefined && !rule.optionalOldSelf) return
    const bindings = { self: value, oldSelf: before }
    const answer = this.#run(
      () => program.evaluate(bindings, { costLimit: Math.min(perCall, this.#left) }),
      rule,
      refuse,
    )
    if (answer === undefined || answer === true) return
    const unchanged = () => (place.before === absent ? place.unchangedAbove() : equal(value, place.before))
    const found = !usesOldSelf && unchanged() ? this.#tolerated : this.errors
    found.push(this.#refusal(compiled, bindings, value, type, place))
  }

  /** @returns undefined when it failed, which is said already */
  #run(
    evaluate: () => { value: unknown; cost: number },
    rule: ValidationRule,
    refuse: (text: string) => void,
  ): unknown {
    const told = rule.message?.trim() || rule.rule.trim()
    try {
      const { value, cost } = evaluate()
      this.#left -= cost
      return value
    } catch (error) {
      if (error instanceof CelCostExceeded) {
        refuse(
          this.#left < perCall
            ? spent
            : `'${error.message}': no further validation rules will be run due to call cost exceeds limit for rule: ${told}`,
        )
        throw new OutOfBudget()
      }
      if (!(error instanceof CelRuntimeError)) throw error
      refuse(
        error.message.startsWith('no such overload')
          ? `'${error.message}': call arguments did not match a supported operator, function or macro signature for rule: ${told}`
          : `${error.message} evaluating rule: ${told}`,
      )
      return undefined
    }
  }

  #refusal(
    { rule, message, fieldPath }: CompiledRule,
    bindings: Record<string, unknown>,
    value: unknown,
    type: string,
    { path }: Place,
  ): FieldError {
    const at = fieldPath ? (path === '' ? fieldPath.slice(1) : `${path}${fieldPath}`) : path || nowhere
    const computed =
      message && this.#message(() => message.evaluate(bindings, { costLimit: Math.min(perCall, this.#left) }))
    const detail = computed ?? (rule.message?.trim() || `failed rule: ${rule.rule.trim()}`)
    switch (rule.reason) {
      case 'FieldValueForbidden':
        return forbidden(at, detail)
      case 'FieldValueRequired':
        return required(at, detail)
      case 'FieldValueDuplicate':
        return duplicate(at, value)
      default:
        return invalid(at, type, detail)
    }
  }

  /** What a message expression says; undefined if it says nothing usable: then the plain message does. */
  #message(evaluate: () => { value: unknown; cost: number }): string | undefined {
    try {
      const { value, cost } = evaluate()
      this.#left -= cost
      const text = typeof value === 'string' ? value.trim() : ''
      const bytes = new TextEncoder().encode(text).length
      return text === '' || text.includes('\n') || bytes > longestMessageBytes ? undefined : text
    } catch (error) {
      if (error instanceof CelRuntimeError || error instanceof CelCostExceeded) return undefined
      throw error
    }
  }
}

/** As upstream names the object as a whole. */
const nowhere = '<nil>'
const spent = 'validation failed due to running out of cost budget, no further validation rules will be run'

function below(place: Place, path: string, before: unknown, value: unknown): Place {
  const unchangedAbove = () => (place.before === absent ? place.unchangedAbove() : equal(value, place.before))
  return { path, root: false, before, unchangedAbove }
}
