import { copiedBytes, Slice, type Sliced } from '../../base/slices.ts'
import { ApiError, badRequest } from '../../models/api-error.ts'
import { encodeJson } from '../../models/encode-json.ts'
import type { AnyObject } from '../../models/object.ts'
import { encodeProtobuf, hasProtobuf, protobufType, schemaNameOf, sealProtobuf } from '../../models/protobuf/index.ts'
import type { ApiReply } from '../../models/rest.ts'
import { columnDefinitionsOf, type IncludeObject, rowOf } from '../../models/table.ts'
import type { Call } from '../core.ts'
import type { Resource } from '../resources.ts'
import { prepare, servedObject } from '../storage/conversion.ts'
import { metadataOffset } from '../storage/object-bytes.ts'
import type { StoredForm } from '../storage/stored-form.ts'
import type { EventType } from '../watch-cache/kept-event.ts'
import type { KeptObject } from '../watch-cache/kept-object.ts'
import { type AcceptedForm, acceptedForm, type Offer, plain, wantsPlain } from './accept.ts'
import { asBuffer, partialMessage, protobufFrame, protobufMessage, protobufObject } from './protobuf-form.ts'
import { bytesReply, typedReply } from './reply.ts'
import { yamlOf } from './yaml-form.ts'

/** Kept objects in the form that one client asked for. */
export interface ObjectForm {
  accepted: AcceptedForm
  /** Equal for requests whose events are written alike; '' if never shared. */
  key: string
  one(object: KeptObject): Buffer
  /** One element of a list; not for tables. In protobuf a bare message. */
  item(object: KeptObject): Uint8Array
  /** True if an element is `{` and then the kept bytes from `metadata` on. */
  kept: boolean
}

const transforms: Offer['transforms'] = ['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList']
const single: Offer = { transforms }
const many: Offer = { transforms }
const watched: Offer = { transforms: ['Table', 'PartialObjectMetadata'], stream: true }
/** A stream that begins with all there is and says where that ends is no table: its bookmark would have no row. */
const watchedFromStart: Offer = { transforms: ['PartialObjectMetadata'], stream: true }

export function formOfOne(call: Call, resource: Resource): ObjectForm {
  const form = objectForm(call, resource, single)
  if (form.accepted.as === 'PartialObjectMetadataList') throw otherForm(form.accepted, resource, false)
  return form
}

export function formOfMany(call: Call, resource: Resource): ObjectForm {
  const form = objectForm(call, resource, many)
  if (form.accepted.as === 'PartialObjectMetadata') throw otherForm(form.accepted, resource, true)
  return form
}

/** @param fromStart of a watch that takes the place of a list, and says where that ends */
export function formOfWatch(call: Call, resource: Resource, fromStart: boolean): ObjectForm {
  return objectForm(call, resource, fromStart ? watchedFromStart : watched)
}

/** Who asks for the metadata of one object where a list is, or the reverse, is told what there is, by its name in Kubernetes' own code. */
function otherForm({ as }: AcceptedForm, { kind }: Resource, isList: boolean): ApiError {
  const name = kind.custom ? 'unstructured.Unstructured' : `${packageOf(kind.group)}.${kind.kind}`
  const object = isList ? `is a list (*${name}List)` : `is not a list (*${name})`
  return new ApiError('NotAcceptable', `you requested ${as}, but the requested object ${object}`)
}

const packageOf = (group: string): string =>
  group === '' || group === 'events.k8s.io' ? 'core' : group.split('.', 1)[0]!

/** Refuses those who read no form of an object, before anything is done or looked for. @throws ApiError NotAcceptable */
export function refuseUnreadable(call: Call, resource: Resource): void {
  acceptedForm(call.request.headers['accept'], offerOf(resource, single))
}

const offerOf = ({ kind }: Resource, offer: Offer): Offer => ({
  ...offer,
  protobuf: hasProtobuf(kind.schema),
  namesProtobuf: kind.custom !== undefined,
})

