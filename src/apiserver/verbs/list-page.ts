import { inSlices, Slice, type Sliced, workedBytes } from '../../base/slices.ts'
import { protobufListPieces } from '../../models/protobuf/index.ts'
import type { ApiReply } from '../../models/rest.ts'
import type { ResourceCall } from '../core.ts'
import type { AcceptedForm } from '../replies/accept.ts'
import { joined } from '../replies/joined.ts'
import { keptItems, mediaReply, type ObjectForm, yamlReply } from '../replies/object-form.ts'
import { tableOfMany } from '../replies/table-form.ts'
import { yamlOfList } from '../replies/yaml-form.ts'
import type { Resource } from '../resources.ts'
import type { KeptObject } from '../watch-cache/kept-object.ts'
import { type ContinueToken, encodeToken } from './list-options.ts'

export interface ListPage {
  objects: readonly KeptObject[]
  revision: number
  next?: ContinueToken | undefined
  /** Undefined when nobody counted: with selectors. */
  remaining?: number | undefined
}

/** The reply with a list: a long one is written in slices, between which others are served. */
export async function listReply(call: ResourceCall, form: ObjectForm, page: ListPage): Promise<ApiReply> {
  const { media, as } = form.accepted
  if (media === 'yaml' && as !== 'Table') return yamlReply(200, await inSlices(yamlListOf(call, form, page)))
  return mediaReply(form.accepted, 200, await inSlices(listOf(call, form, page)))
}

/** What a list of a resource calls itself in one form; a table names the list that it stands for. */
export function listIdentity({ kind, apiVersion }: Resource, { as, version }: AcceptedForm) {
  return as && as !== 'Table'
    ? { kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${version}` }
    : { kind: kind.custom?.listKind ?? `${kind.kind}List`, apiVersion }
}

function listMetadata({ resource }: ResourceCall, { accepted }: ObjectForm, { revision, next, remaining }: ListPage) {
  return {
    resourceVersion: String(revision),
    ...(next ? { continue: encodeToken(next) } : withoutNext(resource, accepted)),
    ...(next && remaining !== undefined ? { remainingItemCount: remaining } : {}),
  }
}

function* yamlListOf(call: ResourceCall, form: ObjectForm, page: ListPage): Sliced<Buffer> {
  const identity = listIdentity(call.resource, form.accepted)
  const items = yield* itemsOf(form, page.objects)
  return yield* yamlOfList({ ...identity, metadata: listMetadata(call, form, page) }, items)
}

function* listOf(call: ResourceCall, form: ObjectForm, page: ListPage): Sliced<Buffer> {
  const metadata = listMetadata(call, form, page)
  if (form.accepted.as === 'Table') return yield* tableOfMany(call, form.accepted.version, metadata, page.objects)
  const identity = listIdentity(call.resource, form.accepted)
  const start = `${JSON.stringify({ ...identity, metadata }).slice(0, -1)},"items":`
  // A list of metadata that has none is null, whatever it is of.
  if (form.accepted.as && form.accepted.media !== 'protobuf' && !page.objects.length)
    return Buffer.from(`${start}null}`)
  const head = `${start}[`
  if (form.kept) return yield* keptItems(page.objects, head, ']}')
  const items = yield* itemsOf(form, page.objects)
  if (form.accepted.media === 'protobuf')
    return yield* joined(protobufListPieces(identity.apiVersion, identity.kind, metadata, items))
  const pieces: (string | Uint8Array)[] = [head]
  for (const item of items) pieces.push(pieces.length > 1 ? ',' : '', item)
  pieces.push(']}')
  return yield* joined(pieces)
}

/** Lists of custom resources, which are of no Go type, say that nothing follows. */
const withoutNext = ({ kind }: Resource, { as }: AcceptedForm) => (kind.custom && !as ? { continue: '' } : {})

function* itemsOf(form: ObjectForm, objects: readonly KeptObject[]): Sliced<Uint8Array[]> {
  const slice = new Slice(workedBytes)
  const items: Uint8Array[] = []
  for (const object of objects) {
    items.push(form.item(object))
    if (slice.fills(object.bytes.length)) yield
  }
  return items
}
