import { OptiFlowError } from './errors.ts'
import { isLabelValue, isQualifiedName } from './names.ts'

export type Labels = Readonly<Record<string, string>>

export type Operator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt'

/** One condition on the labels of an object. */
export interface Requirement {
  key: string
  operator: Operator
  /** Sorted. Empty for `exists` and `!`. */
  values: string[]
}

/** A parsed selector: all requirements must hold. */
export interface Selector {
  /** Sorted by key. Empty with `nothing: false`: everything matches. */
  readonly requirements: readonly Requirement[]
  readonly nothing: boolean
  matches(labels: Labels | undefined): boolean
  /** As a query: `app=web,tier in (a,b),!old`. */
  toString(): string
}

/** The shape of meta/v1.LabelSelector. */
export interface LabelSelectorLike {
  matchLabels?: Record<string, string>
  matchExpressions?: { key: string; operator: string; values?: string[] }[]
}

/** A selector that cannot be understood; the message is Kubernetes' own. */
export class InvalidSelector extends OptiFlowError {
  constructor(message: string) {
    super(message, { hint: 'Write conditions such as app=web,tier in (a,b),!old.' })
  }
}

/** Matches whatever the labels. */
export const everything: Selector = selectorOf([])
/** Matches no labels: what an absent LabelSelector means. */
export const nothing: Selector = { requirements: [], nothing: true, matches: () => false, toString: () => '' }

/**
 * A query string as in `?labelSelector=`: `k`, `!k`, `k=v`, `k==v`, `k!=v`, `k in (a,b)`, `k notin (a)`, `k>1`, `k<1`, joined
 * by commas. '' matches everything.
 * @throws InvalidSelector
 */
export function parseSelector(text: string): Selector {
  if (text.trim() === '') return everything
  return selectorOf(new Parser(scan(text)).requirements())
}

/**
 * A LabelSelector object as a selector: undefined matches nothing, an empty one everything.
 * @throws InvalidSelector
 */
export function selectorFrom(selector: LabelSelectorLike | undefined | null): Selector {
  if (!selector) return nothing
  const known = fromObjects.get(selector)
  if (known) return known
  const requirements = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => requirement(key, '=', [value]))
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const short = Object.hasOwn(objectOperators, operator) ? objectOperators[operator] : undefined
    if (!short) throw new InvalidSelector(`${JSON.stringify(operator)} is not a valid label selector operator`)
    requirements.push(requirement(key, short, values ?? []))
  }
  return selectorOf(requirements)
}

/** The selector for exactly these labels (spec.selector of a Service); undefined and {} match everything. */
export function selectorFromLabels(labels: Labels | undefined): Selector {
  return selectorOf(Object.entries(labels ?? {}).map(([key, value]) => ({ key, operator: '=', values: [value] })))
}

/** True if `labels` satisfy the LabelSelector object; undefined matches nothing. @throws InvalidSelector */
export function matchesSelector(selector: LabelSelectorLike | undefined | null, labels: Labels | undefined): boolean {
  return selectorFrom(selector).matches(labels)
}

/** Remembers the parsed form of a LabelSelector that will not change any more (from an informer's cache). @throws InvalidSelector */
export function rememberSelector(selector: LabelSelectorLike): Selector {
  const parsed = selectorFrom(selector)
  fromObjects.set(selector, parsed)
  return parsed
}

const fromObjects = new WeakMap<LabelSelectorLike, Selector>()
const objectOperators: Record<string, Operator> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' }

/**
 * A checked requirement.
 * @throws InvalidSelector if the key, a value or the number of values is wrong
 */
export function requirement(key: string, operator: Operator, values: readonly string[]): Requirement {
  const wrong: string[] = []
  const badKey = isQualifiedName(key)
  if (badKey.length > 0) wrong.push(`key: Invalid value: ${JSON.stringify(key)}: ${badKey.join('; ')}`)
  const count = countRule(operator, values)
  if (count) wrong.push(`values: Invalid value: ${JSON.stringify(values)}: ${count}`)
  values.forEach((value, i) => {
    if ((operator === 'gt' || operator === 'lt') && integer(value) === undefined)
      wrong.push(
        `values[${i}]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`,
      )
    const bad = isLabelValue(value)
    if (bad.length > 0) wrong.push(`values[${i}][${key}]: Invalid value: ${JSON.stringify(value)}: ${bad.join('; ')}`)
  })
  if (wrong.length > 0) throw new InvalidSelector(wrong.length === 1 ? wrong[0]! : `[${wrong.join(', ')}]`)
  return { key, operator, values: [...new Set(values)].sort() }
}

function countRule(operator: Operator, values: readonly string[]): string | undefined {
  const count = values.length
  switch (operator) {
    case 'in':
    case 'notin':
      return count === 0 ? "for 'in', 'notin' operators, values set can't be empty" : undefined
    case 'exists':
    case '!':
      return count > 0 ? 'values set must be empty for exists and does not exist' : undefined
    case 'gt':
    case 'lt':
      return count !== 1 ? "for 'Gt', 'Lt' operators, exactly one value is required" : undefined
    default:
      return count !== 1 ? 'exact-match compatibility requires one single value' : undefined
  }
}

function selectorOf(list: Requirement[]): Selector {
  const requirements = [...list].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  const tests = requirements.map(testOf)
  const none: Labels = {}
  return {
    requirements,
    nothing: false,
    matches(labels = none) {
      for (const test of tests) if (!test(labels)) return false
      return true
    },
    toString: () => requirements.map(requirementText).join(','),
  }
}

