import { call, type Entry, type Expr, ident, literal, maxDepth, node, type StructField } from './ast.ts'
import { numberValue, type Token, tokens } from './lexer.ts'
import { expandMacro, type Fresh } from './macros.ts'
import { Fault } from './source.ts'

/** The longest text that is taken, in characters. */
const maxCharacters = 100_000
/** How deep brackets and operators may stand in each other. */
const maxNesting = 250

const reserved = new Set(
  'in as break const continue else for function if import let loop package namespace return var void while'.split(' '),
)

/** Operators that take two operands, by how strongly they bind. */
const binary: Record<string, number> = {
  '||': 1,
  '&&': 2,
  '<': 3,
  '<=': 3,
  '>': 3,
  '>=': 3,
  '==': 3,
  '!=': 3,
  in: 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '/': 5,
  '%': 5,
}

const expected =
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"

/** @param fresh what later versions of Kubernetes have stored need not be read @throws Fault */
export function parse(source: string, fresh: Fresh = false): Expr {
  const size = source.length <= maxCharacters ? 0 : [...source].length
  if (size > maxCharacters)
    throw new Fault(0, `expression code point size exceeds limit: size: ${size}, limit ${maxCharacters}`)
  return new Parser(tokens(source), fresh).whole()
}

class Parser {
  readonly #tokens: Token[]
  #next = 0
  #nesting = 0
  readonly #fresh: Fresh

  constructor(all: Token[], fresh: Fresh) {
    this.#tokens = all
    this.#fresh = fresh
  }

  whole(): Expr {
    const expr = this.#expr()
    const rest = this.#peek()
    if (rest.kind !== 'end') this.#unexpected(rest, '<EOF>', this.#peek(1).kind === 'end')
    return expr
  }

