import { type FieldError, invalid, tooLong } from '../field-error.ts'

const maxManagerBytes = 128

const plain = /^[ -~]*$/
const encoder = new TextEncoder()
const bytesOf = (text: string): number => encoder.encode(text).length

/** What is wrong with the name of somebody who owns fields: at most 128 bytes, all printable. */
export function checkManagerName(field: string, name: string): FieldError[] {
  // All that every write names, and its bytes are its characters.
  if (name.length <= maxManagerBytes && plain.test(name)) return []
  const errors = bytesOf(name) > maxManagerBytes ? [tooLong(field, maxManagerBytes)] : []
  for (const { 0: character, index } of name.matchAll(/[^\x20-\x7e\u00a0-\u{10ffff}]/gu)) {
    const code = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')
    const at = bytesOf(name.slice(0, index))
    errors.push(invalid(field, name, `invalid character U+${code} (at position ${at})`))
  }
  return errors
}
