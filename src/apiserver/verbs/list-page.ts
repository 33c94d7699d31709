import { sealProtobufList } from '../../models/protobuf/index.ts'
import type { ResourceCall } from '../core.ts'
import { keptItems, type ObjectForm } from '../replies/object-form.ts'
import { asBuffer } from '../replies/protobuf-form.ts'
import { tableOfMany } from '../replies/table-form.ts'
import type { KeptObject } from '../watch-cache/kept-object.ts'
import { type ContinueToken, encodeToken } from './list-options.ts'

export interface ListPage {
  objects: readonly KeptObject[]
  revision: number
  next?: ContinueToken | undefined
  /** Undefined when nobody counted: with selectors. */
  remaining?: number | undefined
}

const comma = 0x2c

export function writeList(call: ResourceCall, form: ObjectForm, page: ListPage): Buffer {
  const { kind, apiVersion } = call.resource
  const metadata = {
    resourceVersion: String(page.revision),
    ...(page.next ? { continue: encodeToken(page.next) } : {}),
    ...(page.next && page.remaining !== undefined ? { remainingItemCount: page.remaining } : {}),
  }
  if (form.accepted.as === 'Table') return tableOfMany(call, form.accepted.version, metadata, page.objects)
  const identity = form.accepted.as
    ? { kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${form.accepted.version}` }
    : { kind: kind.custom?.listKind ?? `${kind.kind}List`, apiVersion }
  const head = `${JSON.stringify({ ...identity, metadata }).slice(0, -1)},"items":[`
  if (form.kept) return keptItems(page.objects, head, ']}')
  const items = page.objects.map(form.item)
  if (form.accepted.media === 'protobuf')
    return asBuffer(sealProtobufList(identity.apiVersion, identity.kind, metadata, items))
  let length = Buffer.byteLength(head) + 2 + Math.max(items.length - 1, 0)
  for (const item of items) length += item.length
  const out = Buffer.allocUnsafe(length)
  let at = out.write(head)
  for (let i = 0; i < items.length; i++) {
    if (i > 0) out[at++] = comma
    out.set(items[i]!, at)
    at += items[i]!.length
  }
  out.write(']}', at)
  return out
}
