import { goValue } from '../field-error.ts'
import { put } from '../own-property.ts'
import { decoderOf } from '../schema/decode.ts'
import { DecodeContext, DecodeError } from '../schema/decode-context.ts'
import { typeNamed } from '../schema/types.ts'
import { isRecord, type SchemaNode } from './schema-node.ts'

const metaFields = new Set(['apiVersion', 'kind', 'metadata'])
const metadataDecoder = decoderOf(typeNamed('meta/v1.ObjectMeta'))

/**
 * A parsed value as an object of the schema: fields that it does not know are left out (and noted in the context), nulls
 * where none may be count as absent unless the context keeps them, metadata has its own form. Makes new objects; parts that nobody describes are shared.
 * @throws DecodeError when metadata, apiVersion or kind is of a wrong type
 */
export function decodeCustom(value: unknown, root: SchemaNode, context: DecodeContext): Record<string, unknown> {
  if (!isRecord(value))
    throw new DecodeError(`json: cannot unmarshal ${kindOf(value)} into Go value of type map[string]interface {}`)
  const out = object(value, root, root.preserves, true, context)
  // kind and apiVersion of the object itself are its kind's, even where metadata is missing.
  if (out['metadata'] === undefined) out['metadata'] = {}
  return out
}

/** @param keep unknown fields stay here whatever the node says */
function walk(value: unknown, node: SchemaNode | undefined, keep: boolean, context: DecodeContext): unknown {
  if (Array.isArray(value)) return list(value, node, keep || node?.preserves === true, context)
  if (isRecord(value)) return object(value, node, keep || node?.preserves === true, node?.embedded === true, context)
  return value
}

function list(value: unknown[], node: SchemaNode | undefined, keep: boolean, context: DecodeContext): unknown[] {
  if (keep && !node?.items) return value
  const { path } = context
  const at = path.length
  const out = value.map((item, i) => {
    path[at] = i
    return walk(item, node?.items, keep, context)
  })
  path.length = at
  return out
}

function object(
  value: Record<string, unknown>,
  node: SchemaNode | undefined,
  keep: boolean,
  embedded: boolean,
  context: DecodeContext,
): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const name of Object.keys(value)) {
    const given = value[name]
    if (given === undefined) continue
    if (embedded && metaFields.has(name)) {
      const field = given === null ? undefined : metaField(name, given, context)
      if (field !== undefined) out[name] = field
      continue
    }
    const own = node?.properties.get(name)
    if (own || node?.isMap) {
      const below = own ?? node?.additional
      if (given === null && below?.dropsNull && !context.keepsNulls) continue
      context.path.push(name)
      put(out, name, walk(given, below, false, context))
      context.path.pop()
    } else if (keep) put(out, name, given)
    else context.unknown(name)
  }
  return out
}

function metaField(name: string, given: unknown, context: DecodeContext): unknown {
  const { path } = context
  const depth = path.length
  try {
    return decodeMetaField(name, given, context)
  } catch (error) {
    if (!(context instanceof Lenient)) throw error
    path.length = depth
    return undefined
  }
}

function decodeMetaField(name: string, given: unknown, context: DecodeContext): unknown {
  if (name !== 'metadata') {
    if (typeof given === 'string') return given
    throw new DecodeError(`${context.pathText(name)}: Invalid value: ${JSON.stringify(given)}: must be a string`)
  }
  context.path.push(name)
  context.start = context.path.length
  const metadata = decodeMetadata(given, context)
  context.start = 0
  // What is embedded was not created by anybody; the object's own time is set, not read.
  if (metadata['creationTimestamp'] === null) delete metadata['creationTimestamp']
  context.path.pop()
  return metadata
}

function decodeMetadata(given: unknown, context: DecodeContext): Record<string, unknown> {
  const path = [...context.path]
  try {
    return metadataDecoder(given, context, 'ObjectMeta') as Record<string, unknown>
  } catch (error) {
    // Of what is embedded it is said where it is.
    if (!(error instanceof DecodeError) || path.length === 1) throw error
    context.path.splice(0, Number.POSITIVE_INFINITY, ...path.slice(0, -1))
    const where = context.pathText(path.at(-1) as string)
    throw new DecodeError(`${where}: Invalid value: ${goValue(given).text}: ${error.message}`, { cause: error })
  }
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value
}

/** What was accepted before is not refused again: what does not fit is left out. */
class Lenient extends DecodeContext {
  override unknown(): void {}
}

/** Metadata of what is embedded, without what is none. */
export function prunedMetadata(given: unknown): unknown {
  return metaField('metadata', given, new Lenient())
}

/** A default with only what the schema knows, the metadata of what is embedded included. */
export function prunedDefault(node: SchemaNode): unknown {
  return walk(node.schema.default, node, false, new Lenient())
}

/** `value` with only what the schema knows: a stored object, a converted one, or a default. */
export function prunedCustom(value: Record<string, unknown>, node: SchemaNode, root = true): Record<string, unknown> {
  return object(value, node, node.preserves, root || node.embedded, new Lenient())
}