function objectForm(call: Call, resource: Resource, offer: Offer): ObjectForm {
  const { kind } = resource
  const accept = call.request.headers['accept']
  if (wantsPlain(accept) && isKeptForm(resource)) return keptAsIs
  const accepted = acceptedForm(accept, offerOf(resource, offer))
  const converted = resource.stored !== kind
  const read = (object: KeptObject): AnyObject => servedObject(resource, object)
  if (accepted.as === 'Table') {
    const include = includeObject(call)
    const columns = columnDefinitionsOf(kind)
    return {
      accepted,
      // Ages move with the clock, and the first event alone has the columns.
      key: '',
      kept: false,
      one: object => {
        const row = rowOf(kind, read(object), call.core.clock.now(), include, accepted.version)
        return toBuffer(tableOf(accepted.version, { resourceVersion: String(object.revision) }, columns, [row]))
      },
      item: object => toBuffer(rowOf(kind, read(object), call.core.clock.now(), include, accepted.version)),
    }
  }
  if (accepted.media === 'protobuf') return protobufForm(resource, accepted, read)
  if (accepted.as) {
    const head = Buffer.from(
      `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/${accepted.version}","metadata":`,
    )
    const write = isKeptForm(resource)
      ? (object: KeptObject) => Buffer.concat([head, object.metadataBytes(), brace])
      : (object: KeptObject) => toBuffer(partialMetadata(read(object), accepted.version))
    return {
      accepted,
      key: `partial/${accepted.version}/${kind.group}/${kind.version}`,
      kept: false,
      one: write,
      item: write,
    }
  }
  if (converted) {
    const write = (object: KeptObject) => toBuffer(read(object))
    return {
      accepted,
      key: `${kind.group}/${kind.version}`,
      kept: false,
      one: write,
      item: object => withoutIdentity(write(object)),
    }
  }
  if (resource.form) return customForm(resource, resource.form, accepted)
  return { ...keptAsIs, accepted }
}

const keptAsIs: ObjectForm = {
  accepted: plain,
  key: 'json',
  kept: true,
  one: object => object.bytes,
  item: object => withoutIdentity(object.bytes),
}

const brace = Buffer.from('}')

/** Whether what is kept is what `resource` serves, byte by byte. */
export const isKeptForm = (resource: Resource): boolean => resource.stored === resource.kind && !resource.form

function protobufForm(resource: Resource, accepted: AcceptedForm, read: (object: KeptObject) => AnyObject): ObjectForm {
  const { group, version } = resource.kind
  const key = `protobuf/${accepted.as ? accepted.version : ''}/${group}/${version}`
  if (!accepted.as)
    return {
      accepted,
      key,
      kept: false,
      one: object => protobufObject(resource, object),
      item: object => protobufMessage(resource, object),
    }
  const item = (object: KeptObject) => partialMessage(read(object))
  const apiVersion = `meta.k8s.io/${accepted.version}`
  return {
    accepted,
    key,
    kept: false,
    one: object => asBuffer(sealProtobuf(apiVersion, 'PartialObjectMetadata', item(object))),
    item,
  }
}

/** Custom resources say in every element what they are, since their lists know no types. */
function customForm(resource: Resource, form: StoredForm, accepted: AcceptedForm): ObjectForm {
  const write = (object: KeptObject) =>
    form.isServed(object) ? object.bytes : Buffer.from(encodeJson(form.served(object)))
  return { accepted, key: `custom/${resource.apiVersion}`, kept: false, one: write, item: write }
}

export function tableOf(version: string, metadata: object, columns: object | null, rows: object[]): object {
  return { kind: 'Table', apiVersion: `meta.k8s.io/${version}`, metadata, columnDefinitions: columns, rows }
}

/** A reply with one object. */
export function objectReply(
  call: Call,
  resource: Resource,
  status: number,
  object: KeptObject,
): ApiReply | Promise<ApiReply> {
  const form = formOfOne(call, resource)
  const reply = () => mediaReply(form.accepted, status, form.one(object))
  return prepare(resource, [object])?.then(reply) ?? reply()
}

/** A value that is not stored: a review, a Scale, a Status; in the form that the client asks for. */
export function valueReply<T extends { apiVersion?: string; kind?: string }>(
  call: Call,
  status: number,
  value: T,
): ApiReply {
  const schema = schemaNameOf(value.apiVersion ?? '', value.kind ?? '')
  const accepted = acceptedForm(call.request.headers['accept'], { protobuf: hasProtobuf(schema) })
  return mediaReply(accepted, status, encodeValue(accepted, value))
}

