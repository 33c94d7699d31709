import { type FieldsV1, knownText } from '../../models/apply/field-set.ts'
import { encodeJson, plainJson } from '../../models/encode-json.ts'
import { parseJson } from '../../models/json.ts'
import type { AnyObject } from '../../models/object.ts'
import type { ManagedFieldsEntry } from '../../models/types/meta-v1.ts'

// Stored bytes are the object's JSON without its resourceVersion, which only the commit knows. kind, apiVersion and
// metadata come first, so that the number is spliced in at a place found by looking at the first bytes only.
const metadataOpen = Buffer.from('"metadata":{')

/** The stored form of an object. */
export function encodeObject(object: AnyObject): Buffer {
  return encodeWritten(object).bytes
}

/** The same, and whether JSON.parse reads the object back from it as it is: not if it holds integers beyond 2^53. */
export function encodeWritten(object: AnyObject): { bytes: Buffer; plain: boolean } {
  const plain = textOf(object, plainJson)
  return { bytes: toBytes(plain ?? textOf(object, encodeJson)!), plain: plain !== undefined }
}

const slabBytes = 64 << 10
/** What is larger gets a buffer of its own, as from Buffer.from: sharing saves it nothing. */
const largestInSlab = 4 << 10
let slab = Buffer.allocUnsafeSlow(0)
let used = 0

/**
 * As Buffer.from, with room for thirty objects fetched at once instead of three: stored bytes live until they are committed, and
 * their room goes with the last of them. What is kept for longer is the served form, in a buffer of its own (withRevision).
 */
function toBytes(text: string): Buffer {
  if (text.length > largestInSlab) return Buffer.from(text)
  // As many bytes as there may be.
  if (used + text.length * 3 > slab.length) {
    slab = Buffer.allocUnsafeSlow(slabBytes)
    used = 0
  }
  const start = used
  used += slab.write(text, start, 'utf8')
  return slab.subarray(start, used)
}

type Json = (value: unknown) => string | undefined

/** @param json undefined for what it cannot write: then this is undefined too */
function textOf(object: AnyObject, json: Json): string | undefined {
  // Put aside for the moment instead of copied without: objects made by copying are slow to write.
  const metadata = object.metadata as { resourceVersion?: string | undefined; managedFields?: unknown }
  const { resourceVersion, managedFields } = metadata
  const owners = ownersText(managedFields as readonly ManagedFieldsEntry[] | undefined)
  if (resourceVersion !== undefined) metadata.resourceVersion = undefined
  if (owners) metadata.managedFields = undefined
  try {
    const about = json(metadata)
    return about && partsText(object, owners ? `${about.slice(0, -1)},"managedFields":${owners}}` : about, json)
  } finally {
    if (resourceVersion !== undefined) metadata.resourceVersion = resourceVersion
    if (owners) metadata.managedFields = managedFields
  }
}

function partsText(object: AnyObject, metadata: string, json: Json): string | undefined {
  const { kind, apiVersion } = object
  let out = `${JSON.stringify({ kind, apiVersion }).slice(0, -1)},"metadata":${metadata}`
  for (const name in object) {
    if (name === 'kind' || name === 'apiVersion' || name === 'metadata' || object[name] === undefined) continue
    const part = json(object[name])
    if (part === undefined) return undefined
    out += `,${JSON.stringify(name)}:${part}`
  }
  return `${out}}`
}

/** The owners' JSON, put together from texts that are at hand; undefined if one is not. It is often half of the object. */
function ownersText(owners: readonly ManagedFieldsEntry[] | undefined): string | undefined {
  if (!owners?.length) return undefined
  let out = '['
  for (const owner of owners) {
    const fields = owner.fieldsV1 && knownText(owner.fieldsV1 as FieldsV1)
    if (!fields) return undefined
    out += `${out === '[' ? '' : ','}${entryText(owner)},"fieldsV1":${fields}}`
  }
  return `${out}]`
}

const entryTexts = new WeakMap<ManagedFieldsEntry, string>()

/** All but the fields, without the last brace. */
function entryText(owner: ManagedFieldsEntry): string {
  const known = entryTexts.get(owner)
  if (known) return known
  const { fieldsV1: _, ...entry } = owner
  const text = JSON.stringify(entry).slice(0, -1)
  // One for all that somebody creates in a second.
  if (Object.isFrozen(owner)) entryTexts.set(owner, text)
  return text
}

/** Where `"metadata":{` begins; -1: not near the beginning. Kind and apiVersion cannot contain it: they are checked identifiers. */
export function metadataOffset(bytes: Uint8Array): number {
  const end = Math.min(bytes.length, 512) - metadataOpen.length
  // It stands some thirty bytes from the beginning: a search of Node's needs a view first, and costs ten times as much.
  for (let at = 0; at <= end; at++) {
    let same = 0
    while (same < metadataOpen.length && bytes[at + same] === metadataOpen[same]) same++
    if (same === metadataOpen.length) return at
  }
  return -1
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
  const out = Buffer.allocUnsafeSlow(stored.length + text.length)
  // All of it where its end belongs, then the beginning over that.
  out.set(stored, text.length)
  for (let i = 0; i < cut; i++) out[i] = stored[i]!
  out.write(text, cut, 'latin1')
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
