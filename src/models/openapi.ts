import { explained } from './explained/explained.ts'
import { groupVersionOf } from './group-version.ts'
import { openApiExtensions } from './openapi-extensions.ts'
import { openApiName, openApiScalarName } from './openapi-names.ts'
import { sharedIn } from './openapi-shared.ts'
import { type Field, type ObjectType, type ScalarType, type Type, typeNamed } from './schema/types.ts'

export { openApiName } from './openapi-names.ts'

/** A schema in an OpenAPI document. */
export type OpenApiSchema = Record<string, unknown>

/** `v3`: components/schemas of OpenAPI 3.0. `v2`: definitions of Swagger 2.0. */
export type OpenApiForm = 'v3' | 'v2'

/** As much of a Kind as its schemas need. */
export interface DocumentedKind {
  group: string
  version: string
  kind: string
  schema: string
}

interface GroupVersionKind {
  group: string
  kind: string
  version: string
}

/**
 * The schemas of these kinds, their lists and all that they refer to, under upstream's names and with the extensions that
 * clients read: group-version-kind, patch strategy and merge key, list and map types. Kinds without a schema of ours
 * (custom resources) are left out.
 * @param extra further types to include, such as `policy/v1.Eviction` or `patch`, each with the kind that it is, if it is one
 */
export function openApiSchemas(
  kinds: Iterable<DocumentedKind>,
  extra: ReadonlyMap<string, GroupVersionKind | undefined> = new Map(),
  form: OpenApiForm = 'v3',
): Record<string, OpenApiSchema> {
  const writer = new SchemaWriter(form)
  const takers = new Map(sharedIn.map(name => [name, groupVersionOf(name)]))
  for (const kind of kinds) {
    if (kind.schema === '') continue
    const { group, version } = kind
    writer.root(kind.schema, { group, kind: kind.kind, version })
    const list = `${kind.schema}List`
    if (exists(list)) writer.root(list, { group, kind: `${kind.kind}List`, version })
    takers.set(group ? `${group}/${version}` : version, { group, version })
  }
  const inOrder = [...takers].sort(([a], [b]) => (keyOf(a) < keyOf(b) ? -1 : 1)).map(([, version]) => version)
  for (const [type, gvk] of extra) {
    writer.root(type, gvk)
    const kind = /^meta\/v1\.(DeleteOptions|WatchEvent)$/.exec(type)?.[1]
    if (kind) for (const { group, version } of inOrder) writer.root(type, { group, kind, version })
  }
  return writer.finish()
}

/** The core group first. */
const keyOf = (name: string): string => (name.includes('/') ? name : `/${name}`)

/** A reference to a type from a path or from another schema; `custom:` begins the name of a custom resource's schema. */
export function openApiRef(type: string, form: OpenApiForm = 'v3'): { $ref: string } {
  if (type.startsWith('custom:')) return refTo(type.slice('custom:'.length), form)
  return refTo(openApiScalarName(type) ?? openApiName(type), form)
}

const refTo = (name: string, form: OpenApiForm) => ({
  $ref: `${form === 'v3' ? '#/components/schemas/' : '#/definitions/'}${name}`,
})

function exists(type: string): boolean {
  try {
    typeNamed(type)
    return true
  } catch {
    return false
  }
}

/** Types that are shared by all groups carry one group-version-kind for each. */
class SchemaWriter {
  #form: OpenApiForm
  #schemas = new Map<string, OpenApiSchema>()
  #kinds = new Map<string, GroupVersionKind[]>()
  #todo: ObjectType[] = []

  constructor(form: OpenApiForm) {
    this.#form = form
  }

  root(name: string, gvk?: GroupVersionKind): void {
    const component = openApiScalarName(name)
    if (component) this.#schemas.set(component, this.#component(component))
    else this.#need(typeNamed(name))
    if (!gvk) return
    const list = this.#kinds.get(openApiName(name)) ?? []
    if (!list.some(k => k.group === gvk.group && k.version === gvk.version && k.kind === gvk.kind)) list.push(gvk)
    this.#kinds.set(openApiName(name), list)
  }

