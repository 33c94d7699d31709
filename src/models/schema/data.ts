/** The compact form in which types are written down under ../schemas: names, types, list and patch semantics. */

/** A scalar's name, or `<group>/<version>.<Type>`. */
export type TypeName = string

export type ListKind = 'atomic' | 'set' | 'map'

interface PatchData {
  /** `merge`, `replace`, `retainKeys` or `merge,retainKeys`. */
  patch?: string
  mergeKey?: string
}

export type FieldData =
  | TypeName
  | ({ type: TypeName; enum?: string[]; default?: string | number | boolean } & PatchData)
  | ({ list: ListKind; of: FieldData; keys?: string[] } & PatchData)
  | ({ map: FieldData; atomic?: boolean } & PatchData)

export interface TypeData {
  fields: Record<string, FieldData>
  /** Always written, even when empty. */
  required?: string[]
  /** Owned and replaced as a whole. */
  atomic?: boolean
  /** What `kubectl explain` says of the type, and of its fields by name. */
  description?: string
  docs?: Record<string, string>
}

export interface GroupData {
  group: string
  types: Record<string, TypeData>
}

/**
 * What the wire form tells of absent and empty values, a type of Kubernetes at a time: which scalars know absent from
 * zero (`replicas: 0`) and which times are left out when unset (others are null), which objects are always there
 * (`resources: {}`), which optional scalars are written even when zero, which lists are null when they are empty (`rules: null`). Types of our own are not in the table: they keep what was written.
 */
export interface Presence {
  pointers?: string[]
  structs?: string[]
  always?: string[]
  nulls?: string[]
}

export const scalarNames = [
  'string',
  'bool',
  'int32',
  'int64',
  'double',
  'quantity',
  'intOrString',
  'time',
  'microTime',
  'duration',
  'bytes',
  'any',
  'schemaOrBool',
  'schemaOrSchemas',
  'schemaOrStrings',
] as const

export type ScalarName = (typeof scalarNames)[number]

const known = new Set<string>(scalarNames)

export const isScalarName = (name: string): name is ScalarName => known.has(name)
