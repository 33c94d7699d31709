/** What is refused, as every gRPC client does unless told otherwise for large answers. */
const mostBytes = 256 << 20
const headBytes = 5

/** Cuts the data of a gRPC stream into messages: each has a mark of compression and its length before it. */
export class MessageReader {
  #chunks: Buffer[] = []
  #held = 0
  #needed = headBytes

  /** @returns undefined, or what is wrong */
  take(chunk: Buffer, tell: (message: Buffer) => void): string | undefined {
    this.#chunks.push(chunk)
    this.#held += chunk.length
    while (this.#held >= this.#needed) {
      const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
      const end = headBytes + all.readUInt32BE(1)
      if (all[0] !== 0) return 'the message is compressed, which was not asked for'
      if (end > mostBytes) return `the message is larger than ${mostBytes} bytes`
      const whole = all.length >= end
      const rest = whole ? all.subarray(end) : all
      this.#chunks = rest.length ? [rest] : []
      this.#held = rest.length
      this.#needed = whole ? headBytes : end
      if (whole) tell(all.subarray(headBytes, end))
    }
    return undefined
  }
}

/** A message with what goes before it. */
export function framed(message: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(headBytes + message.length)
  out[0] = 0
  out.writeUInt32BE(message.length, 1)
  out.set(message, headBytes)
  return out
}
