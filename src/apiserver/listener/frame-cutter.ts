import type { Duplex } from 'node:stream'

/** Cuts a stream of WebSocket frames so that no piece holds the end of one and the beginning of the next. */
export class FrameCutter {
  /** Payload bytes of the present frame that are still to come. */
  #left = 0
  /** The beginning of a frame's head that came without its end. */
  #head: Buffer = Buffer.alloc(0)

  cut(chunk: Buffer): Buffer[] {
    const pieces: Buffer[] = []
    let rest = this.#head.length ? Buffer.concat([this.#head, chunk]) : chunk
    this.#head = Buffer.alloc(0)
    while (rest.length) {
      if (this.#left === 0) {
        const length = frameLength(rest)
        if (length === undefined) {
          this.#head = rest
          break
        }
        this.#left = length
      }
      const piece = rest.subarray(0, this.#left)
      this.#left -= piece.length
      rest = rest.subarray(piece.length)
      pieces.push(piece)
    }
    return pieces
  }
}

/** Of the whole frame, head included; undefined if its head is not all there. */
function frameLength(bytes: Buffer): number | undefined {
  if (bytes.length < 2) return undefined
  const mask = bytes[1]! & 0x80 ? 4 : 0
  const short = bytes[1]! & 0x7f
  if (short < 126) return 2 + mask + short
  if (short === 126) return bytes.length < 4 ? undefined : 4 + mask + bytes.readUInt16BE(2)
  return bytes.length < 10 ? undefined : 10 + mask + Number(bytes.readBigUInt64BE(2))
}

/**
 * Passes WebSocket frames on, each in a write of its own, and so in a TLS record of its own. Clients that ask their socket
 * whether there is something to read (Python's) do not see what TLS has already taken in with the frame before.
 */
export async function passFrames(from: Duplex, early: Buffer, to: Duplex): Promise<void> {
  const cutter = new FrameCutter()
  const pass = async (chunk: Buffer) => {
    for (const piece of cutter.cut(chunk)) await new Promise<void>(resolve => to.write(piece, () => resolve()))
  }
  try {
    if (early.length) await pass(early)
    for await (const chunk of from) await pass(chunk)
    to.end()
  } catch {
    to.destroy()
  }
}
