import { badRequest } from './api-error.ts'
import { put } from './own-property.ts'

/**
 * Deeper than this is refused. Parsers cope with more, but what walks the result afterwards (JSON.stringify, structuredClone)
 * overflows the stack.
 */
export const maxDepth = 200

export interface Parsed {
  value: unknown
  /** `duplicate field "spec.x"`; only looked for when asked. The last value wins, as everywhere. */
  duplicates: string[]
}

/**
 * Parses a JSON text from outside. Integers beyond 2^53 become bigint with `exactIntegers`, and must then be written with
 * `encodeJson`; else they are rounded as everywhere in JavaScript. Size is for the caller to limit.
 * @throws ApiError BadRequest if it is no JSON or nested too deep
 */
export function parseJson(
  body: Uint8Array | string,
  options: { duplicates?: boolean; exactIntegers?: boolean } = {},
): Parsed {
  const text = typeof body === 'string' ? body : decodeUtf8(body)
  if (depthExceeds(text, maxDepth))
    throw badRequest(`the body is nested more than ${maxDepth} levels deep; send a flatter object`)
  const exact = options.exactIntegers === true && longInteger.test(text)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw badRequest(`the body is not valid JSON: ${(error as Error).message}`)
  }
  const mayRepeat = options.duplicates === true && keysWritten(text) !== keysOf(value)
  if (!exact && !mayRepeat) return { value, duplicates: [] }
  const second = new SecondPass(text, exact)
  const reread = second.read()
  return { value: exact ? reread : value, duplicates: second.duplicates }
}

/** At least as many as there are members: what stands before a colon in a text may look like the name of one. */
function keysWritten(text: string): number {
  let count = 0
  for (let at = text.indexOf(':'); at >= 0; at = text.indexOf(':', at + 1)) {
    let before = at - 1
    while (text.charCodeAt(before) <= 0x20) before--
    if (text.charCodeAt(before) === 0x22) count++
  }
  return count
}

/** How many members there are in all objects of a value. */
function keysOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + keysOf(item), 0)
  let count = 0
  for (const key of Object.keys(value)) count += 1 + keysOf((value as Record<string, unknown>)[key])
  return count
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

/** @throws ApiError BadRequest if the bytes are no UTF-8 */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw badRequest('the body is not valid UTF-8')
  }
}

/** A run of 16 digits outside of a fraction; also inside strings, which only costs the slower path. */
const longInteger = /(?:^|[^\d.])-?\d{16}/

function depthExceeds(text: string, limit: number): boolean {
  // Most bodies have fewer brackets than the limit altogether.
  let depth = 0
  const length = text.length
  for (let i = 0; i < length; i++) {
    const c = text.charCodeAt(i)
    if (c === 0x22) {
      i = text.indexOf('"', i + 1)
      while (i >= 0 && isEscaped(text, i)) i = text.indexOf('"', i + 1)
      if (i < 0) return false
    } else if (c === 0x7b || c === 0x5b) {
      if (++depth > limit) return true
    } else if (c === 0x7d || c === 0x5d) depth--
  }
  return false
}

/** True if the quote at `i` follows an odd number of backslashes. */
function isEscaped(text: string, i: number): boolean {
  let at = i - 1
  while (text.charCodeAt(at) === 0x5c) at--
  return (i - at) % 2 === 0
}

const mostDuplicates = 100

/** Reads a text that is known to be valid JSON once more, for what JSON.parse does not tell. */
class SecondPass {
  readonly duplicates: string[] = []
  #text: string
  #exact: boolean
  #at = 0
  #path: (string | number)[] = []

  constructor(text: string, exact: boolean) {
    this.#text = text
    this.#exact = exact
  }

  read(): unknown {
    this.#space()
    const c = this.#text.charCodeAt(this.#at)
    if (c === 0x7b) return this.#object()
    if (c === 0x5b) return this.#array()
    if (c === 0x22) return this.#string()
    return this.#literal()
  }

  #space(): void {
    for (;;) {
      const c = this.#text.charCodeAt(this.#at)
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return
      this.#at++
    }
  }

  #object(): Record<string, unknown> {
    const out: Record<string, unknown> = {}
    const seen = new Set<string>()
    this.#at++
    for (;;) {
      this.#space()
      const c = this.#text.charCodeAt(this.#at)
      if (c === 0x7d) {
        this.#at++
        return out
      }
      if (c === 0x2c) {
        this.#at++
        continue
      }
      const key = this.#string()
      if (seen.has(key)) this.#duplicate(key)
      else seen.add(key)
      this.#space()
      this.#at++
      this.#path.push(key)
      const value = this.read()
      this.#path.pop()
      if (this.#exact) put(out, key, value)
    }
  }

  #array(): unknown[] {
    const out: unknown[] = []
    this.#at++
    for (let i = 0; ; ) {
      this.#space()
      const c = this.#text.charCodeAt(this.#at)
      if (c === 0x5d) {
        this.#at++
        return out
      }
      if (c === 0x2c) {
        this.#at++
        continue
      }
      this.#path.push(i++)
      const value = this.read()
      this.#path.pop()
      if (this.#exact) out.push(value)
    }
  }

  #string(): string {
    const start = this.#at
    let end = this.#text.indexOf('"', start + 1)
    while (isEscaped(this.#text, end)) end = this.#text.indexOf('"', end + 1)
    this.#at = end + 1
    const inner = this.#text.slice(start + 1, end)
    return inner.includes('\\') ? JSON.parse(this.#text.slice(start, end + 1)) : inner
  }

  #literal(): unknown {
    const start = this.#at
    const end = /[,\]}\s]|$/g
    end.lastIndex = start
    this.#at = end.exec(this.#text)!.index
    const word = this.#text.slice(start, this.#at)
    if (!this.#exact) return undefined
    if (word.length > 15 && /^-?\d+$/.test(word)) {
      const value = Number(word)
      return String(value) === word ? value : BigInt(word)
    }
    return JSON.parse(word)
  }

  #duplicate(key: string): void {
    if (this.duplicates.length >= mostDuplicates) return
    let text = ''
    for (const step of this.#path) text += typeof step === 'number' ? `[${step}]` : text === '' ? step : `.${step}`
    this.duplicates.push(`duplicate field ${JSON.stringify(text === '' ? key : `${text}.${key}`)}`)
  }
}