  #peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#next + ahead, this.#tokens.length - 1)]!
  }

  #take(): Token {
    const token = this.#peek()
    this.#next++
    return token
  }

  #at(text: string): boolean {
    const { kind, text: found } = this.#peek()
    return found === text && (kind === 'punctuation' || kind === 'ident')
  }

  #skip(text: string): Token | undefined {
    return this.#at(text) ? this.#take() : undefined
  }

  #expect(text: string): Token {
    return this.#skip(text) ?? this.#unexpected(this.#peek(), `'${text}'`)
  }

  #unexpected(token: Token, wanted: string, extraneous = false): never {
    throw new Fault(
      token.at,
      `Syntax error: ${extraneous ? 'extraneous' : 'mismatched'} input '${token.text}' expecting ${wanted}`,
    )
  }

  #deeper<T>(parse: () => T): T {
    if (++this.#nesting > maxNesting)
      throw new Fault(this.#peek().at, `expression recursion limit exceeded: ${maxNesting}`)
    const parsed = parse()
    this.#nesting--
    return parsed
  }

  #checked(expr: Expr): Expr {
    if (expr.depth > maxDepth) throw new Fault(expr.at, `expression recursion limit exceeded: ${maxNesting}`)
    return expr
  }

  #expr(): Expr {
    return this.#deeper(() => {
      const condition = this.#operators(1)
      const mark = this.#skip('?')
      if (!mark) return condition
      const yes = this.#operators(1)
      this.#expect(':')
      return this.#checked(call(mark.at, '_?_:_', [condition, yes, this.#expr()]))
    })
  }

  #operators(least: number): Expr {
    let left = this.#unary()
    for (;;) {
      const token = this.#peek()
      const strength = token.kind === 'punctuation' || token.text === 'in' ? binary[token.text] : undefined
      if (strength === undefined || strength < least) return left
      if (strength < 3) left = this.#logical(left, token.text, strength)
      else {
        this.#take()
        left = this.#checked(call(token.at, operatorName(token.text), [left, this.#operators(strength + 1)]))
      }
    }
  }

  /** A row of `&&` or `||` as a balanced tree: a long row is no deep tree. */
  #logical(first: Expr, operator: string, strength: number): Expr {
    const terms = [first]
    const ats: number[] = []
    for (let mark = this.#skip(operator); mark; mark = this.#skip(operator)) {
      ats.push(mark.at)
      terms.push(this.#operators(strength + 1))
    }
    const build = (from: number, to: number): Expr => {
      if (from === to) return terms[from]!
      const middle = Math.floor((from + to) / 2)
      return call(ats[middle]!, operatorName(operator), [build(from, middle), build(middle + 1, to)])
    }
    return this.#checked(build(0, terms.length - 1))
  }

  #unary(): Expr {
    const token = this.#peek()
    if (token.text === '-' && token.kind === 'punctuation' && this.#peek(1).kind === 'number') {
      this.#take()
      return this.#member(literal(token.at, numberValue(this.#take(), true)))
    }
    if (token.kind !== 'punctuation' || (token.text !== '-' && token.text !== '!')) return this.#member(this.#primary())
    // A row of signs cancels out in pairs.
    let count = 0
    while (this.#at(token.text) && !(token.text === '-' && count > 0 && this.#peek(1).kind === 'number')) {
      this.#take()
      count++
    }
    const operand = this.#deeper(() => this.#unary())
    return count % 2 === 0 ? operand : this.#checked(call(token.at, token.text === '-' ? '-_' : '!_', [operand]))
  }

  #member(start: Expr): Expr {
    let expr = start
    for (;;) {
      const dot = this.#skip('.')
      if (dot) expr = this.#field(expr, dot)
      else if (this.#at('[')) expr = this.#index(expr)
      else if (this.#at('{') && qualifiedName(expr) !== undefined) expr = this.#struct(expr)
      else return expr
      this.#checked(expr)
    }
  }

  #field(operand: Expr, dot: Token): Expr {
    const optional = this.#skip('?') !== undefined
    const name = this.#take()
    if (name.kind === 'quoted')
      return node(dot.at, { kind: 'select', operand, field: name.text.slice(1, -1), test: false, optional })
    if (name.kind !== 'ident' || name.text === 'in') this.#unexpected(name, 'IDENTIFIER')
    if (optional || !this.#at('('))
      return node(dot.at, { kind: 'select', operand, field: name.text, test: false, optional })
    const open = this.#take()
    const args = this.#arguments(')')
    return (
      expandMacro(open.at, name.text, operand, args, this.#fresh) ??
      node(open.at, { kind: 'call', name: name.text, target: operand, args })
    )
  }

  #index(operand: Expr): Expr {
    const open = this.#take()
    const optional = this.#skip('?') !== undefined
    const index = this.#expr()
    this.#expect(']')
    return call(open.at, optional ? '_[?_]' : '_[_]', [operand, index])
  }

  #arguments(close: string): Expr[] {
    const args: Expr[] = []
    while (!this.#at(close)) {
      args.push(this.#expr())
      if (!this.#skip(',')) break
    }
    this.#expect(close)
    return args
  }

  #primary(): Expr {
    const token = this.#take()
    if (token.kind === 'literal') return literal(token.at, token.value!)
    if (token.kind === 'number') return literal(token.at, numberValue(token, false))
    if (token.kind === 'punctuation') {
      if (token.text === '(') {
        const inner = this.#expr()
        this.#expect(')')
        return inner
      }
      if (token.text === '[') return this.#list(token)
      if (token.text === '{') return node(token.at, { kind: 'map', entries: this.#entries() })
      if (token.text === '.' && this.#peek().kind === 'ident') return this.#name(this.#take(), '.')
    }
    if (token.kind === 'ident' && token.text !== 'in') return this.#name(token, '')
    return this.#unexpected(token, expected)
  }

  #name(token: Token, prefix: string): Expr {
    if (reserved.has(token.text)) throw new Fault(token.at, `Syntax error: reserved identifier: ${token.text}`)
    const name = prefix + token.text
    if (!this.#at('(')) return ident(token.at, name)
    const open = this.#take()
    const args = this.#arguments(')')
    return expandMacro(open.at, name, undefined, args, this.#fresh) ?? call(open.at, name, args)
  }

  #list(open: Token): Expr {
    const items: Expr[] = []
    const optional = new Set<number>()
    while (!this.#at(']')) {
      if (this.#skip('?')) optional.add(items.length)
      items.push(this.#expr())
      if (!this.#skip(',')) break
    }
    this.#expect(']')
    return node(open.at, { kind: 'list', items, optional })
  }

  #entries(): Entry[] {
    const entries: Entry[] = []
    while (!this.#at('}')) {
      const optional = this.#skip('?') !== undefined
      const key = this.#expr()
      const colon = this.#expect(':')
      entries.push({ key, value: this.#expr(), optional, at: colon.at })
      if (!this.#skip(',')) break
    }
    this.#expect('}')
    return entries
  }

  #struct(of: Expr): Expr {
    const open = this.#take()
    const fields: StructField[] = []
    while (!this.#at('}')) {
      const optional = this.#skip('?') !== undefined
      const name = this.#take()
      if (name.kind !== 'ident' && name.kind !== 'quoted') this.#unexpected(name, "{'}', ',', IDENTIFIER}")
      const colon = this.#expect(':')
      fields.push({ name: name.text.replaceAll('`', ''), value: this.#expr(), optional, at: colon.at })
      if (!this.#skip(',')) break
    }
    this.#expect('}')
    return node(open.at, { kind: 'struct', name: qualifiedName(of)!, fields })
  }
}

const operatorName = (sign: string): string => (sign === 'in' ? '@in' : `_${sign}_`)

/** `a.b.c` where the expression is a row of plain names. */
export function qualifiedName(expr: Expr): string | undefined {
  if (expr.kind === 'ident') return expr.name
  if (expr.kind !== 'select' || expr.test || expr.optional) return undefined
  const before = qualifiedName(expr.operand)
  return before === undefined ? undefined : `${before}.${expr.field}`
}
