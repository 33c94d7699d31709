import { canonicalResource } from '../../base/quantity.ts'
import { put } from '../own-property.ts'
import type { ScalarName } from './data.ts'
import type { DecodeContext } from './decode-context.ts'
import { goNameOf, scalarDecoders } from './scalars.ts'
import { type Field, ObjectType, type Type, typeNamed } from './types.ts'

/** Turns a parsed value into one of the type, or throws DecodeError. `struct` names the object type around it. */
export type Decoder = (value: unknown, context: DecodeContext, struct: string) => unknown

const compiled = new WeakMap<ObjectType, Decoder>()

/**
 * The decoder of a type, compiled on first use. It makes new objects: unknown fields are left out (and noted in the
 * context), nulls count as absent, empty values are dropped, kept or filled in, some lists as null, as the type's fields say. Maps and
 * unstructured parts are taken over by reference where nothing changes in them.
 */
export function decoderOf(type: Type): Decoder {
  switch (type.form) {
    case 'object':
      return objectDecoder(type)
    case 'list':
      return listDecoder(decoderOf(type.of), goTypeOf(type), zeroFor(type.of))
    case 'map':
      return mapDecoder(decoderOf(type.of), goTypeOf(type), zeroFor(type.of))
    default:
      return scalarDecoders[type.scalar] ?? schemaDecoder(type.scalar)
  }
}

function objectDecoder(type: ObjectType): Decoder {
  let decoder = compiled.get(type)
  if (!decoder) {
    // Types may contain themselves: the first use compiles, later ones go straight through.
    let work: Decoder | undefined
    decoder = (value, context, struct) => {
      work ??= compileObject(type)
      return work(value, context, struct)
    }
    compiled.set(type, decoder)
  }
  return decoder
}

interface Step {
  field: Field
  decode: Decoder
  /** Drop the decoded value if it is empty. */
  drop: boolean
  /** Null instead of an empty list. */
  nullable: boolean
}

function compileObject(type: ObjectType): Decoder {
  const name = type.shortName
  const goType = goTypeOf(type)
  const steps = new Map<string, Step>()
  const fills: { name: string; make: (context: DecodeContext) => unknown }[] = []
  for (const field of type.fields.values()) {
    const decode = isResources(type, field)
      ? mapDecoder(resourceDecoder, 'v1.ResourceList', '0')
      : decoderOf(field.type)
    steps.set(field.name, {
      field,
      decode,
      drop: field.empty === 'drop',
      nullable: field.nullable && field.type.form !== 'scalar',
    })
    if (field.empty === 'fill')
      fills.push({ name: field.name, make: field.nullable ? () => null : filler(field.type, decode) })
  }
  return (value, context, struct) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw context.wrongType(value, struct === '' ? name : struct, goType)
    const source = value as Record<string, unknown>
    const out: Record<string, unknown> = {}
    const path = context.path
    for (const key of Object.keys(source)) {
      const step = steps.get(key)
      if (!step) {
        if (type.open) put(out, key, source[key])
        else context.unknown(key)
        continue
      }
      const given = source[key]
      if (given === null || given === undefined) continue
      path.push(key)
      const decoded = step.decode(given, context, name)
      path.pop()
      if (step.drop && isEmpty(decoded)) continue
      out[key] = step.nullable && isEmpty(decoded) && !context.keepsEmptyLists ? null : decoded
    }
    for (const fill of fills) if (out[fill.name] === undefined) out[fill.name] = fill.make(context)
    return out
  }
}

function filler(type: Type, decode: Decoder): (context: DecodeContext) => unknown {
  if (type.form === 'object') return context => decode({}, context, '')
  if (type.form === 'list') return () => []
  if (type.form === 'map') return () => ({})
  const zero = zeroFor(type)
  return () => zero
}

/** What a null inside a list or map stands for. */
function zeroFor(type: Type): unknown {
  if (type.form !== 'scalar') return type.form === 'list' ? [] : {}
  switch (type.scalar) {
    case 'bool':
      return false
    case 'int32':
    case 'int64':
    case 'double':
    case 'intOrString':
      return 0
    case 'quantity':
      return '0'
    case 'any':
    case 'time':
    case 'microTime':
      return null
    default:
      return ''
  }
}

function isEmpty(value: unknown): boolean {
  if (typeof value !== 'object') return value === '' || value === 0 || value === false
  if (value === null) return true
  if (Array.isArray(value)) return value.length === 0
  for (const _ in value) return false
  return true
}

function listDecoder(decode: Decoder, goType: string, zero: unknown): Decoder {
  return (value, context, struct) => {
    if (!Array.isArray(value)) throw context.wrongType(value, struct, goType)
    const out = new Array<unknown>(value.length)
    const path = context.path
    const at = path.length
    for (let i = 0; i < value.length; i++) {
      path[at] = i
      const given = value[i] ?? zero
      out[i] = given === null ? null : decode(given, context, struct)
    }
    path.length = at
    return out
  }
}

const isQuantity = (type: Type) => type.form === 'scalar' && type.scalar === 'quantity'

/** Kubernetes rounds the resources of all but one group. */
const isResources = (owner: ObjectType, { type }: Field) =>
  type.form === 'map' && isQuantity(type.of) && owner.groupVersion !== 'node/v1'

/** Amounts in a list of resources have no part finer than a thousandth. */
const resourceDecoder: Decoder = (value, context, struct) =>
  canonicalResource(scalarDecoders.quantity!(value, context, struct) as string)

function mapDecoder(decode: Decoder, goType: string, zero: unknown): Decoder {
  return (value, context, struct) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw context.wrongType(value, struct, goType)
    const out: Record<string, unknown> = {}
    const { path, mapKeys } = context
    mapKeys.push(path.length)
    for (const key of Object.keys(value)) {
      path.push(key)
      const given = (value as Record<string, unknown>)[key] ?? zero
      put(out, key, given === null ? null : decode(given, context, struct))
      path.pop()
    }
    mapKeys.pop()
    return out
  }
}

/** The three forms in CustomResourceDefinition schemas where a schema or something simpler may stand. */
function schemaDecoder(scalar: ScalarName): Decoder {
  const schema = objectDecoder(typeNamed('apiextensions/v1.JSONSchemaProps'))
  const schemas = listDecoder(schema, '[]v1.JSONSchemaProps', {})
  const strings = listDecoder(scalarDecoders.string!, '[]string', '')
  return (value, context, struct) => {
    if (scalar === 'schemaOrBool' && typeof value === 'boolean') return value
    if (Array.isArray(value)) {
      if (scalar === 'schemaOrSchemas') return schemas(value, context, struct)
      if (scalar === 'schemaOrStrings') return strings(value, context, struct)
    }
    return schema(value, context, struct)
  }
}

/** A type in Go's notation, as Go's messages name it: `[]v1.Container`. */
function goTypeOf(type: Type): string {
  if (type instanceof ObjectType) return `${type.groupVersion.split('/')[1] ?? ''}.${type.shortName}`
  // The only lists of anything are of what schemas allow.
  if (type.form === 'list') return `[]${isAny(type.of) ? 'v1.JSON' : goTypeOf(type.of)}`
  if (type.form === 'map') return isQuantity(type.of) ? 'v1.ResourceList' : `map[string]${goTypeOf(type.of)}`
  return type.form === 'scalar' ? goNameOf(type.scalar) : ''
}

const isAny = (type: Type) => type.form === 'scalar' && type.scalar === 'any'
