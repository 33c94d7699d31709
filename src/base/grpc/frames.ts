/** Of HTTP/2. @see RFC 9113, section 6 */
export const frameType = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, window: 8, more: 9 } as const
export const frameFlag = { ack: 1, endStream: 1, endHeaders: 4, padded: 8, priority: 32 } as const

/** The most that either side sends in one frame, in bytes. */
export const mostInFrame = 16_384
const headBytes = 9

export interface Frame {
  type: number
  flags: number
  stream: number
  payload: Buffer
}

/** The other side does not speak HTTP/2 as it should. */
export class BadFrame extends Error {}

export function frameHead(type: number, flags: number, stream: number, length: number): Buffer {
  const head = Buffer.allocUnsafe(headBytes)
  head.writeUIntBE(length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return head
}

/** A whole frame whose payload is nothing but 32-bit numbers. */
export function numbersFrame(type: number, flags: number, stream: number, ...numbers: number[]): Buffer {
  const payload = Buffer.allocUnsafe(4 * numbers.length)
  numbers.forEach((number, i) => void payload.writeUInt32BE(number, 4 * i))
  return Buffer.concat([frameHead(type, flags, stream, payload.length), payload])
}

/** Settings by their numbers. */
export function settingsFrame(settings: Record<number, number>): Buffer {
  const payload = Buffer.concat(
    Object.entries(settings).map(([id, value]) => {
      const one = Buffer.allocUnsafe(6)
      one.writeUInt16BE(Number(id))
      one.writeUInt32BE(value, 2)
      return one
    }),
  )
  return Buffer.concat([frameHead(frameType.settings, 0, 0, payload.length), payload])
}

/** Cuts what arrives into frames. */
export class FrameReader {
  #rest: Buffer | undefined;

  /** @throws BadFrame */
  *frames(chunk: Buffer): Generator<Frame, void, undefined> {
    let bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk
    this.#rest = undefined
    while (bytes.length >= headBytes) {
      const length = bytes.readUIntBE(0, 3)
      if (length > mostInFrame) throw new BadFrame(`a frame of ${length} bytes, more than was agreed`)
      if (bytes.length < headBytes + length) break
      const payload = bytes.subarray(headBytes, headBytes + length)
      yield { type: bytes[3]!, flags: bytes[4]!, stream: bytes.readUInt32BE(5) & 0x7fff_ffff, payload }
      bytes = bytes.subarray(headBytes + length)
    }
    if (bytes.length) this.#rest = bytes
  }
}

/** What of a frame of data or headers is not padding or priority. @throws BadFrame */
export function contentOf({ flags, payload, type }: Frame): Buffer {
  let [from, to] = [0, payload.length]
  if (flags & frameFlag.padded) {
    to -= payload[0] ?? 0
    from = 1
  }
  if (type === frameType.headers && flags & frameFlag.priority) from += 5
  if (from > to) throw new BadFrame('a frame that is all padding and more')
  return payload.subarray(from, to)
}
