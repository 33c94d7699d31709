import { Fault } from './source.ts'

const simple: Record<string, number> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  '\\': 92,
  '?': 63,
  '"': 34,
  "'": 39,
  '`': 96,
}

/**
 * The text that a quoted literal stands for.
 * @param literal with its prefix (`r`, `R`) and quotes, but without the `b` of bytes
 * @param at where it begins, for faults
 */
export function unquote(literal: string, bytes: boolean, at: number): string | Uint8Array {
  const normal = literal.replace(/\r\n?/g, '\n')
  const raw = normal[0] === 'r' || normal[0] === 'R'
  const quoted = raw ? normal.slice(1) : normal
  const quotes = quoted.startsWith('"""') || quoted.startsWith("'''") ? 3 : 1
  const body = quoted.slice(quotes, -quotes)
  if (raw || !body.includes('\\')) return bytes ? new TextEncoder().encode(body) : body
  return bytes ? unescapeBytes(body, at) : unescapeText(body, at)
}

interface Piece {
  /** A code point of text, or a byte where `byte` is set. */
  code: number
  byte: boolean
  length: number
}

function escapeAt(body: string, i: number, bytes: boolean, at: number): Piece {
  const letter = body[i + 1] ?? ''
  const known = simple[letter]
  if (known !== undefined) return { code: known, byte: false, length: 2 }
  const digits = { x: 2, X: 2, u: 4, U: 8 }[letter]
  if (digits) {
    const hex = body.slice(i + 2, i + 2 + digits)
    const code = Number.parseInt(hex, 16)
    if (!/^[0-9a-fA-F]+$/.test(hex) || hex.length !== digits || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
      throw new Fault(at, `Syntax error: invalid unicode code point or escape in ${JSON.stringify(body)}`)
    return { code, byte: bytes && digits === 2, length: 2 + digits }
  }
  const octal = /^[0-3][0-7]{2}/.exec(body.slice(i + 1, i + 4))
  if (octal) return { code: Number.parseInt(octal[0], 8), byte: bytes, length: 4 }
  throw new Fault(at, `Syntax error: unable to unescape string: \\${letter}`)
}

function unescapeText(body: string, at: number): string {
  let text = ''
  for (let i = 0; i < body.length; ) {
    if (body[i] !== '\\') {
      text += body[i++]
      continue
    }
    const piece = escapeAt(body, i, false, at)
    text += String.fromCodePoint(piece.code)
    i += piece.length
  }
  return text
}

function unescapeBytes(body: string, at: number): Uint8Array {
  const bytes: number[] = []
  const encoder = new TextEncoder()
  for (let i = 0; i < body.length; ) {
    if (body[i] !== '\\') {
      const character = String.fromCodePoint(body.codePointAt(i)!)
      bytes.push(...encoder.encode(character))
      i += character.length
      continue
    }
    const piece = escapeAt(body, i, true, at)
    if (piece.byte) bytes.push(piece.code)
    else bytes.push(...encoder.encode(String.fromCodePoint(piece.code)))
    i += piece.length
  }
  return Uint8Array.from(bytes)
}
