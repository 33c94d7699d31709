import type { CelType } from '../cel/index.ts'
import { type FieldError, forbidden, GoText, goQuote, invalid } from '../field-error.ts'
import type { JSONSchemaProps, ValidationRule } from '../types/apiextensions-v1.ts'
import { type CompiledRule, freshProblems, hasRules, rulesOf } from './rules.ts'
import { nodeOf, type SchemaNode } from './schema-node.ts'

/** The most that one rule, and all rules of a schema, may be estimated to cost. */
const mostOfOne = 10_000_000
const mostOfAll = 100_000_000
const maxRequestBytes = 3 * 1024 * 1024

/** Where in a schema a walk is. */
interface Place {
  at: string
  root: boolean
  /** How often such a value can be in one object; undefined: as often as there is room. */
  cardinality: number | undefined
  /** The part of the schema above whose old and new elements cannot be told apart. */
  uncorrelatable: string | undefined
}

/**
 * Rules that do not compile, may cost too much, or look at a past that cannot be known.
 * @param stored texts of rules that are stored already
 */
export function checkRuleDefinitions(
  schema: JSONSchemaProps,
  at: string,
  stored: ReadonlySet<string> = new Set(),
): FieldError[] {
  const node = nodeOf(schema)
  if (!hasRules(node)) return []
  const walk = new DefinitionWalk(stored)
  walk.visit(node, { at, root: true, cardinality: 1, uncorrelatable: undefined })
  return [...walk.errors, ...walk.total(at)]
}

class DefinitionWalk {
  readonly errors: FieldError[] = []
  readonly #costs: { at: string; cost: number }[] = []
  readonly #stored: ReadonlySet<string>

  constructor(stored: ReadonlySet<string>) {
    this.#stored = stored
  }

  visit(node: SchemaNode, place: Place): void {
    if (!hasRules(node)) return
    const { type, rules } = rulesOf(node, place.root || node.embedded)
    const size = type && 'minJsonBytes' in type ? (type.minJsonBytes ?? 0) : 0
    const times = place.cardinality ?? Math.floor(maxRequestBytes / (size + 1))
    rules.forEach((rule, i) => {
      this.#check(this.#asWritten(rule, type!), `${place.at}.x-kubernetes-validations[${i}]`, times, place)
    })
    const { items, additional } = node
    const inside = (at: string, more: Partial<Place> = {}): Place => ({ ...place, at, root: false, ...more })
    for (const [name, property] of node.properties) this.visit(property, inside(`${place.at}.properties[${name}]`))
    if (items)
      this.visit(
        items,
        inside(`${place.at}.items`, {
          cardinality: product(place.cardinality, node.schema.maxItems),
          ...(node.listType === 'map' ? {} : { uncorrelatable: place.uncorrelatable ?? place.at }),
        }),
      )
    if (additional)
      this.visit(
        additional,
        inside(`${place.at}.additionalProperties`, {
          cardinality: product(place.cardinality, node.schema.maxProperties),
        }),
      )
  }

  /** A rule that is not stored yet may use less. */
  #asWritten(compiled: CompiledRule, type: CelType): CompiledRule {
    const { rule, problem, messageProblem } = compiled
    const fresh = freshProblems(compiled, type)
    const why = problem ?? (this.#stored.has(rule.rule) ? undefined : fresh.rule)
    const whyMessage = messageProblem ?? (this.#stored.has(rule.messageExpression ?? '') ? undefined : fresh.message)
    return {
      ...compiled,
      ...(why === undefined ? {} : { problem: why, program: undefined }),
      ...(whyMessage === undefined ? {} : { messageProblem: whyMessage, message: undefined }),
    }
  }

  #check(compiled: CompiledRule, at: string, times: number, { uncorrelatable }: Place): void {
    const { rule, program, problem, message, messageProblem, usesOldSelf } = compiled
    if (problem !== undefined) this.errors.push(invalid(`${at}.rule`, ruleText(rule), problem))
    if (messageProblem !== undefined)
      this.errors.push(invalid(`${at}.messageExpression`, ruleText(rule), messageProblem))
    if (program) this.#weigh(`${at}.rule`, 'estimated rule cost', program.estimateCost().max * times)
    if (message) this.#weigh(`${at}.messageExpression`, 'estimated messageExpression cost', message.estimateCost().max)
    if (usesOldSelf && uncorrelatable !== undefined)
      this.errors.push(
        invalid(
          `${at}.rule`,
          rule.rule,
          `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`,
        ),
      )
    else if (!usesOldSelf && rule.optionalOldSelf !== undefined)
      this.errors.push(
        invalid(`${at}.optionalOldSelf`, rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule'),
      )
  }

  #weigh(at: string, what: string, cost: number): void {
    if (cost > mostOfOne) this.errors.push(forbidden(at, costText(what, cost, mostOfOne)))
    this.#costs.push({ at, cost })
  }

  /** Rules that are each cheap enough may together be too dear. */
  total(at: string): FieldError[] {
    const sum = this.#costs.reduce((all, { cost }) => all + cost, 0)
    if (sum <= mostOfAll) return []
    const dear = this.#costs
      .filter(({ cost }) => cost >= mostOfAll / 100)
      .sort((a, b) => b.cost - a.cost)
      .slice(0, 4)
    const contributed = 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema'
    const whole = 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema'
    return [...dear.map(d => forbidden(d.at, contributed)), forbidden(at, costText(whole, sum, mostOfAll))]
  }
}

/** A rule in Go's notation. What is behind a pointer there is told as set or unset. */
function ruleText({ rule, message = '', messageExpression = '', reason, fieldPath = '', ...rest }: ValidationRule) {
  const pointer = (to: string, value: unknown) => `(*${to})(${value === undefined ? 'nil' : '0xc000000000'})`
  const texts = { Rule: rule, Message: message, MessageExpression: messageExpression }
  const fields = [
    ...Object.entries(texts).map(([name, text]) => `${name}:${goQuote(text)}`),
    `Reason:${pointer('apiextensions.FieldValueErrorReason', reason)}`,
    `FieldPath:${goQuote(fieldPath)}`,
    `OptionalOldSelf:${pointer('bool', rest.optionalOldSelf)}`,
  ]
  return new GoText(`apiextensions.ValidationRule{${fields.join(', ')}}`)
}

const product = (times: number | undefined, more: number | undefined): number | undefined =>
  times === undefined || more === undefined ? undefined : times * Math.max(more, 0)

function costText(what: string, cost: number, limit: number): string {
  const factor = cost / limit
  const text = factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`
  return `${what} exceeds budget by factor of ${text} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`
}
