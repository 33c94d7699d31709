import { isRecord } from './schema-node.ts'

// The part of kubectl's JSONPath that columns and selectable fields use: fields, quoted fields, indexes, slices,
// wildcards, descent and filters.

type Step =
  | { form: 'field'; names: string[] }
  | { form: 'all' }
  | { form: 'descend' }
  | { form: 'index'; indexes: number[] }
  | { form: 'slice'; from: number | undefined; to: number | undefined; step: number }
  | { form: 'filter'; left: Operand; operator: Operator | undefined; right: Operand | undefined }

type Operator = '==' | '!=' | '<' | '<=' | '>' | '>='
type Operand = { path: Step[] } | { value: unknown }

/** A path such as `.status.conditions[?(@.type=="Ready")].status`, ready to be followed. */
export interface JsonPath {
  /** Everything it leads to; [] where something on the way is missing. */
  find(root: unknown): unknown[]
}

/** @throws Error that says what cannot be read */
export function parseJsonPath(text: string): JsonPath {
  const steps = new Parser(text).steps()
  return { find: root => follow(steps, [root]) }
}

class Parser {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  steps(end?: RegExp): Step[] {
    const steps: Step[] = []
    if (this.#text[this.#at] === '$' || this.#text[this.#at] === '@') this.#at++
    while (this.#at < this.#text.length && !end?.test(this.#text[this.#at]!)) {
      const c = this.#text[this.#at]
      if (c === '.') this.#dotted(steps)
      else if (c === '[') steps.push(this.#bracket())
      else throw this.#error('"." or "["')
    }
    return steps
  }

  #dotted(steps: Step[]): void {
    this.#at++
    if (this.#text[this.#at] === '.') {
      this.#at++
      steps.push({ form: 'descend' })
    }
    if (this.#text[this.#at] === '*') {
      this.#at++
      steps.push({ form: 'all' })
      return
    }
    const name = this.#name()
    if (name !== '') steps.push({ form: 'field', names: [name] })
  }

  /** Up to the next dot, bracket or end; a backslash takes away the meaning of what follows. */
  #name(): string {
    let name = ''
    for (; this.#at < this.#text.length; this.#at++) {
      const c = this.#text[this.#at]!
      if (c === '\\') name += this.#text[++this.#at] ?? ''
      else if (/[.[\]=!<>()\s]/.test(c)) break
      else name += c
    }
    return name
  }

  #bracket(): Step {
    const inner = this.#text.slice(this.#at + 1)
    const fixed =
      /^\s*(\*|-?\d*:-?\d*(?::-?\d+)?|-?\d+(?:\s*,\s*-?\d+)*|'(?:[^'\\]|\\.)*'(?:\s*,\s*'(?:[^'\\]|\\.)*')*|"(?:[^"\\]|\\.)*"(?:\s*,\s*"(?:[^"\\]|\\.)*")*)\s*\]/.exec(
        inner,
      )
    if (fixed) {
      this.#at += fixed[0].length + 1
      return fixedStep(fixed[1]!)
    }
    if (!/^\s*\?\(/.test(inner)) throw this.#error('an index, a quoted name, "*" or a filter')
    this.#at = this.#text.indexOf('(', this.#at) + 1
    const left = this.#operand()
    const operator = /^\s*(==|!=|<=|>=|<|>)/.exec(this.#text.slice(this.#at))
    this.#at += operator?.[0].length ?? 0
    const right = operator ? this.#operand() : undefined
    const close = /^\s*\)\s*\]/.exec(this.#text.slice(this.#at))
    if (!close) throw this.#error('")]"')
    this.#at += close[0].length
    return { form: 'filter', left, operator: operator?.[1] as Operator | undefined, right }
  }

  #operand(): Operand {
    this.#at += /^\s*/.exec(this.#text.slice(this.#at))![0].length
    if (this.#text[this.#at] === '@' || this.#text[this.#at] === '.') return { path: this.steps(/[\s=!<>)]/) }
    const literal = /^('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|true|false|null)/.exec(
      this.#text.slice(this.#at),
    )
    if (!literal) throw this.#error('a path or a value')
    this.#at += literal[0].length
    const text = literal[1]!
    return { value: /^['"]/.test(text) ? unquote(text) : JSON.parse(text) }
  }

  #error(wanted: string): Error {
    return new Error(`at ${JSON.stringify(this.#text.slice(this.#at))}: expected ${wanted}`)
  }
}

const unquote = (text: string) => text.slice(1, -1).replace(/\\(.)/g, '$1')

function fixedStep(text: string): Step {
  if (text === '*') return { form: 'all' }
  if (/^['"]/.test(text))
    return { form: 'field', names: text.match(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/g)!.map(unquote) }
  if (!text.includes(':')) return { form: 'index', indexes: text.split(',').map(Number) }
  const [from, to, step] = text.split(':').map(n => (n === '' ? undefined : Number(n)))
  return { form: 'slice', from, to, step: step || 1 }
}

function follow(steps: readonly Step[], from: unknown[]): unknown[] {
  let found = from
  for (const step of steps) found = found.flatMap(value => take(step, value))
  return found
}

function take(step: Step, value: unknown): unknown[] {
  switch (step.form) {
    case 'field':
      return isRecord(value) ? step.names.flatMap(name => (Object.hasOwn(value, name) ? [value[name]] : [])) : []
    case 'all':
      return children(value)
    case 'descend':
      return descendants(value)
    case 'index':
      return Array.isArray(value) ? step.indexes.flatMap(i => (inside(i, value) ? [value.at(i)] : [])) : []
    case 'slice':
      return Array.isArray(value) ? value.slice(step.from, step.to).filter((_, i) => i % step.step === 0) : []
    case 'filter':
      return children(value).filter(child => holds(step, child))
  }
}

const inside = (index: number, list: unknown[]) => index < list.length && index >= -list.length

function children(value: unknown): unknown[] {
  return Array.isArray(value) ? value : isRecord(value) ? Object.values(value) : []
}

function descendants(value: unknown): unknown[] {
  return typeof value === 'object' && value !== null ? [value, ...children(value).flatMap(descendants)] : []
}

function holds({ left, operator, right }: Step & { form: 'filter' }, value: unknown): boolean {
  const read = (operand: Operand) => ('path' in operand ? follow(operand.path, [value])[0] : operand.value)
  if (!operator) return 'path' in left && follow(left.path, [value]).length > 0
  const [a, b] = [read(left), read(right!)] as [any, any]
  if (a === undefined || b === undefined) return false
  switch (operator) {
    case '==':
      return a === b
    case '!=':
      return a !== b
    case '<':
      return a < b
    case '<=':
      return a <= b
    case '>':
      return a > b
    case '>=':
      return a >= b
  }
}
