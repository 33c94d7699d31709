import type { Json } from './side.ts'

const magic = Buffer.from('k8s\0')
const newest = 1_767_225_600 // 2026: times of these years are a server's own

/**
 * What bytes of protobuf say, without a schema, so that neither server's idea of one is believed: messages as objects of their
 * fields' numbers, texts as texts, envelopes and frames of watches as what is in them.
 */
export function wireTree(bytes: Buffer, isWatch = false): Json {
  if (!isWatch) return contentOf(bytes)
  const frames: Json[] = []
  for (let at = 0; at + 4 <= bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at)
    frames.push(messageOf(bytes.subarray(at + 4, end)) ?? '<no message>')
    at = end
  }
  return frames
}

function contentOf(bytes: Buffer): Json {
  if (bytes.subarray(0, 4).equals(magic)) return { envelope: messageOf(bytes.subarray(4)) ?? '<no message>' }
  if (!bytes.length) return ''
  const text = bytes.toString('utf8')
  if (isText(bytes, text)) return text.startsWith('{') ? parsed(text) : text
  return messageOf(bytes) ?? bytes.toString('base64')
}

/** Messages have tags and lengths below that of a space; a first field's tag is that of a line's end. */
const isText = (bytes: Buffer, text: string): boolean =>
  bytes[0]! >= 32 && !text.includes('\ufffd') && bytes.every(byte => byte >= 32 || byte === 9 || byte === 10)

/** Owners of fields are JSON in protobuf. */
function parsed(text: string): Json {
  try {
    return { json: JSON.parse(text) }
  } catch {
    return text
  }
}

/** @returns undefined for what is none */
function messageOf(bytes: Buffer): Json {
  const message: Json = {}
  let at = 0
  const varint = (): bigint | undefined => {
    let value = 0n
    for (let shift = 0n; at < bytes.length && shift < 70n; shift += 7n) {
      const byte = bytes[at++]!
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
    return undefined
  }
  while (at < bytes.length) {
    const tag = varint()
    if (tag === undefined || tag < 8n || tag > 0xff_ff_ffn) return undefined
    const wire = Number(tag & 7n)
    let value: Json
    if (wire === 0) value = varint()?.toString()
    else if (wire === 2) {
      const length = varint()
      const end = at + Number(length ?? bytes.length + 1)
      if (end > bytes.length) return undefined
      value = contentOf(bytes.subarray(at, end))
      at = end
    } else if (wire === 1 || wire === 5) {
      const end = at + (wire === 1 ? 8 : 4)
      if (end > bytes.length) return undefined
      value = `fixed ${bytes.toString('hex', at, end)}`
      at = end
    }
    if (value === undefined) return undefined
    const key = String(tag >> 3n)
    if (!(key in message)) message[key] = value
    else if (Array.isArray(message[key])) message[key].push(value)
    else message[key] = [message[key], value]
  }
  return withoutOwn(message)
}

/** Without times of now, and versions where metadata has them. */
function withoutOwn(message: Json): Json {
  const keys = Object.keys(message)
  if (typeof message[1] === 'string' && Number(message[1]) > newest && keys.every(key => key === '1' || key === '2'))
    return '<time>'
  const { 1: metadata } = message
  // ObjectMeta has a version in 6, ListMeta in 2 with a link in 1.
  if (metadata && typeof metadata === 'object') {
    if (/^\d+$/.test(metadata[6])) metadata[6] = '<version>'
    if (/^\d+$/.test(metadata[2]) && Object.keys(metadata).every(key => key <= '4')) metadata[2] = '<version>'
  }
  // Nothing, or an empty text, or zero: Kubernetes writes what is not there, and whoever reads takes them for the same.
  for (const [key, value] of Object.entries(message)) if (value === '' || value === '0') delete message[key]
  return message
}
