import { ApiError, badRequest } from '../api-error.ts'
import type { ListMeta } from '../types/meta-v1.ts'
import { hasMagic, hasMessage, messageCodec, setNestedEnvelopes } from './messages.ts'
import { ProtobufError, WireReader, WireWriter, wireTypes } from './wire.ts'

export { ProtobufError } from './wire.ts'

/** `Content-Type` and `Accept` of the envelopes; that of watches has `;stream=watch` behind it. */
export const protobufType = 'application/vnd.kubernetes.protobuf'

const magic = Uint8Array.of(0x6b, 0x38, 0x73, 0x00)
const { bytes } = wireTypes

/** Kinds of every group that are not the group's own. */
const metaKinds = new Set([
  'APIGroup',
  'APIGroupList',
  'APIResourceList',
  'APIVersions',
  'CreateOptions',
  'DeleteOptions',
  'GetOptions',
  'ListOptions',
  'PartialObjectMetadata',
  'PartialObjectMetadataList',
  'PatchOptions',
  'Status',
  'UpdateOptions',
  'WatchEvent',
])

/** `rbac.authorization.k8s.io/v1`, `Role` → `rbac/v1.Role`: the schema of a kind by Kubernetes' rule of names. */
export function schemaNameOf(apiVersion: string, kind: string): string {
  if (metaKinds.has(kind)) return `meta/v1.${kind}`
  const slash = apiVersion.indexOf('/')
  if (slash < 0) return `core/${apiVersion}.${kind}`
  return `${apiVersion.slice(0, slash).split('.')[0]}${apiVersion.slice(slash)}.${kind}`
}

/** True if objects of this schema can be sent as protobuf; custom resources and kinds of our own cannot. */
export const hasProtobuf = (schema: string): boolean => hasMessage(schema)

/** What an envelope is taken for that does not say. */
interface Expected {
  apiVersion?: string
  kind?: string
  /** Versions of the same form, read as the expected one. */
  alsoRead?: string[]
}

export interface ProtobufBody {
  apiVersion: string
  kind: string
  /** In JSON form, apiVersion and kind included; still to be decoded like any body. */
  value: Record<string, unknown>
}

/**
 * Opens the envelope of a request body.
 * @param expected apiVersion and kind to assume if the envelope names none
 * @throws ApiError BadRequest (no envelope, broken), UnsupportedMediaType (a kind without protobuf form)
 */
export function decodeProtobuf(body: Uint8Array, expected: Expected = {}): ProtobufBody {
  if (!hasMagic(body))
    throw badRequest(
      'the body does not begin as a protobuf envelope of Kubernetes does; send JSON, or the four bytes "k8s\\0" first',
    )
  try {
    return open(body, expected, 0)
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error
    throw new ApiError('BadRequest', `the body is not valid protobuf: ${error.message}`, { cause: error })
  }
}

function open(body: Uint8Array, expected: Expected, depth: number): ProtobufBody {
  const envelope = readEnvelope(body)
  const same = expected.alsoRead?.includes(envelope.apiVersion)
  const apiVersion = (same ? undefined : envelope.apiVersion) || expected.apiVersion || ''
  const kind = envelope.kind || expected.kind || ''
  const schema = schemaNameOf(apiVersion, kind)
  if (!hasMessage(schema))
    throw new ApiError(
      'UnsupportedMediaType',
      `the body of the request was in an unknown format: ${kind || 'an object without kind'} of ${apiVersion || 'no version'} has no protobuf form; send JSON`,
    )
  const value: Record<string, unknown> = { apiVersion, kind }
  messageCodec(schema).read(new WireReader(envelope.raw), value, depth)
  return { apiVersion, kind, value }
}

