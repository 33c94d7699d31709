import { compareKeys } from './key-order.ts'
import { numberText } from './number.ts'
import { isSimpleKey, styleOf } from './scalar.ts'
import { TextBuffer } from './text-buffer.ts'

/** Texts are broken at a blank after so many characters of a line. */
const lineWidth = 80

type Value = unknown

/**
 * Writes JSON values as Go's YAML (sigs.k8s.io/yaml) does: members by their names, lists no further in than their names,
 * texts in quotes only where they would be read as something else, and broken after 80 characters.
 * What is written is one document; `end()` gives it.
 */
export class YamlEmitter {
  readonly #out: TextBuffer
  #column = 0
  /** Nothing but blanks, and the dashes and question marks of what begins here, stands in the line so far. */
  #atIndent = true
  #afterBlank = true

  /** @param expectedBytes about how long it will be */
  constructor(expectedBytes = 4096) {
    this.#out = new TextBuffer(expectedBytes)
  }

  /** How many bytes are written. */
  get length(): number {
    return this.#out.length
  }

  end(): Buffer {
    this.#newLine(0)
    return this.#out.take()
  }

  /** @param indent of the map or list that the value is in; -1 at the top */
  value(value: Value, indent = -1): void {
    if (Array.isArray(value)) this.#list(value, indent, false)
    else if (typeof value === 'object' && value !== null) this.#map(value as Record<string, Value>, indent)
    else this.#scalar(value, indent)
  }

  /** The name of a member, with its colon. @param indent of the map */
  key(name: string, indent: number): void {
    this.#newLine(indent)
    if (isSimpleKey(name)) {
      this.#text(name, indent, true)
      this.#indicator(':', false, false)
      return
    }
    this.#indicator('?', true, true)
    this.#text(name, indent, false)
    this.#newLine(indent)
    this.#indicator(':', true, true)
  }

  /** The dash of an element. @param indent of the list */
  dash(indent: number): void {
    this.#newLine(indent)
    this.#indicator('-', true, true)
  }

