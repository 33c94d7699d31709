import type { Author } from '../store.ts'
import type { Packer, Unpacker } from './packing.ts'

/*
 * Who made a commit, as it travels and is kept: the user's name (kept once, see Authors), and the request's name as bytes:
 * sixteen of them where it is a UUID, as most are.
 */

const uuidBytes = 16
/** Before a text that is as long as the bytes of a UUID. */
const textMark = 0

export function packAuthor(packer: Packer, author: Author | undefined): void {
  packer.text(author?.user ?? '')
  packer.value(author && requestBytes(author.request))
}

export function unpackAuthor(unpacker: Unpacker): Author | undefined {
  const user = unpacker.key()
  const request = unpacker.value()
  return user === '' ? undefined : { user, request: request ? requestText(request) : '' }
}

function requestBytes(request: string): Uint8Array {
  const id = bytesOfUuid(request)
  if (id) return id
  const text = Buffer.from(request)
  return text.length === uuidBytes ? Buffer.concat([Buffer.from([textMark]), text]) : text
}

/** Where in the text of a UUID the first digit of each byte stands. */
const places = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]
const dashes = [8, 13, 18, 23]

/** Undefined: it is none, or not written in small letters. */
function bytesOfUuid(text: string): Uint8Array | undefined {
  if (text.length !== 36) return undefined
  for (const at of dashes) if (text.charCodeAt(at) !== dash) return undefined
  const out = new Uint8Array(uuidBytes)
  for (let i = 0; i < uuidBytes; i++) {
    const at = places[i]!
    const [high, low] = [nibble(text.charCodeAt(at)), nibble(text.charCodeAt(at + 1))]
    if (high < 0 || low < 0) return undefined
    out[i] = (high << 4) | low
  }
  return out
}

const dash = 0x2d
const nibble = (code: number) =>
  code >= 0x30 && code <= 0x39 ? code - 0x30 : code >= 0x61 && code <= 0x66 ? code - 0x57 : -1

function requestText(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes.length !== uuidBytes) return buffer.toString('utf8', bytes[0] === textMark ? 1 : 0)
  return buffer.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
