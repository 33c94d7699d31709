/*
 * What must be known of DNS messages that are passed on as they are, to keep them for a while. @see RFC 1035, section 4.1
 */

const headerBytes = 12
const types = { soa: 6, opt: 41 }

/** What an answer of somebody else's says of how long it may be kept. */
export interface KeptAnswer {
  /** Seconds, the smallest of its records; undefined: it must not be kept. */
  seconds: number | undefined
  /** Where in the message the records' own seconds are. */
  ttlsAt: number[]
}

/** A message as TCP carries it. */
export function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(2)
  head.writeUInt16BE(message.length)
  return Buffer.concat([head, message])
}

/** Where the one question ends. @throws RangeError when the message is cut off */
export function questionEnd(message: Buffer): number {
  return nameEnd(message, headerBytes) + 4
}

/** No error but that the name does not exist, whole, and to one question. */
function isKeepable(message: Buffer): boolean {
  const [truncated, code] = [message[2]! & 0x02, message[3]! & 0x0f]
  return !truncated && (code === 0 || code === 3) && message.readUInt16BE(4) === 1
}

/**
 * An answer without records may be kept as long as its zone says of names that are not there.
 * @throws RangeError when the message is cut off
 * @see RFC 2308, section 5
 */
export function readKeptAnswer(message: Buffer): KeptAnswer {
  const ttlsAt: number[] = []
  if (message.length < headerBytes || !isKeepable(message)) return { seconds: undefined, ttlsAt }
  const counts = [6, 8, 10].map(at => message.readUInt16BE(at))
  let at = questionEnd(message)
  let seconds: number | undefined
  const atMost = (more: number) => (seconds = Math.min(seconds ?? more, more))
  for (const [section, count] of counts.entries())
    for (let i = 0; i < count; i++) {
      at = nameEnd(message, at)
      const type = message.readUInt16BE(at)
      const ttl = message.readUInt32BE(at + 4)
      const end = at + 10 + message.readUInt16BE(at + 8)
      if (type !== types.opt) ttlsAt.push(at + 4)
      if (section === 0) atMost(ttl)
      else if (section === 1 && counts[0] === 0 && type === types.soa)
        atMost(Math.min(ttl, message.readUInt32BE(end - 4)))
      at = end
    }
  return { seconds, ttlsAt }
}

function nameEnd(message: Buffer, from: number): number {
  for (let at = from; ; ) {
    const length = message.readUInt8(at)
    if (length === 0) return at + 1
    // The rest of the name is elsewhere.
    if (length >= 0xc0) return at + 2
    at += length + 1
  }
}
