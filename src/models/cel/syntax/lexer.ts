import type { Literal } from './ast.ts'
import { unquote } from './literals.ts'
import { Fault } from './source.ts'

export interface Token {
  kind: 'ident' | 'quoted' | 'literal' | 'number' | 'punctuation' | 'end'
  text: string
  at: number
  value?: Literal
}

const space = /[ \t\r\n\f]+|\/\/[^\n]*/y
const word = /[A-Za-z_]\w*/y
const quotedName = /`[\w.\-/ ]+`/y
const number = /0[xX][0-9a-fA-F]+[uU]?|(?:\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)|\d+[uU]?/y
const quotePrefix = /(?:[bB]?[rR]?|[rR][bB])(?:"""|'''|["'])/y
const punctuation = /==|!=|<=|>=|&&|\|\||[-+*/%!<>?:.,()[\]{}]/y

function match(pattern: RegExp, source: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(source)?.[0]
}

/** @throws Fault at a character that begins nothing */
export function tokens(source: string): Token[] {
  const found: Token[] = []
  for (let at = 0; at < source.length; ) {
    const skipped = match(space, source, at)
    if (skipped !== undefined) {
      at += skipped.length
      continue
    }
    const token = tokenAt(source, at)
    found.push(token)
    at += token.text.length
  }
  found.push({ kind: 'end', text: '<EOF>', at: source.length })
  return found
}

function tokenAt(source: string, at: number): Token {
  const opening = match(quotePrefix, source, at)
  if (opening !== undefined) return stringAt(source, at, opening)
  const name = match(word, source, at)
  if (name !== undefined) {
    const constant: Record<string, Literal> = { true: true, false: false, null: null }
    if (Object.hasOwn(constant, name)) return { kind: 'literal', text: name, at, value: constant[name]! }
    return { kind: 'ident', text: name, at }
  }
  const digits = match(number, source, at)
  if (digits !== undefined) return { kind: 'number', text: digits, at }
  const quoted = match(quotedName, source, at)
  if (quoted !== undefined) return { kind: 'quoted', text: quoted, at }
  const sign = match(punctuation, source, at)
  if (sign !== undefined) return { kind: 'punctuation', text: sign, at }
  const bad = String.fromCodePoint(source.codePointAt(at)!)
  throw new Fault(at, `Syntax error: token recognition error at: '${bad}'`)
}

/** By hand, character by character: a pattern would read the rest of the text again for each quote that never ends. */
function stringAt(source: string, at: number, opening: string): Token {
  const prefix = opening.replace(/["']+$/, '')
  const quote = opening.slice(prefix.length)
  const raw = /[rR]/.test(prefix)
  let end = at + opening.length
  while (!source.startsWith(quote, end)) {
    const character = source[end]
    if (character === undefined || (quote.length === 1 && (character === '\n' || character === '\r')))
      throw new Fault(at, `Syntax error: token recognition error at: '${source.slice(at, Math.min(end, at + 40))}'`)
    end += character === '\\' && !raw ? 2 : 1
  }
  const written = source.slice(at, end + quote.length)
  const value = unquote((raw ? 'r' : '') + written.slice(prefix.length), /[bB]/.test(prefix), at)
  return { kind: 'literal', text: written, at, value }
}

/** @param negative true for a number behind a minus sign: the least integer has no positive form */
export function numberValue(token: Token, negative: boolean): Literal {
  const { text: written, at } = token
  if (/^0[xX]|^\d+[uU]?$/.test(written)) {
    const unsigned = /[uU]$/.test(written)
    const magnitude = BigInt(unsigned ? written.slice(0, -1) : written)
    if (unsigned) {
      if (magnitude >= 2n ** 64n) throw new Fault(at, 'invalid uint literal')
      if (negative) throw new Fault(at, 'invalid uint literal')
      return { uint: magnitude }
    }
    const value = negative ? -magnitude : magnitude
    if (BigInt.asIntN(64, value) !== value) throw new Fault(at, 'invalid int literal')
    return value
  }
  const value = Number(written)
  if (!Number.isFinite(value)) throw new Fault(at, 'invalid double literal')
  return negative ? -value : value
}
