import type { JSONSchemaProps } from '../types/apiextensions-v1.ts'

const nodes = new WeakMap<JSONSchemaProps, SchemaNode>()

/** One place in the schema of a custom resource. What is below is made ready when first asked for, so that large schemas cost nothing until then. */
export class SchemaNode {
  readonly schema: JSONSchemaProps
  #properties: ReadonlyMap<string, SchemaNode> | undefined
  #hasDefaults: boolean | undefined

  constructor(schema: JSONSchemaProps) {
    this.schema = schema
  }

  get properties(): ReadonlyMap<string, SchemaNode> {
    this.#properties ??= new Map(Object.entries(this.schema.properties ?? {}).map(([k, s]) => [k, nodeOf(s)]))
    return this.#properties
  }

  /** The schema of list elements. */
  get items(): SchemaNode | undefined {
    const { items } = this.schema
    return items && !Array.isArray(items) ? nodeOf(items) : undefined
  }

  /** Fields without a property of their own belong here: it is a map. Their schema, if any, is `additional`. */
  get isMap(): boolean {
    return this.schema.additionalProperties !== undefined
  }

  get additional(): SchemaNode | undefined {
    const more = this.schema.additionalProperties
    return typeof more === 'object' ? nodeOf(more) : undefined
  }

  /** Unknown fields stay. */
  get preserves(): boolean {
    return this.schema['x-kubernetes-preserve-unknown-fields'] === true
  }

  /** A whole object with apiVersion, kind and metadata. */
  get embedded(): boolean {
    return this.schema['x-kubernetes-embedded-resource'] === true
  }

  get intOrString(): boolean {
    return this.schema['x-kubernetes-int-or-string'] === true
  }

  get listType(): 'atomic' | 'set' | 'map' {
    return (this.schema['x-kubernetes-list-type'] ?? 'atomic') as 'atomic' | 'set' | 'map'
  }

  get mapKeys(): readonly string[] {
    return this.schema['x-kubernetes-list-map-keys'] ?? []
  }

  /** True if something below states a default: whole branches are skipped otherwise. */
  get hasDefaults(): boolean {
    this.#hasDefaults ??=
      [...this.properties.values()].some(p => p.schema.default !== undefined || p.hasDefaults) ||
      Boolean(this.items && (this.items.schema.default !== undefined || this.items.hasDefaults)) ||
      Boolean(this.additional && (this.additional.schema.default !== undefined || this.additional.hasDefaults))
    return this.#hasDefaults
  }

  /** The schema of one field: its own, or that of the map. */
  field(name: string): SchemaNode | undefined {
    return this.properties.get(name) ?? this.additional
  }

  /** A null here counts as absent, unless the default takes its place. */
  get dropsNull(): boolean {
    return this.schema.nullable !== true && this.schema.default === undefined
  }
}

export function nodeOf(schema: JSONSchemaProps): SchemaNode {
  let node = nodes.get(schema)
  if (!node) nodes.set(schema, (node = new SchemaNode(schema)))
  return node
}

/** A JSON object: neither null nor a list. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
