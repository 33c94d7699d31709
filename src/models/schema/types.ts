import { openApiExtensions } from '../openapi-extensions.ts'
import { type FieldData, type GroupData, isScalarName, type ListKind, type Presence, type ScalarName } from './data.ts'
import { schemaFiles } from './files.ts'
import presenceTable from './presence.data.json' with { type: 'json' }

/** What may stand somewhere in an object. */
export type Type = ScalarType | ObjectType | ListType | MapType

export interface ScalarType {
  readonly form: 'scalar'
  readonly scalar: ScalarName
  /** The values it may have; '' is always allowed besides. */
  readonly enum?: readonly string[]
}

export interface ListType {
  readonly form: 'list'
  readonly list: ListKind
  readonly of: Type
  /** The fields that name an element of a `map` list. */
  readonly keys: readonly string[]
}

export interface MapType {
  readonly form: 'map'
  readonly of: Type
  readonly atomic: boolean
}

/** One field of an object type. */
export interface Field {
  readonly name: string
  readonly type: Type
  /** Written even when empty. Whether an empty value is refused is for the kind's own validation. */
  readonly required: boolean
  readonly default?: string | number | boolean
  /** What upstream's documents call its default, though nobody fills it in: it names elements of keyed lists that say none. */
  readonly documentedDefault?: string | number | boolean
  /** Strategic merge: merge lists by `mergeKey` (or as a set of scalars) instead of replacing them. */
  readonly merge: boolean
  /** Strategic merge: replaced as a whole. */
  readonly replace: boolean
  /** Strategic merge: the sender names all keys it knows, others are removed. */
  readonly retainKeys: boolean
  readonly mergeKey?: string
  /** What an empty value means on the wire: `drop` it as absent, `keep` it, or `fill` it in when absent. */
  readonly empty: 'drop' | 'keep' | 'fill'
  /** A list that is null when it is empty or absent. */
  readonly nullable: boolean
}

/** An object type; its fields are resolved when first asked for, so that types may contain themselves. */
export class ObjectType {
  readonly form = 'object'
  /** `core/v1.Container` */
  readonly name: string
  readonly atomic: boolean
  /** Unknown fields are kept as they are: an object of which only the outside is known. */
  readonly open: boolean
  /** Custom resources: the type of fields that are not listed; without it there are none. */
  readonly rest: Type | undefined
  /** A type that is not Kubernetes' own: what it calls required is refused when missing. */
  readonly own: boolean
  readonly description: string
  /** What there is to say of each field. */
  readonly docs: Readonly<Record<string, string>>
  #resolve: () => Map<string, Field>
  #fields: Map<string, Field> | undefined

  constructor(
    name: string,
    resolve: () => Map<string, Field>,
    options: {
      atomic?: boolean
      open?: boolean
      rest?: Type
      own?: boolean
      description?: string
      docs?: Record<string, string>
    } = {},
  ) {
    this.name = name
    this.atomic = options.atomic ?? false
    this.open = options.open ?? false
    this.rest = options.rest
    this.own = options.own ?? false
    this.description = options.description ?? ''
    this.docs = options.docs ?? {}
    this.#resolve = resolve
  }

  get fields(): ReadonlyMap<string, Field> {
    this.#fields ??= this.#resolve()
    return this.#fields
  }

  /** `Container` */
  get shortName(): string {
    return this.name.slice(this.name.lastIndexOf('.') + 1)
  }

  /** `core/v1` */
  get groupVersion(): string {
    return this.name.slice(0, this.name.lastIndexOf('.'))
  }
}

const presence = new Map(Object.entries(presenceTable as Record<string, Presence>))
const files = new Map<string, GroupData>(schemaFiles.map(file => [file.group, file]))
const types = new Map<string, ObjectType>()
const scalars = new Map<ScalarName, ScalarType>()

/**
 * The object type of a name such as `core/v1.Pod`; '' is the open type of which only metadata is known.
 * @throws Error if there is none: a mistake in a kind or a schema file
 */
export function typeNamed(name: string): ObjectType {
  // meta/v1.Object is the interface that every object has.
  if (name === '' || name === 'meta/v1.Object') return openType
  let type = types.get(name)
  if (!type) {
    type = makeType(name)
    types.set(name, type)
  }
  return type
}

/** Every object type in the schema files. */
export function allTypes(): ObjectType[] {
  return [...files.values()].flatMap(file => Object.keys(file.types).map(short => typeNamed(`${file.group}.${short}`)))
}