  #map(value: Record<string, Value>, outer: number): void {
    const names = Object.keys(value)
    if (names.length === 0) this.#indicator('{}', true, false)
    const indent = outer < 0 ? 0 : outer + 2
    if (!sorted(names)) names.sort(compareKeys)
    for (const name of names) {
      this.key(name, indent)
      const member = value[name]
      if (Array.isArray(member)) this.#list(member, indent, !this.#atIndent)
      else this.value(member, indent)
    }
  }

  #list(value: Value[], outer: number, asMember: boolean): void {
    if (value.length === 0) this.#indicator('[]', true, false)
    const indent = outer < 0 ? 0 : asMember ? outer : outer + 2
    for (const element of value) {
      this.dash(indent)
      this.value(element, indent)
    }
  }

  #scalar(value: Value, indent: number): void {
    if (typeof value === 'string') this.#text(value, indent, false)
    else this.#plain(typeof value === 'number' || typeof value === 'bigint' ? numberText(value) : String(value))
  }

  #text(text: string, outer: number, asKey: boolean): void {
    const indent = outer < 0 ? 2 : outer + 2
    const style = styleOf(text, asKey)
    if (style === 'literal') this.#literal(text, indent)
    else if (style === 'double') this.#doubleQuoted(text, indent, asKey)
    else if (style === 'single') this.#singleQuoted(text, indent, asKey)
    else if (asKey || this.#column + 1 + text.length <= lineWidth || !text.includes(' ')) this.#plain(text)
    else this.#plainLines(text, indent)
  }

  #plain(text: string): void {
    if (!this.#afterBlank) this.#write(' ')
    this.#write(text)
    this.#afterBlank = false
    this.#atIndent = false
  }

  #plainLines(text: string, indent: number): void {
    if (!this.#afterBlank) this.#write(' ')
    let spaces = false
    this.#afterBlank = false
    this.#atIndent = false
    for (let i = 0; i < text.length; i++) {
      const isSpace = text[i] === ' '
      if (isSpace && !spaces && this.#column > lineWidth && text[i + 1] !== ' ') this.#newLine(indent)
      else this.#write(text[i]!)
      // What comes next is no beginning of a line.
      if (!isSpace) this.#atIndent = false
      spaces = isSpace
    }
    this.#afterBlank = false
    this.#atIndent = false
  }

  #singleQuoted(text: string, indent: number, asKey: boolean): void {
    this.#indicator("'", true, false)
    let spaces = false
    let breaks = false
    for (let i = 0; i < text.length; i++) {
      const char = text[i]!
      if (char === ' ') {
        const mayBreak = !asKey && !spaces && i > 0 && i < text.length - 1 && text[i + 1] !== ' '
        if (mayBreak && this.#column > lineWidth) this.#newLine(indent)
        else this.#write(char)
        spaces = true
      } else if (isBreak(char)) {
        this.#writeBreak(char)
        this.#atIndent = true
        breaks = true
      } else {
        if (breaks) this.#newLine(indent)
        this.#write(char === "'" ? "''" : char)
        this.#atIndent = false
        spaces = false
        breaks = false
      }
    }
    this.#indicator("'", false, false)
    this.#afterBlank = false
    this.#atIndent = false
  }

  #doubleQuoted(text: string, indent: number, asKey: boolean): void {
    this.#indicator('"', true, false)
    let spaces = false
    const allEscaped = text.startsWith('\ufeff')
    for (let i = 0; i < text.length; i++) {
      const code = text.codePointAt(i)!
      if (code > 0xffff) i++
      if (code === 0x20 && !allEscaped) {
        if (!asKey && !spaces && this.#column > lineWidth && i > 0 && i < text.length - 1) {
          this.#newLine(indent)
          if (text[i + 1] === ' ') this.#write('\\')
        } else this.#write(' ')
        spaces = true
        continue
      }
      this.#write(allEscaped || isEscaped(code) ? escaped(code) : String.fromCharCode(code))
      spaces = false
    }
    this.#indicator('"', false, false)
    this.#afterBlank = false
    this.#atIndent = false
  }

  #literal(text: string, indent: number): void {
    this.#indicator('|', true, false)
    if (/^[ \n\r\u0085\u2028\u2029]/.test(text)) this.#indicator('2', false, false)
    if (!isBreak(text.at(-1)!)) this.#indicator('-', false, false)
    else if (text.length === 1 || isBreak(text.at(-2)!)) this.#indicator('+', false, false)
    this.#writeBreak('\n')
    this.#atIndent = true
    this.#afterBlank = true
    let from = 0
    for (let i = 0; i < text.length; i++) {
      if (!isBreak(text[i]!)) continue
      if (i > from) this.#literalLine(text.slice(from, i), indent)
      this.#writeBreak(text[i]!)
      this.#atIndent = true
      from = i + 1
    }
    if (from < text.length) this.#literalLine(text.slice(from), indent)
  }

  #literalLine(line: string, indent: number): void {
    this.#newLine(indent)
    this.#write(line)
    this.#atIndent = false
  }

  /** Goes to the beginning of a line, unless it is there: then only blanks are missing. */
  #newLine(indent: number): void {
    if (!this.#atIndent || this.#column > indent || (this.#column === indent && !this.#afterBlank)) {
      this.#out.write('\n')
      this.#column = 0
    }
    if (this.#column < indent) this.#write(blanks(indent - this.#column))
    this.#afterBlank = true
    this.#atIndent = true
  }

  #indicator(text: string, needsBlank: boolean, keepsIndent: boolean): void {
    if (needsBlank && !this.#afterBlank) this.#write(' ')
    this.#write(text)
    this.#afterBlank = false
    this.#atIndent &&= keepsIndent
  }

  #writeBreak(char: string): void {
    this.#out.write(char)
    this.#column = 0
  }

  #write(text: string): void {
    this.#out.write(text)
    this.#column += text.length
  }
}

function sorted(names: string[]): boolean {
  for (let i = 1; i < names.length; i++) if (compareKeys(names[i - 1]!, names[i]!) > 0) return false
  return true
}

const kept = Array.from({ length: 32 }, (_, count) => ' '.repeat(count))
const blanks = (count: number): string => kept[count] ?? ' '.repeat(count)

const isBreak = (char: string): boolean =>
  char === '\n' || char === '\r' || char === '\u0085' || char === '\u2028' || char === '\u2029'

function isEscaped(code: number): boolean {
  if (code === 0x22 || code === 0x5c || code < 0x20) return true
  if (code < 0x7f) return false
  return code < 0xa0 || (code >= 0xd800 && code < 0xe000) || code > 0xfffd || [0x2028, 0x2029, 0xfeff].includes(code)
}

const short: Record<number, string> = {
  0: '0',
  7: 'a',
  8: 'b',
  9: 't',
  10: 'n',
  11: 'v',
  12: 'f',
  13: 'r',
  27: 'e',
  34: '"',
  92: '\\',
  133: 'N',
  160: '_',
  8232: 'L',
  8233: 'P',
}

function escaped(code: number): string {
  const letter = short[code]
  if (letter !== undefined) return `\\${letter}`
  const hex = code.toString(16).toUpperCase()
  if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`
  return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`
}
