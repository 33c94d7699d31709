/** What Go's decoder says of a text that ends too soon. */
const tooShort = 'unexpected end of JSON input'

/**
 * Where a text stops being JSON, in the words of Go's decoder, which clients of Kubernetes read.
 * @returns undefined for a text that is JSON
 */
export function jsonFault(body: Uint8Array): string | undefined {
  try {
    new Scanner(body).text()
    return undefined
  } catch (fault) {
    if (fault instanceof Fault) return fault.message
    throw fault
  }
}

class Fault extends Error {}

const code = (character: string) => character.charCodeAt(0)
const [quote, backslash, comma, colon] = [code('"'), code('\\'), code(','), code(':')]
const isSpace = (c: number | undefined) => c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09
const isDigit = (c: number | undefined) => c !== undefined && c >= code('0') && c <= code('9')
const escapes = new Set([...'bfnrt\\/"'].map(code))
const literals = new Map(['true', 'false', 'null'].map(word => [code(word), word]))

/** Goes through bytes once; what is open is on a list, not on the stack. */
class Scanner {
  readonly #bytes: Uint8Array
  #at = 0
  readonly #open: ('object' | 'array')[] = []

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  text(): void {
    this.#value()
    while (this.#open.length) this.#next()
    if (this.#skipped() !== undefined) this.#refuse('after top-level value')
  }

  /** What comes after a value that is part of another. */
  #next(): void {
    const inObject = this.#open.at(-1) === 'object'
    const c = this.#must()
    if (c === code(inObject ? '}' : ']')) {
      this.#at++
      this.#open.pop()
      return
    }
    if (c !== comma) this.#refuse(inObject ? 'after object key:value pair' : 'after array element')
    this.#at++
    if (inObject) this.#key()
    this.#value()
  }

  /** A value, or the beginning of one that has parts, with its first part. */
  #value(): void {
    while (this.#begins()) {}
  }

  /** @returns true if the first part of what has begun comes next */
  #begins(): boolean {
    const c = this.#must()
    const isObject = c === code('{')
    if (!isObject && c !== code('[')) {
      this.#plain(c)
      return false
    }
    this.#at++
    if (this.#must() === code(isObject ? '}' : ']')) {
      this.#at++
      return false
    }
    this.#open.push(isObject ? 'object' : 'array')
    if (isObject) this.#key()
    return true
  }

  #plain(c: number): void {
    const literal = literals.get(c)
    if (c === quote) this.#string()
    else if (literal) this.#literal(literal)
    else if (c === code('-') || isDigit(c)) this.#number()
    else this.#refuse('looking for beginning of value')
  }

  #key(): void {
    if (this.#must() !== quote) this.#refuse('looking for beginning of object key string')
    this.#string()
    if (this.#must() !== colon) this.#refuse('after object key')
    this.#at++
  }

  #string(): void {
    this.#at++
    for (;;) {
      const c = this.#here()
      if (c < 0x20) this.#refuse('in string literal')
      this.#at++
      if (c === quote) return
      if (c === backslash) this.#escape()
    }
  }

  #escape(): void {
    const c = this.#here()
    if (c !== code('u') && !escapes.has(c)) this.#refuse('in string escape code')
    this.#at++
    if (c !== code('u')) return
    for (let digits = 0; digits < 4; digits++, this.#at++)
      if (!/[\da-fA-F]/.test(String.fromCharCode(this.#here()))) this.#refuse('in \\u hexadecimal character escape')
  }

  #literal(word: string): void {
    for (const expected of word) {
      if (this.#here() !== code(expected)) this.#refuse(`in literal ${word} (expecting '${expected}')`)
      this.#at++
    }
  }

  #number(): void {
    if (this.#bytes[this.#at] === code('-')) this.#at++
    if (this.#here() === code('0')) this.#at++
    else this.#digits('in numeric literal')
    if (this.#bytes[this.#at] === code('.')) {
      this.#at++
      this.#digits('after decimal point in numeric literal')
    }
    const c = this.#bytes[this.#at]
    if (c !== code('e') && c !== code('E')) return
    this.#at++
    const sign = this.#here()
    if (sign === code('+') || sign === code('-')) this.#at++
    this.#digits('in exponent of numeric literal')
  }

  #digits(where: string): void {
    if (!isDigit(this.#here())) this.#refuse(where)
    while (isDigit(this.#bytes[this.#at])) this.#at++
  }

  /** The next byte that is no space; undefined at the end. */
  #skipped(): number | undefined {
    while (isSpace(this.#bytes[this.#at])) this.#at++
    return this.#bytes[this.#at]
  }

  #must(): number {
    this.#skipped()
    return this.#here()
  }

  #here(): number {
    const c = this.#bytes[this.#at]
    if (c === undefined) throw new Fault(tooShort)
    return c
  }

  #refuse(where: string): never {
    throw new Fault(`invalid character ${quoted(this.#bytes[this.#at]!)} ${where}`)
  }
}

/** A byte as a character in Go's quotes. */
function quoted(byte: number): string {
  const known = { 39: "\\'", 92: '\\\\', 7: '\\a', 8: '\\b', 9: '\\t', 10: '\\n', 11: '\\v', 12: '\\f', 13: '\\r' }
  const name = known[byte as keyof typeof known]
  if (name) return `'${name}'`
  if (byte < 0x20 || byte === 0x7f) return `'\\x${byte.toString(16).padStart(2, '0')}'`
  if ((byte >= 0x80 && byte < 0xa1) || byte === 0xad) return `'\\u${byte.toString(16).padStart(4, '0')}'`
  return `'${String.fromCharCode(byte)}'`
}
