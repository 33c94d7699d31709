import { type FieldsV1, knownText } from '../../models/apply/field-set.ts'
import { encodeJson } from '../../models/encode-json.ts'
import { parseJson } from '../../models/json.ts'
import type { AnyObject } from '../../models/object.ts'
import type { ManagedFieldsEntry } from '../../models/types/meta-v1.ts'

// Stored bytes are the object's JSON without its resourceVersion, which only the commit knows. kind, apiVersion and
// metadata come first, so that the number is spliced in at a place found by looking at the first bytes only.
const metadataOpen = Buffer.from('"metadata":{')

/** The stored form of an object. */
export function encodeObject(object: AnyObject): Buffer {
  const { kind, apiVersion, metadata, ...rest } = object
  const owners = ownersText(metadata.managedFields)
  // Put aside for the moment instead of copied without: objects made by copying are slow to write.
  const fields = metadata as { resourceVersion?: string | undefined; managedFields?: unknown }
  const { resourceVersion, managedFields } = fields
  if (resourceVersion !== undefined) fields.resourceVersion = undefined
  if (owners) fields.managedFields = undefined
  try {
    if (!owners) return Buffer.from(encodeJson({ kind, apiVersion, metadata, ...rest }))
    const identity = JSON.stringify({ kind, apiVersion })
    const body = encodeJson(rest)
    return Buffer.from(
      `${identity.slice(0, -1)},"metadata":${encodeJson(metadata).slice(0, -1)},"managedFields":${owners}}${body === '{}' ? '}' : `,${body.slice(1)}`}`,
    )
  } finally {
    if (resourceVersion !== undefined) fields.resourceVersion = resourceVersion
    if (owners) fields.managedFields = managedFields
  }
}

/** The owners' JSON, put together from texts that are at hand; undefined if one is not. It is often half of the object. */
function ownersText(owners: readonly ManagedFieldsEntry[] | undefined): string | undefined {
  if (!owners?.length) return undefined
  let out = '['
  for (const { fieldsV1, ...entry } of owners) {
    const fields = fieldsV1 && knownText(fieldsV1 as FieldsV1)
    if (!fields) return undefined
    out += `${out === '[' ? '' : ','}${JSON.stringify(entry).slice(0, -1)},"fieldsV1":${fields}}`
  }
  return `${out}]`
}

/** Where `"metadata":{` begins. Kind and apiVersion cannot contain it: they are checked identifiers. */
export function metadataOffset(bytes: Uint8Array): number {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 512))
  return view.indexOf(metadataOpen)
}

/** Where the value of `metadata` ends that begins at `start`, with its brace. */
export function metadataEnd(bytes: Uint8Array, start: number): number {
  let depth = 0
  for (let i = start; i < bytes.length; i++) {
    const c = bytes[i]
    if (c === 0x22) {
      i++
      while (i < bytes.length && bytes[i] !== 0x22) i += bytes[i] === 0x5c ? 2 : 1
    } else if (c === 0x7b) depth++
    else if (c === 0x7d && --depth === 0) return i + 1
  }
  return bytes.length
}

/** `"metadata":` as far as the brace that opens its value. */
export const metadataNameLength = metadataOpen.length - 1

/** The served form: the stored bytes with the revision of their commit as metadata.resourceVersion. */
export function withRevision(stored: Uint8Array, revision: number | bigint): Buffer {
  const at = metadataOffset(stored)
  if (at < 0) return Buffer.from(stored)
  const cut = at + metadataOpen.length
  const text = stored[cut] === 0x7d ? `"resourceVersion":"${revision}"` : `"resourceVersion":"${revision}",`
  const out = Buffer.allocUnsafeSlow(stored.byteLength + text.length)
  out.set(cut === stored.byteLength ? stored : stored.subarray(0, cut), 0)
  out.write(text, cut, 'latin1')
  out.set(stored.subarray(cut), cut + text.length)
  return out
}

/** The stored form again of served bytes: for a deletion, whose event carries a newer number. */
export function withoutRevision(served: Uint8Array): Buffer {
  const at = metadataOffset(served) + metadataOpen.length
  const view = Buffer.from(served.buffer, served.byteOffset, served.byteLength)
  const head = view.toString('latin1', at, at + 48)
  const spliced = /^"resourceVersion":"\d+",?/.exec(head)?.[0]
  if (spliced === undefined) return Buffer.from(served)
  return Buffer.concat([view.subarray(0, at), view.subarray(at + spliced.length)])
}

const longInteger = /\d{16}/

/** Whether `decodeObject` may see integers that JSON.parse would round. */
export function holdsLongInteger(bytes: Buffer): boolean {
  return longInteger.test(bytes.toString('latin1'))
}

/** The object that served bytes stand for; integers that do not fit a number are bigints, which `encodeObject` writes again. */
export function decodeObject(bytes: Buffer): AnyObject {
  const text = bytes.toString()
  return longInteger.test(text) ? (parseJson(text, { exactIntegers: true }).value as AnyObject) : JSON.parse(text)
}
