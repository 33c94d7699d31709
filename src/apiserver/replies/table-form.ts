import { encodeJson } from '../../models/encode-json.ts'
import { cellsOf, columnDefinitionsOf, columnsOf, rowOf } from '../../models/table.ts'
import type { ResourceCall } from '../core.ts'
import { servedObject } from '../storage/conversion.ts'
import type { KeptObject } from '../watch-cache/kept-object.ts'
import { includeObject, isKeptForm, tableOf } from './object-form.ts'

/** A list as a table: the cells are worked out anew, since ages move with the clock; what is kept as bytes is copied. */
export function tableOfMany(
  call: ResourceCall,
  version: string,
  metadata: object,
  objects: readonly KeptObject[],
): Buffer {
  const { resource, core } = call
  const { kind } = resource
  const include = includeObject(call)
  const now = core.clock.now()
  const definitions = columnDefinitionsOf(kind)
  if (!isKeptForm(resource)) {
    const rows = objects.map(object => rowOf(kind, servedObject(resource, object), now, include))
    return Buffer.from(encodeJson(tableOf(version, metadata, definitions, rows)))
  }
  const columns = columnsOf(kind)
  const table = encodeJson(tableOf(version, metadata, definitions, []))
  const [head, shown, close] = rowTexts[include]
  const pieces: (string | Buffer)[] = [table.slice(0, -']}'.length)]
  for (const object of objects) {
    const cells = JSON.stringify(cellsOf(columns, object.value(), now))
    pieces.push(`${pieces.length > 1 ? ',' : ''}{"cells":${cells}${head}`, shown(object), close)
  }
  pieces.push(']}')
  return joined(pieces)
}

const nothing = Buffer.alloc(0)

/** What comes after the cells of a row: text, kept bytes, text. */
const rowTexts: Record<ReturnType<typeof includeObject>, [string, (object: KeptObject) => Buffer, string]> = {
  Metadata: [
    ',"object":{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":',
    object => object.metadataBytes(),
    '}}',
  ],
  Object: [',"object":', object => object.bytes, '}'],
  None: ['', () => nothing, '}'],
}

/** Each byte is copied once. */
function joined(pieces: readonly (string | Buffer)[]): Buffer {
  let length = 0
  for (const piece of pieces) length += typeof piece === 'string' ? Buffer.byteLength(piece) : piece.length
  const out = Buffer.allocUnsafe(length)
  let at = 0
  for (const piece of pieces) at += typeof piece === 'string' ? out.write(piece, at) : piece.copy(out, at)
  return out
}
