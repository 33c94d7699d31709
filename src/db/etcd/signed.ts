import type { Author } from '../store.ts'

/*
 * Who wrote a value and when, behind its bytes: etcd has no place for that, and another key in each commit would cost a write
 * and an event more. `<value> <time> <request> <user>`, the length of that text in two bytes, and the mark. What has no author and
 * happens to end like one that has gets an empty text, so what is read back is always what was written.
 */

/** Eight bytes that no text ends with. */
const mark = Buffer.from([0x00, 0xc1, 0x0f, 0xfe, 0x9a, 0xd3, 0x62, 0x00])
const lengthBytes = 2

export interface Signature {
  timeMs: number
  author: Author
}

export function sign(value: Uint8Array, signature: Signature | undefined): Uint8Array {
  if (!signature && !isMarked(value)) return value
  const text = Buffer.from(signature ? textOf(signature) : '')
  const signed = Buffer.allocUnsafe(value.length + text.length + lengthBytes + mark.length)
  signed.set(value)
  signed.set(text, value.length)
  const end = signed.writeUInt16BE(text.length, value.length + text.length)
  signed.set(mark, end)
  return signed
}

/** The bytes that were written, not copied and without Buffer's methods, as other engines give them. */
export function unsigned(signed: Buffer): Uint8Array {
  return new Uint8Array(signed.buffer, signed.byteOffset, isMarked(signed) ? textStart(signed) : signed.length)
}

/** undefined: nobody was named. */
export function signatureOf(signed: Buffer): Signature | undefined {
  if (!isMarked(signed)) return undefined
  const text = signed.toString('utf8', textStart(signed), signed.length - mark.length - lengthBytes)
  return text === '' ? undefined : readSignature(text)
}

export function textOf({ timeMs, author }: Signature): string {
  return `${timeMs} ${author.request} ${author.user}`
}

/** The inverse of textOf. */
export function readSignature(text: string): Signature {
  const [time = '', request = ''] = text.split(' ', 2)
  return { timeMs: Number(time), author: { request, user: text.slice(time.length + request.length + 2) } }
}

function isMarked(value: Uint8Array): boolean {
  const from = value.length - mark.length
  if (from < lengthBytes || value[value.length - 2] !== mark.at(-2)) return false
  return mark.every((byte, i) => value[from + i] === byte)
}

function textStart(signed: Buffer): number {
  const end = signed.length - mark.length - lengthBytes
  return Math.max(end - signed.readUInt16BE(end), 0)
}