  finish(): Record<string, OpenApiSchema> {
    for (let type = this.#todo.pop(); type; type = this.#todo.pop())
      this.#schemas.set(openApiName(type.name), this.#object(type))
    for (const [name, gvks] of this.#kinds)
      this.#schemas.set(name, { ...this.#schemas.get(name), 'x-kubernetes-group-version-kind': gvks })
    return Object.fromEntries([...this.#schemas].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  #need(type: ObjectType): void {
    const name = openApiName(type.name)
    if (this.#schemas.has(name)) return
    this.#schemas.set(name, {})
    // Where a field is owned otherwise than its type says, the field says so.
    this.#todo.push(exists(type.name) ? typeNamed(type.name) : type)
  }

  #object(type: ObjectType): OpenApiSchema {
    const properties: Record<string, OpenApiSchema> = {}
    const required: string[] = []
    for (const field of [...type.fields.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      properties[field.name] = this.#property(field, type)
      if (field.required) required.push(field.name)
    }
    return {
      ...(explained(type) ? { description: explained(type) } : {}),
      type: 'object',
      ...(required.length > 0 ? { required } : {}),
      ...(type.fields.size > 0 ? { properties } : {}),
      ...(type.atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
      ...openApiExtensions[type.name],
    }
  }

  #property(field: Field, owner: ObjectType): OpenApiSchema {
    const out: OpenApiSchema = {}
    const description = explained(owner, field.name)
    if (description) out['description'] = description
    Object.assign(out, this.#typed(field.type, `${owner.name}.${field.name}`))
    const { default: named, ...more } = openApiExtensions[`${owner.name}.${field.name}`] ?? {}
    const fallback = field.default ?? named ?? this.#zero(field)
    if (fallback !== undefined && this.#form === 'v3') out['default'] = fallback
    const strategies = [field.merge && 'merge', field.retainKeys && 'retainKeys', field.replace && 'replace']
    const strategy = strategies.filter(Boolean).join(',')
    if (strategy) out['x-kubernetes-patch-strategy'] = strategy
    if (field.mergeKey) out['x-kubernetes-patch-merge-key'] = field.mergeKey
    Object.assign(out, more)
    return this.#siblings(out)
  }

  /** What Kubernetes writes when nothing is given, which its documents call the default. */
  #zero(field: Field): unknown {
    if (field.type.form === 'object') return field.empty === 'fill' ? {} : undefined
    return field.type.form === 'scalar' && field.empty === 'fill' ? zeroOf(field.type) : undefined
  }

  /** OpenAPI 3.0 ignores what stands beside a $ref; such a reference is put into an allOf. */
  #siblings(schema: OpenApiSchema): OpenApiSchema {
    const { $ref, ...rest } = schema
    if (this.#form === 'v2' || $ref === undefined || Object.keys(rest).length === 0) return schema
    return { ...rest, allOf: [{ $ref }] }
  }

  #typed(type: Type, place: string): OpenApiSchema {
    switch (type.form) {
      case 'object':
        this.#need(type)
        return refTo(openApiName(type.name), this.#form)
      case 'list':
        return {
          type: 'array',
          items: this.#item(type.of, place),
          ...(type.keys.length > 0 ? { 'x-kubernetes-list-map-keys': type.keys } : {}),
          // Lists of whole objects, and lists within maps, are nobody's to merge.
          ...(place.endsWith('List.items') || place.endsWith('.*') ? {} : { 'x-kubernetes-list-type': type.list }),
        }
      case 'map':
        return {
          type: 'object',
          additionalProperties: this.#item(type.of, `${place}.*`),
          ...(type.atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
        }
      default:
        return this.#scalar(type, place)
    }
  }

  /** An element of a list or a map: absent ones are empty ones. */
  #item(type: Type, place: string): OpenApiSchema {
    const schema = this.#typed(type, place)
    if (this.#form === 'v2') return schema
    if (type.form === 'object') return this.#siblings({ ...schema, default: {} })
    const zero = type.form === 'scalar' ? zeroOf(type) : undefined
    return zero === undefined ? schema : this.#siblings({ ...schema, default: zero })
  }

  #scalar({ scalar, enum: values }: ScalarType, place: string): OpenApiSchema {
    const component = openApiScalarName(scalar === 'any' ? anyAt(place) : scalar)
    if (component) {
      if (!this.#schemas.has(component)) this.#schemas.set(component, this.#component(component))
      return refTo(component, this.#form)
    }
    switch (scalar) {
      case 'bool':
        return { type: 'boolean' }
      case 'int32':
      case 'int64':
        return { type: 'integer', format: scalar }
      case 'double':
        return { type: 'number', format: 'double' }
      case 'bytes':
        return { type: 'string', format: 'byte' }
      case 'any':
        return { type: 'object' }
      default:
        return { type: 'string', ...(values ? { enum: values } : {}) }
    }
  }

  #component(name: string): OpenApiSchema {
    const v3 = this.#form === 'v3'
    switch (name.slice(name.lastIndexOf('.') + 1)) {
      case 'Quantity':
        return v3 ? { oneOf: [{ type: 'string' }, { type: 'number' }] } : { type: 'string' }
      case 'IntOrString':
        return v3
          ? { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] }
          : { type: 'string', format: 'int-or-string' }
      case 'Time':
      case 'MicroTime':
        return { type: 'string', format: 'date-time' }
      case 'Duration':
        return { type: 'string' }
      case 'RawExtension':
      case 'FieldsV1':
      case 'Patch':
        return { type: 'object' }
      default:
        // JSON, and the forms where a schema or something simpler may stand: anything goes.
        return {}
    }
  }
}

/** Which of upstream's untyped forms stands at a field. */
function anyAt(place: string): string {
  if (place === 'meta/v1.ManagedFieldsEntry.fieldsV1') return 'fieldsV1'
  if (place.startsWith('apiextensions/v1.JSONSchemaProps.')) return 'json'
  return place === 'meta/v1.TableRow.cells' ? '' : 'any'
}

function zeroOf(type: ScalarType): unknown {
  switch (type.scalar) {
    case 'string':
      return ''
    case 'bool':
      return false
    case 'int32':
    case 'int64':
    case 'double':
      return 0
    default:
      return undefined
  }
}