function readEnvelope(body: Uint8Array): { apiVersion: string; kind: string; raw: Uint8Array } {
  const reader = new WireReader(body, magic.length)
  const out = { apiVersion: '', kind: '', raw: new Uint8Array() as Uint8Array }
  while (!reader.done) {
    const { id, wire } = reader.tag()
    if (wire !== bytes) reader.skip(wire)
    else if (id === 1) {
      for (const type = reader.message(); !type.done; ) {
        const field = type.tag()
        if (field.wire !== bytes) type.skip(field.wire)
        else if (field.id === 1) out.apiVersion = type.string()
        else if (field.id === 2) out.kind = type.string()
        else type.skip(field.wire)
      }
    } else if (id === 2) out.raw = reader.bytes()
    else if (id === 3 || id === 4) {
      const encoding = reader.string()
      if (id === 3 && encoding !== '') throw new ProtobufError(`the content encoding ${encoding} is not known`)
    } else reader.skip(wire)
  }
  return out
}

// Raw fields may hold envelopes: items of a List, objects of watch events.
let nesting = 0
setNestedEnvelopes(data => {
  if (nesting >= 4) throw new ProtobufError('envelopes are nested more than four deep')
  nesting++
  try {
    return open(data, {}, 0).value
  } finally {
    nesting--
  }
})

/**
 * An object (or a list, by its own kind such as PodList) in its envelope.
 * @param schema name of its type; taken from apiVersion and kind unless given
 * @throws ProtobufError if its kind has no protobuf form
 */
export function encodeProtobuf(object: { apiVersion?: string; kind?: string }, schema?: string): Uint8Array {
  const { apiVersion = '', kind = '' } = object
  return sealProtobuf(apiVersion, kind, encodeMessage(schema ?? schemaNameOf(apiVersion, kind), object))
}

/** The bare message of an object, as it stands in lists. @throws ProtobufError if its type has no protobuf form */
export function encodeMessage(schema: string, object: object): Uint8Array {
  const writer = new WireWriter()
  messageCodec(schema).write(writer, object as Record<string, unknown>)
  return writer.finish()
}

/** A message in its envelope. */
export function sealProtobuf(apiVersion: string, kind: string, message: Uint8Array): Uint8Array {
  const writer = new WireWriter(message.length + 64)
  return endEnvelope(beginEnvelope(writer, apiVersion, kind, message.length).raw(message)).finish()
}

/** What stands before a message of so many bytes. */
function beginEnvelope(writer: WireWriter, apiVersion: string, kind: string, length: number): WireWriter {
  return writer
    .raw(magic)
    .tag(1, bytes)
    .message(w => w.tag(1, bytes).string(apiVersion).tag(2, bytes).string(kind))
    .tag(2, bytes)
    .varint(length)
}

function endEnvelope(writer: WireWriter): WireWriter {
  return writer.tag(3, bytes).string('').tag(4, bytes).string('')
}

/**
 * A list in its envelope, in pieces that follow each other: the items themselves, and what stands between. All kinds of lists have
 * their metadata as field 1 and their items as field 2.
 */
export function protobufListPieces(
  apiVersion: string,
  kind: string,
  metadata: ListMeta,
  items: readonly Uint8Array[],
): Uint8Array[] {
  const about = new WireWriter().tag(1, bytes).bytes(encodeMessage('meta/v1.ListMeta', metadata)).finish()
  const heads = new WireWriter(items.length * 6 + 16)
  const starts = items.map(item => {
    const start = heads.length
    heads.tag(2, bytes).varint(item.length)
    return start
  })
  const between = heads.finish()
  const length = items.reduce((sum, item) => sum + item.length, about.length + between.length)
  const pieces = [beginEnvelope(new WireWriter(), apiVersion, kind, length).finish(), about]
  for (let i = 0; i < items.length; i++) pieces.push(between.subarray(starts[i], starts[i + 1]), items[i]!)
  pieces.push(endEnvelope(new WireWriter()).finish())
  return pieces
}

/**
 * One event of a protobuf watch, with its length before it.
 * @param object the envelope of the object, from `encodeProtobuf`
 */
export function protobufWatchFrame(type: string, object: Uint8Array): Uint8Array {
  const event = new WireWriter()
    .tag(1, bytes)
    .string(type)
    .tag(2, bytes)
    .message(w => w.tag(1, bytes).bytes(object))
    .finish()
  const frame = new Uint8Array(4 + event.length)
  new DataView(frame.buffer).setUint32(0, event.length)
  frame.set(event, 4)
  return frame
}
