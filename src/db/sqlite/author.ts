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

/** Undefined: it is none, or not written in small letters. */
function bytesOfUuid(text: string): Uint8Array | undefined {
  if (text.length !== 36) return undefined
  const out = new Uint8Array(uuidBytes)
  for (let at = 0, i = 0; at < text.length; at++) {
    const isDash = text.charCodeAt(at) === dash
    if (isDash !== (at === 8 || at === 13 || at === 18 || at === 23)) return undefined
    if (isDash) continue
    const value = nibble(text.charCodeAt(at))
    if (value < 0) return undefined
    out[i >> 1]! += i % 2 ? value : value << 4
    i++
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