/** A value in the accepted form, but YAML: that is made of the JSON when it goes out. */
export function encodeValue(accepted: AcceptedForm, value: object): Buffer {
  return accepted.media === 'protobuf' ? asBuffer(encodeProtobuf(value)) : toBuffer(value)
}

/** `body` is protobuf if that was accepted, else JSON; it goes out as it is, or as YAML. */
export function mediaReply(accepted: AcceptedForm, status: number, body: Uint8Array): ApiReply {
  if (accepted.media === 'json') return bytesReply(status, body)
  if (accepted.media === 'protobuf') return typedReply(status, body, protobufType)
  return yamlReply(status, yamlOf(body))
}

export function yamlReply(status: number, yaml: Uint8Array): ApiReply {
  return typedReply(status, yaml, 'application/yaml')
}

/** Content-Type of a watch. */
export function streamType({ media }: AcceptedForm): string {
  return media === 'protobuf' ? `${protobufType};stream=watch` : 'application/json'
}

export function includeObject(call: Call): IncludeObject {
  const value = call.info.query.get('includeObject') ?? ''
  if (value === '' || value === 'Metadata') return 'Metadata'
  if (value === 'None' || value === 'Object') return value
  const why = `includeObject: Invalid value: ${JSON.stringify(value)}: must be 'Metadata', 'Object', 'None', or empty`
  throw badRequest(`Unable to convert to Table as requested: ${why}`)
}

/** How one event is written, before it is known whether it can be shared. In protobuf `object` is in its envelope. */
export function eventFrame(form: ObjectForm, type: EventType | 'BOOKMARK' | 'ERROR', object: Uint8Array): Buffer {
  if (form.accepted.media === 'protobuf') return protobufFrame(type, object)
  const head = `{"type":"${type}","object":`
  const frame = Buffer.allocUnsafe(head.length + object.length + 2)
  frame.write(head, 0, 'latin1')
  frame.set(object, head.length)
  frame.write('}\n', head.length + object.length, 'latin1')
  return frame
}

/** Many elements, with commas between; for forms that are kept as they are. Each byte is copied once. */
export function* keptItems(objects: readonly KeptObject[], head: string, tail: string): Sliced<Buffer> {
  const slice = new Slice(copiedBytes)
  const cuts = new Uint16Array(objects.length)
  let length = Buffer.byteLength(head) + Buffer.byteLength(tail) + Math.max(objects.length - 1, 0)
  let guess = 0
  for (let i = 0; i < objects.length; i++) {
    const { bytes } = objects[i]!
    // All of one kind begin alike; `,"metadata":{` is looked for only when it is not where it was.
    if (bytes[guess - 1] !== 0x2c || bytes[guess + 1] !== 0x6d || bytes[guess + 11] !== 0x7b)
      guess = metadataOffset(bytes)
    cuts[i] = guess
    length += bytes.length - guess + 1
    if (slice.fills(0)) yield
  }
  const out = Buffer.allocUnsafe(length)
  let at = out.write(head)
  for (let i = 0; i < objects.length; i++) {
    if (i > 0) out[at++] = 0x2c
    out[at++] = 0x7b
    const { bytes } = objects[i]!
    at += bytes.copy(out, at, cuts[i]!)
    if (slice.fills(bytes.length)) yield
  }
  out.write(tail, at)
  return out
}

/** Elements of a list do not repeat kind and apiVersion. */
function withoutIdentity(bytes: Buffer): Buffer {
  const at = metadataOffset(bytes)
  if (at <= 1) return bytes
  const out = Buffer.allocUnsafe(bytes.length - at + 1)
  out[0] = 0x7b
  bytes.copy(out, 1, at)
  return out
}

function toBuffer(value: unknown): Buffer {
  return Buffer.from(encodeJson(value))
}

/** The metadata alone, as PartialObjectMetadata. */
export function partialMetadata(object: AnyObject, version = 'v1'): object {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata }
}
