import { OptiFlowError } from '../../../base/errors.ts'

/** A selector in Calico's own language. */
export interface CalicoSelector {
  matches(labels: Readonly<Record<string, string>>): boolean
}

/** The text is no selector of Calico's. */
export class BadSelector extends OptiFlowError {}

type Test = (labels: Readonly<Record<string, string>>) => boolean

const token = /\s*(?:(&&|\|\||==|!=|!|\(|\)|\{|\}|,)|"([^"]*)"|'([^']*)'|([A-Za-z0-9_][\w./-]*))/y

interface Token {
  symbol?: string
  text?: string
  word?: string
}

/**
 * Reads `app == "web" && has(tier) && zone not in {"a", "b"}`; empty text is everybody.
 * @param calls what `all()` and `global()` come to: of ends both are everybody, of namespaces whatever has one, or none
 * @throws BadSelector
 * @see https://docs.tigera.io/calico/latest/reference/resources/networkpolicy#selectors
 */
export function parseCalicoSelector(text: string, calls = { all: true, global: true }): CalicoSelector {
  if (text.trim() === '') return { matches: () => true }
  return { matches: new Parser(text, calls).whole() }
}

class Parser {
  readonly #text: string
  readonly #tokens: Token[]
  readonly #calls: { all: boolean; global: boolean }
  #at = 0

  constructor(text: string, calls: { all: boolean; global: boolean }) {
    this.#text = text
    this.#calls = calls
    this.#tokens = this.#scan()
  }

  whole(): Test {
    const test = this.#either()
    if (this.#at < this.#tokens.length) throw this.#bad('something is left over')
    return test
  }

  #scan(): Token[] {
    const found: Token[] = []
    token.lastIndex = 0
    const end = this.#text.trimEnd().length
    while (token.lastIndex < end) {
      const match = token.exec(this.#text)
      if (!match) throw this.#bad('a character that has no place there')
      const [, symbol, double, single, word] = match
      const text = double ?? single
      found.push(symbol ? { symbol } : text === undefined ? { word: word! } : { text })
    }
    return found
  }

  #either(): Test {
    let left = this.#both()
    while (this.#take('||')) {
      const [a, b] = [left, this.#both()]
      left = labels => a(labels) || b(labels)
    }
    return left
  }

  #both(): Test {
    let left = this.#one()
    while (this.#take('&&')) {
      const [a, b] = [left, this.#one()]
      left = labels => a(labels) && b(labels)
    }
    return left
  }

  #one(): Test {
    if (this.#take('!')) {
      const inner = this.#one()
      return labels => !inner(labels)
    }
    if (this.#take('(')) {
      const inner = this.#either()
      this.#expect(')')
      return inner
    }
    const name = this.#word()
    if (name === 'all' || name === 'global' || name === 'has') return this.#call(name)
    return this.#comparison(name)
  }

  #call(name: 'all' | 'global' | 'has'): Test {
    this.#expect('(')
    const label = name === 'has' ? this.#word() : ''
    this.#expect(')')
    if (name !== 'has') return () => this.#calls[name]
    return labels => labels[label] !== undefined
  }

  #comparison(label: string): Test {
    if (this.#take('==')) {
      const value = this.#string()
      return labels => labels[label] === value
    }
    if (this.#take('!=')) {
      const value = this.#string()
      return labels => labels[label] !== value
    }
    const operator = this.#word()
    if (operator === 'not') {
      if (this.#word() !== 'in') throw this.#bad('"not" goes with "in"')
      const values = this.#set()
      return labels => labels[label] === undefined || !values.has(labels[label])
    }
    if (operator === 'in') {
      const values = this.#set()
      return labels => labels[label] !== undefined && values.has(labels[label])
    }
    if (operator === 'contains') return this.#about(label, (have, value) => have.includes(value))
    if (operator === 'starts' || operator === 'ends') {
      if (this.#word() !== 'with') throw this.#bad(`"${operator}" goes with "with"`)
      return this.#about(label, (have, value) =>
        operator === 'starts' ? have.startsWith(value) : have.endsWith(value),
      )
    }
    throw this.#bad(`"${operator}" is no comparison`)
  }

  #about(label: string, test: (have: string, value: string) => boolean): Test {
    const value = this.#string()
    return labels => labels[label] !== undefined && test(labels[label], value)
  }

  #set(): Set<string> {
    this.#expect('{')
    const values = new Set<string>()
    while (!this.#take('}')) {
      values.add(this.#string())
      this.#take(',')
    }
    return values
  }

  #take(symbol: string): boolean {
    if (this.#tokens[this.#at]?.symbol !== symbol) return false
    this.#at++
    return true
  }

  #expect(symbol: string): void {
    if (!this.#take(symbol)) throw this.#bad(`"${symbol}" is missing`)
  }

  #word(): string {
    const { word } = this.#tokens[this.#at] ?? {}
    if (word === undefined) throw this.#bad('a name is missing')
    this.#at++
    return word
  }

  #string(): string {
    const { text } = this.#tokens[this.#at] ?? {}
    if (text === undefined) throw this.#bad('a text in quotes is missing')
    this.#at++
    return text
  }

  #bad(why: string): BadSelector {
    return new BadSelector(`"${this.#text}" is no selector: ${why}`, {
      hint: 'Write it as in app == "web" && has(tier).',
    })
  }
}
