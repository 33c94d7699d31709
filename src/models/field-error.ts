import { encodeJson } from './encode-json.ts'
/** One thing wrong with one field, in Kubernetes' words. */
export interface FieldError {
  /** `spec.containers[0].image` */
  field: string
  reason: FieldErrorReason
  /** The whole sentence after the field: `Required value`, `Invalid value: "x": must be …`. */
  message: string
}

export type FieldErrorReason =
  | 'FieldValueRequired'
  | 'FieldValueInvalid'
  | 'FieldValueDuplicate'
  | 'FieldValueNotSupported'
  | 'FieldValueNotFound'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueTypeInvalid'
  | 'InternalError'

export function required(field: string, detail = ''): FieldError {
  return { field, reason: 'FieldValueRequired', message: detail ? `Required value: ${detail}` : 'Required value' }
}

export function invalid(field: string, value: unknown, detail: string): FieldError {
  return { field, reason: 'FieldValueInvalid', message: `Invalid value: ${show(value)}${detail && `: ${detail}`}` }
}

export function duplicate(field: string, value: unknown): FieldError {
  return { field, reason: 'FieldValueDuplicate', message: `Duplicate value: ${show(value)}` }
}

export function notSupported(field: string, value: unknown, supported: readonly string[]): FieldError {
  const list = supported.map(s => JSON.stringify(s)).join(', ')
  return {
    field,
    reason: 'FieldValueNotSupported',
    message: `Unsupported value: ${show(value)}: supported values: ${list}`,
  }
}

export function notFound(field: string, value: unknown): FieldError {
  return { field, reason: 'FieldValueNotFound', message: `Not found: ${show(value)}` }
}

export function forbidden(field: string, detail: string): FieldError {
  return { field, reason: 'FieldValueForbidden', message: `Forbidden: ${detail}` }
}

export function tooLong(field: string, maxBytes: number): FieldError {
  return { field, reason: 'FieldValueTooLong', message: `Too long: may not be more than ${maxBytes} bytes` }
}

export function tooMany(field: string, actual: number, max: number): FieldError {
  return { field, reason: 'FieldValueTooMany', message: `Too many: ${actual}: must have at most ${max} items` }
}

export function typeInvalid(field: string, value: unknown, detail: string): FieldError {
  return { field, reason: 'FieldValueTypeInvalid', message: `Invalid value: ${show(value)}: ${detail}` }
}

/** A value in Go's own notation, as it stands. */
export class GoText {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** A text as Go quotes it: `"a\x01"`. */
export function goQuote(text: string): string {
  const short: Record<string, string> = { '\u0007': '\\a', '\u000b': '\\v' }
  return JSON.stringify(text).replace(/\\u00[01][0-9a-f]|\u007f/g, found => {
    const char = found === '\u007f' ? found : String.fromCharCode(Number.parseInt(found.slice(2), 16))
    return short[char] ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}

/** A value of any form in Go's notation: `map[string]interface {}{"a":1}`. */
export function goValue(value: unknown): GoText {
  return new GoText(goNotation(value))
}

function goNotation(value: unknown): string {
  if (value === null || value === undefined) return 'interface {}(nil)'
  if (typeof value === 'string') return goQuote(value)
  if (Array.isArray(value)) return `[]interface {}{${value.map(goNotation).join(', ')}}`
  if (typeof value !== 'object') return String(value)
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `map[string]interface {}{${entries.map(([k, v]) => `${goQuote(k)}:${goNotation(v)}`).join(', ')}}`
}

/** Objects and long lists are cut off: who reads it wants to know which it was. */
const mostShown = 256

function show(value: unknown): string {
  if (value instanceof GoText) return value.text
  // What is not there is a word in Kubernetes' messages.
  if (value === null || value === undefined) return '"null"'
  if (typeof value === 'string') return goQuote(value)
  if (Array.isArray(value) && value.length && value.every(v => typeof v === 'string'))
    return `[]string{${value.map(goQuote).join(', ')}}`
  const text = encodeJson(value) ?? String(value)
  return text.length > mostShown ? `${text.slice(0, mostShown - 3)}...` : text
}