function makeType(name: string): ObjectType {
  const dot = name.lastIndexOf('.')
  const data = files.get(name.slice(0, dot))?.types[name.slice(dot + 1)]
  if (!data) throw new Error(`no schema of a type named ${name}; the types are in models/schemas`)
  const wire = presence.get(name)
  const required = new Set(data.required)
  return new ObjectType(
    name,
    () => new Map(Object.entries(data.fields).map(([field, f]) => [field, makeField(name, field, f, required, wire)])),
    {
      atomic: data.atomic ?? false,
      own: !wire,
      ...(data.description ? { description: data.description } : {}),
      ...(data.docs ? { docs: data.docs } : {}),
    },
  )
}

function makeField(
  owner: string,
  name: string,
  data: FieldData,
  required: Set<string>,
  wire: Presence | undefined,
): Field {
  const type = dividedWhere(`${owner}.${name}`, typeOf(data))
  const more: { patch?: string; mergeKey?: string; default?: string | number | boolean } =
    typeof data === 'string' ? {} : data
  const strategies = more.patch?.split(',') ?? []
  const documented = openApiExtensions[`${owner}.${name}`]?.['default'] as Field['documentedDefault']
  return {
    name,
    type,
    required: required.has(name),
    merge: strategies.includes('merge'),
    replace: strategies.includes('replace'),
    retainKeys: strategies.includes('retainKeys'),
    nullable: wire?.nulls?.includes(name) ?? false,
    empty: wire ? emptyOf(name, type, required.has(name), wire) : 'keep',
    ...(more.mergeKey ? { mergeKey: more.mergeKey } : {}),
    ...(more.default !== undefined ? { default: more.default } : {}),
    ...(documented !== undefined ? { documentedDefault: documented } : {}),
  }
}

/** A type that is owned as a whole elsewhere may be owned part by part in one field. */
function dividedWhere(field: string, type: Type): Type {
  if (type.form !== 'object' || !type.atomic) return type
  if (openApiExtensions[field]?.['x-kubernetes-map-type'] !== 'granular') return type
  const { name, own, description, docs } = type
  return new ObjectType(name, () => new Map(type.fields), { own, description, docs: { ...docs } })
}

function emptyOf(name: string, type: Type, required: boolean, wire: Presence): Field['empty'] {
  if (type.form === 'object') return wire.structs?.includes(name) ? 'fill' : 'keep'
  if (wire.pointers?.includes(name)) return 'keep'
  // An unset time that is no pointer is written as null: `lastProbeTime: null`.
  if (isTime(type) || wire.nulls?.includes(name)) return 'fill'
  if (type.form === 'list' || type.form === 'map') return required ? 'fill' : 'drop'
  if (!zeroOf(type)) return 'keep'
  return required || wire.always?.includes(name) ? 'fill' : 'drop'
}

function isTime(type: Type): boolean {
  return type.form === 'scalar' && (type.scalar === 'time' || type.scalar === 'microTime')
}

/** Scalars whose emptiness says nothing but absence. */
function zeroOf(type: ScalarType): boolean {
  return ['string', 'bool', 'int32', 'int64', 'double', 'bytes'].includes(type.scalar)
}

function typeOf(data: FieldData): Type {
  if (typeof data === 'string') return isScalarName(data) ? scalarType(data) : typeNamed(data)
  if ('list' in data) return { form: 'list', list: data.list, of: typeOf(data.of), keys: data.keys ?? [] }
  if ('map' in data) return { form: 'map', of: typeOf(data.map), atomic: data.atomic ?? false }
  if (!isScalarName(data.type)) return typeNamed(data.type)
  return data.enum ? { form: 'scalar', scalar: data.type, enum: data.enum } : scalarType(data.type)
}

export function scalarType(scalar: ScalarName): ScalarType {
  let type = scalars.get(scalar)
  if (!type) {
    type = { form: 'scalar', scalar }
    scalars.set(scalar, type)
  }
  return type
}

/** Custom resources before their own schema is applied: typed metadata, the rest as it came. */
export const openType: ObjectType = new ObjectType(
  'meta/v1.Unstructured',
  () => {
    const fields: Record<string, FieldData> = { apiVersion: 'string', kind: 'string', metadata: 'meta/v1.ObjectMeta' }
    const wire = { structs: ['metadata'] }
    return new Map(Object.entries(fields).map(([name, data]) => [name, makeField('', name, data, new Set(), wire)]))
  },
  { open: true },
)
