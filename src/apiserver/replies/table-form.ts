import { Slice, type Sliced, workedBytes } from '../../base/slices.ts'
import { encodeJson } from '../../models/encode-json.ts'
import { cellsOf, columnDefinitionsOf, columnsOf, rowOf } from '../../models/table.ts'
import type { ResourceCall } from '../core.ts'
import { servedObject } from '../storage/conversion.ts'
import type { KeptObject } from '../watch-cache/kept-object.ts'
import { joined } from './joined.ts'
import { includeObject, isKeptForm, tableOf } from './object-form.ts'

/** A list as a table: the cells are worked out anew, since ages move with the clock; what is kept as bytes is copied. */
export function* tableOfMany(
  call: ResourceCall,
  version: string,
  metadata: object,
  objects: readonly KeptObject[],
): Sliced<Buffer> {
  const { resource, core } = call
  const { kind } = resource
  const include = includeObject(call)
  const now = core.clock.now()
  const definitions = columnDefinitionsOf(kind)
  const table = encodeJson(tableOf(version, metadata, definitions, []))
  const pieces: (string | Buffer)[] = [table.slice(0, -']}'.length)]
  const slice = new Slice(workedBytes)
  const columns = columnsOf(kind)
  const asKept = isKeptForm(resource)
  const [head, shown, close] = rowTexts(include, version)
  for (const object of objects) {
    const comma = pieces.length > 1 ? ',' : ''
    if (asKept) {
      const value = object.value()
      const cells = encodeJson(cellsOf(columns, value, now))
      const conditions = kind.rowConditions?.(value)
      const ended = conditions ? `,"conditions":${JSON.stringify(conditions)}` : ''
      pieces.push(`${comma}{"cells":${cells}${ended}${head}`, shown(object), close)
    } else pieces.push(comma + encodeJson(rowOf(kind, servedObject(resource, object), now, include, version)))
    if (slice.fills(object.bytes.length)) yield
  }
  pieces.push(']}')
  return yield* joined(pieces)
}

const nothing = Buffer.alloc(0)

/** What comes after the cells of a row: text, kept bytes, text. */
function rowTexts(
  include: ReturnType<typeof includeObject>,
  version: string,
): [string, (object: KeptObject) => Buffer, string] {
  if (include === 'None') return [',"object":null', () => nothing, '}']
  if (include === 'Object') return [',"object":', object => object.bytes, '}']
  const head = `,"object":{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/${version}","metadata":`
  return [head, object => object.metadataBytes(), '}}']
}
