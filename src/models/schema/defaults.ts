import { type ObjectType, type Type, typeNamed } from './types.ts'

type Defaulter = (value: any) => void

const compiled = new Map<ObjectType, Defaulter | undefined>()

/**
 * Fills in the defaults that the schema itself states (`protocol: TCP`); changes `object`. Defaults that depend on other
 * fields are the kind's.
 */
export function applySchemaDefaults(schema: string, object: object): void {
  defaulterOf(typeNamed(schema))?.(object)
}

/** undefined where nothing below has a default, so that whole branches are skipped. */
function defaulterOf(type: Type): Defaulter | undefined {
  if (type.form === 'scalar') return undefined
  if (type.form === 'list') {
    const each = defaulterOf(type.of)
    return each && (list => Array.isArray(list) && list.forEach(each))
  }
  if (type.form === 'map') {
    const each = defaulterOf(type.of)
    return each && (map => Object.values(map).forEach(each))
  }
  if (!compiled.has(type)) {
    // A type inside itself sees no default of its own while it is compiled; only CRD schemas are such, and have none.
    compiled.set(type, undefined)
    compiled.set(type, compileObject(type))
  }
  return compiled.get(type)
}

function compileObject(type: ObjectType): Defaulter | undefined {
  const values: [name: string, value: unknown, keepsEmpty: boolean][] = []
  const below: [name: string, defaulter: Defaulter][] = []
  for (const field of type.fields.values()) {
    // An empty text behind a pointer was said, and is refused where it means nothing.
    if (field.default !== undefined) values.push([field.name, field.default, !type.own && field.empty === 'keep'])
    const defaulter = defaulterOf(field.type)
    if (defaulter) below.push([field.name, defaulter])
  }
  if (values.length === 0 && below.length === 0) return undefined
  return object => {
    if (typeof object !== 'object' || object === null) return
    for (const [name, value, keepsEmpty] of values)
      if (object[name] === undefined || object[name] === null || (object[name] === '' && !keepsEmpty))
        object[name] = value
    for (const [name, defaulter] of below) if (object[name] !== undefined) defaulter(object[name])
  }
}