function testOf({ key, operator, values }: Requirement): (labels: Labels) => boolean {
  const valueIn = (labels: Labels) => (Object.hasOwn(labels, key) ? labels[key] : undefined)
  const first = values[0]
  switch (operator) {
    case '=':
    case '==':
      return labels => valueIn(labels) === first
    case '!=':
      return labels => valueIn(labels) !== first
    case 'in': {
      const set = new Set<string | undefined>(values)
      return labels => set.has(valueIn(labels))
    }
    case 'notin': {
      const set = new Set<string | undefined>(values)
      return labels => !set.has(valueIn(labels))
    }
    case 'exists':
      return labels => Object.hasOwn(labels, key)
    case '!':
      return labels => !Object.hasOwn(labels, key)
    case 'gt':
    case 'lt': {
      const limit = integer(first!)!
      return labels => {
        const value = integer(valueIn(labels) ?? '')
        return value !== undefined && (operator === 'gt' ? value > limit : value < limit)
      }
    }
  }
}

/** A Go int64 in decimal, or undefined. */
function integer(text: string): bigint | undefined {
  if (!/^[+-]?\d{1,19}$/.test(text)) return undefined
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text)
  return BigInt.asIntN(64, value) === value ? value : undefined
}

function requirementText({ key, operator, values }: Requirement): string {
  const list = values.join(',')
  switch (operator) {
    case 'exists':
      return key
    case '!':
      return `!${key}`
    case 'in':
    case 'notin':
      return `${key} ${operator} (${list})`
    case 'gt':
      return `${key}>${list}`
    case 'lt':
      return `${key}<${list}`
    default:
      return `${key}${operator}${list}`
  }
}

type Token = { kind: 'word' | 'symbol' | 'end' | 'error'; text: string }

/** Words run to the next white space or symbol; symbols are the longest known ones. */
function scan(text: string): Token[] {
  const tokens: Token[] = []
  const pattern = /[ \t\r\n]+|(==|!=|[=!(),<>])|([^ \t\r\n=!(),<>]+)/gy
  for (let found = pattern.exec(text); found; found = pattern.exec(text)) {
    if (found[1]) tokens.push({ kind: 'symbol', text: found[1] })
    else if (found[2]) tokens.push({ kind: 'word', text: found[2] })
  }
  tokens.push({ kind: 'end', text: '' })
  return tokens
}

const binaryOperators = new Map<string, Operator>([
  ['in', 'in'],
  ['notin', 'notin'],
  ['=', '='],
  ['==', '=='],
  ['!=', '!='],
  ['>', 'gt'],
  ['<', 'lt'],
])

class Parser {
  #tokens: Token[]
  #at = 0

  constructor(tokens: Token[]) {
    this.#tokens = tokens
  }

  requirements(): Requirement[] {
    const found: Requirement[] = []
    for (;;) {
      const token = this.#peek()
      if (token.kind === 'end') return found
      if (token.kind !== 'word' && token.text !== '!')
        throw new InvalidSelector(`found '${token.text}', expected: !, identifier, or 'end of string'`)
      try {
        found.push(this.#requirement())
      } catch (error) {
        throw new InvalidSelector(`unable to parse requirement: ${(error as Error).message}`)
      }
      const next = this.#take()
      if (next.kind === 'end') return found
      if (next.text !== ',' || next.kind !== 'symbol')
        throw new InvalidSelector(`found '${next.text}', expected: ',' or 'end of string'`)
      const after = this.#peek()
      if (after.kind !== 'word' && after.text !== '!')
        throw new InvalidSelector(`found '${after.text}', expected: identifier after ','`)
    }
  }

  #peek(): Token {
    return this.#tokens[this.#at]!
  }

  #take(): Token {
    const token = this.#peek()
    if (token.kind !== 'end') this.#at++
    return token
  }

  #requirement(): Requirement {
    const absent = this.#peek().text === '!' && this.#peek().kind === 'symbol'
    if (absent) this.#take()
    const key = this.#take()
    if (key.kind !== 'word') throw new InvalidSelector(`found '${key.text}', expected: identifier`)
    const badKey = isQualifiedName(key.text)
    if (badKey.length > 0)
      throw new InvalidSelector(`<nil>: Invalid value: ${JSON.stringify(key.text)}: ${badKey.join('; ')}`)
    if (absent) return requirement(key.text, '!', [])
    const next = this.#peek()
    if (next.kind === 'end' || next.text === ',') return requirement(key.text, 'exists', [])
    this.#take()
    const operator = binaryOperators.get(next.text)
    if (!operator) throw new InvalidSelector(`found '${next.text}', expected: in, notin, =, ==, !=, gt, lt`)
    const values = operator === 'in' || operator === 'notin' ? this.#set() : [this.#value()]
    return requirement(key.text, operator, values)
  }

  #value(): string {
    const next = this.#peek()
    if (next.kind === 'end' || next.text === ',') return ''
    this.#take()
    if (next.kind !== 'word') throw new InvalidSelector(`found '${next.text}', expected: identifier`)
    return next.text
  }

  /** `(a,b)`; an empty place between commas or parentheses is the empty value. */
  #set(): string[] {
    const open = this.#take()
    if (open.text !== '(') throw new InvalidSelector(`found '${open.text}' expected: '('`)
    const values: string[] = []
    for (;;) {
      const token = this.#take()
      if (token.kind === 'word') {
        values.push(token.text)
        const end = this.#take()
        if (end.text === ')') return values
        if (end.text !== ',') throw new InvalidSelector(`found '${end.text}', expected: ',' or ')'`)
        if (this.#peek().text === ')') {
          this.#take()
          return [...values, '']
        }
      } else if (token.text === ',') values.push('')
      else if (token.text === ')') return [...values, '']
      else throw new InvalidSelector(`found '${token.text}', expected: ',', ')' or identifier`)
    }
  }
}
