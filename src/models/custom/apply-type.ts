import type { ScalarName } from '../schema/data.ts'
import {
  type Field,
  type ListType,
  type MapType,
  ObjectType,
  scalarType,
  type Type,
  typeNamed,
} from '../schema/types.ts'
import type { SchemaNode } from './schema-node.ts'

// How the parts of a custom resource are owned by those who apply them, from its schema.

/** Of a part that no schema describes only the value itself tells: objects are divided, lists and scalars are whole. */
const deduced: MapType = {
  form: 'map',
  atomic: false,
  get of(): Type {
    return deduced
  },
}

const types = new WeakMap<SchemaNode, Type>()

/** The type of the whole object: what the schema says, and Kubernetes' metadata. */
export function applyTypeOf(root: SchemaNode, name: string): ObjectType {
  return objectType(root, name, identity())
}

/** What every whole object has, the embedded ones too. */
const identity = (): [string, Type][] => [
  ['apiVersion', scalarType('string')],
  ['kind', scalarType('string')],
  ['metadata', typeNamed('meta/v1.ObjectMeta')],
]

function typeOf(node: SchemaNode): Type {
  let type = types.get(node)
  if (!type) types.set(node, (type = makeType(node)))
  return type
}

function makeType(node: SchemaNode): Type {
  const { schema } = node
  const atomic = schema['x-kubernetes-map-type'] === 'atomic'
  if (schema.type === 'array' && node.items) return listType(node)
  if (schema.type === 'object' || node.properties.size > 0 || node.isMap) {
    if (node.embedded) return objectType(node, '', identity(), atomic)
    if (node.properties.size > 0) return objectType(node, '', [], atomic)
    if (node.additional) return { form: 'map', of: typeOf(node.additional), atomic }
    return { form: 'map', of: deduced, atomic }
  }
  return node.preserves ? deduced : scalarType(scalars[schema.type ?? ''] ?? 'any')
}

const scalars: Record<string, ScalarName> = { string: 'string', integer: 'int64', number: 'double', boolean: 'bool' }

function listType(node: SchemaNode): ListType {
  return { form: 'list', list: node.listType, of: typeOf(node.items!), keys: node.mapKeys }
}

function objectType(node: SchemaNode, name: string, more: [string, Type][], atomic = false): ObjectType {
  const fields = () => {
    const own = [...node.properties].map(([field, below]) => [field, fieldOf(field, below)] as const)
    return new Map([...own, ...more.map(([field, type]) => [field, plainField(field, type)] as const)])
  }
  return new ObjectType(name, fields, { atomic, ...(node.preserves || node.isMap ? { rest: deduced } : {}) })
}

function fieldOf(name: string, node: SchemaNode): Field {
  const fallback: unknown = node.schema.default
  return { ...plainField(name, typeOf(node)), ...(isScalar(fallback) ? { default: fallback } : {}) }
}

function plainField(name: string, type: Type): Field {
  // Parts that were not there before are owned themselves: `drop` says that absent is not the same as empty.
  const empty = name === 'metadata' ? 'fill' : 'drop'
  return { name, type, required: false, merge: false, replace: false, retainKeys: false, nullable: false, empty }
}

const isScalar = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
