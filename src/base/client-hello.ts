/** What a TLS client begins with must fit in so many bytes. */
export const mostHelloBytes = 16_384 + 5

const handshakeRecord = 22
const clientHello = 1
const serverNameExtension = 0

/**
 * The name of the server that a TLS client asks for, from the first bytes that it sends.
 * @returns undefined while there are too few bytes; '' if it names nobody, or does not speak TLS
 * @see RFC 8446, section 4.1.2; RFC 6066, section 3
 */
export function serverNameOf(bytes: Buffer): string | undefined {
  if (bytes.length === 0) return undefined
  if (bytes[0] !== handshakeRecord) return ''
  const hello = handshakeOf(bytes)
  if (hello === undefined) return bytes.length >= mostHelloBytes ? '' : undefined
  try {
    return nameIn(hello)
  } catch (error) {
    // A length that leads out of the message: no TLS that we know.
    if (error instanceof RangeError) return ''
    throw error
  }
}

/** The first handshake message, put together from its records; undefined: it is not whole yet. */
function handshakeOf(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = []
  let have = 0
  for (let at = 0; at + 5 <= bytes.length && bytes[at] === handshakeRecord; ) {
    const end = at + 5 + bytes.readUInt16BE(at + 3)
    parts.push(bytes.subarray(at + 5, end))
    have += Math.min(end, bytes.length) - at - 5
    at = end
    if (have < 4) continue
    const message = Buffer.concat(parts)
    const length = 4 + message.readUIntBE(1, 3)
    if (message.length >= length) return message.subarray(0, length)
  }
  return undefined
}

/** @throws RangeError when a length leads out of the message */
function nameIn(hello: Buffer): string {
  if (hello[0] !== clientHello) return ''
  // Message type and length, version, random.
  let at = 4 + 2 + 32
  at += 1 + hello.readUInt8(at)
  at += 2 + hello.readUInt16BE(at)
  at += 1 + hello.readUInt8(at)
  const end = at + 2 + hello.readUInt16BE(at)
  for (at += 2; at < end; ) {
    const type = hello.readUInt16BE(at)
    const length = hello.readUInt16BE(at + 2)
    // The list's length, the name's type and length: the only type is a host name.
    if (type === serverNameExtension)
      return hello.toString('latin1', at + 9, at + 9 + hello.readUInt16BE(at + 7)).toLowerCase()
    at += 4 + length
  }
  return ''
}
