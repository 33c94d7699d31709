import type { Author } from '../store.ts'
import type { Packer, Unpacker } from './packing.ts'

/*
 * Who made a commit, as it travels and is kept: the user's name (kept once, see Authors), and the request's name as bytes:
 * sixteen of them where it is a UUID, as most are.
 */

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
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
  if (uuid.test(request)) return Buffer.from(request.replaceAll('-', ''), 'hex')
  const text = Buffer.from(request)
  return text.length === uuidBytes ? Buffer.concat([Buffer.from([textMark]), text]) : text
}

function requestText(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes.length !== uuidBytes) return buffer.toString('utf8', bytes[0] === textMark ? 1 : 0)
  return buffer.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
