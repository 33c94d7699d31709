import type { ScalarName } from '../schema/data.ts'
import { type ObjectType as SchemaType, type Type, typeNamed } from '../schema/types.ts'
import { type CelType, cel, fieldOf, ObjectType } from './types.ts'

const scalars: Partial<Record<ScalarName, CelType>> = {
  string: cel.string,
  bool: cel.bool,
  int32: cel.int,
  int64: cel.int,
  double: cel.double,
  quantity: cel.string,
  time: cel.timestamp,
  microTime: cel.timestamp,
  duration: cel.string,
  bytes: cel.bytes,
}

const known = new Map<SchemaType, CelType>()

/**
 * What the objects of a built-in kind are, for checking expressions before anything runs: times are timestamps there, as
 * their schemas say; where an expression runs on objects of no declared type they are texts.
 * @param schema a type in models/schemas, such as `apps/v1.Deployment`
 */
export const celTypeOfKind = (schema: string): CelType => objectType(typeNamed(schema))

function objectType(type: SchemaType): CelType {
  let made = known.get(type)
  if (!made) {
    const fields = () => new Map([...type.fields.values()].flatMap(field => fieldOf(field.name, celType(field.type))))
    known.set(type, (made = type.open ? cel.dyn : new ObjectType(type.name, fields)))
  }
  return made
}

function celType(type: Type): CelType {
  switch (type.form) {
    case 'scalar':
      return scalars[type.scalar] ?? cel.dyn
    case 'list':
      return cel.list(celType(type.of))
    case 'map':
      return cel.map(cel.string, celType(type.of))
    case 'object':
      return objectType(type)
  }
}
