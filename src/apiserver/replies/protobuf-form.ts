import type { AnyObject } from '../../models/object.ts'
import { encodeMessage, ProtobufError, protobufWatchFrame, sealProtobuf } from '../../models/protobuf/index.ts'
import type { Resource } from '../resources.ts'
import { fromStored } from '../storage/conversion.ts'
import type { KeptObject } from '../watch-cache/kept-object.ts'

const kept = new WeakMap<KeptObject, { resource: Resource; message: Uint8Array }>()

/**
 * The protobuf message of a kept object as `resource` serves it. Made when first asked for and kept as long as the
 * object: however many lists and watchers want it, it is encoded once.
 */
export function protobufMessage(resource: Resource, object: KeptObject): Uint8Array {
  const known = kept.get(object)
  if (known?.resource === resource) return known.message
  const message = encodeLeniently(resource, object)
  kept.set(object, { resource, message })
  return message
}

/** An object that was stored with something that has no protobuf form is still there: it is shown by its metadata. */
function encodeLeniently(resource: Resource, object: KeptObject): Uint8Array {
  const { schema } = resource.kind
  try {
    return encodeMessage(schema, fromStored(resource, object.parse()))
  } catch (error) {
    if (!(error instanceof ProtobufError || error instanceof SyntaxError)) throw error
    const { name, namespace, revision } = object
    return encodeMessage(schema, { metadata: { name, namespace, resourceVersion: String(revision) } })
  }
}

export function protobufObject(resource: Resource, object: KeptObject): Buffer {
  return asBuffer(sealProtobuf(resource.apiVersion, resource.kind.kind, protobufMessage(resource, object)))
}

/** PartialObjectMetadata has a protobuf form for every kind, custom resources too. */
export function partialMessage(object: AnyObject): Uint8Array {
  return encodeMessage('meta/v1.PartialObjectMetadata', { metadata: object.metadata })
}

/** One event; `object` is in its envelope. */
export function protobufFrame(type: string, object: Uint8Array): Buffer {
  return asBuffer(protobufWatchFrame(type, object))
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
