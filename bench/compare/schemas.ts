import type { Json, Side } from './side.ts'

/** What an OpenAPI v3 document says of a value. */
export interface Schema {
  $ref?: string
  allOf?: Schema[]
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean'
  format?: string
  enum?: string[]
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  additionalProperties?: Schema
  oneOf?: Schema[]
  'x-kubernetes-patch-merge-key'?: string
  'x-kubernetes-list-map-keys'?: string[]
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[]
}

/** One kind that can be created, by what the reference says of itself. */
export interface ServedKind {
  /** `apps/v1/deployments`, `/v1/pods` */
  name: string
  group: string
  version: string
  kind: string
  plural: string
  namespaced: boolean
  subresources: string[]
  schema: Schema
}

/** The schemas of one server. */
export class Schemas {
  readonly #all = new Map<string, Schema>()
  readonly kinds: ServedKind[] = []

  /** Reads discovery and all documents of OpenAPI v3. */
  static async of(side: Side): Promise<Schemas> {
    const schemas = new Schemas()
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
    for (const path of ['/api', '/apis']) {
      const { items } = JSON.parse((await side.ask({ method: 'GET', path, accept })).text)
      for (const group of items)
        for (const version of group.versions) await schemas.#read(side, group.metadata?.name ?? '', version)
    }
    return schemas
  }

  async #read(side: Side, group: string, version: Json): Promise<void> {
    const path = group ? `apis/${group}/${version.version}` : `api/${version.version}`
    const document = await side.json('GET', `/openapi/v3/${path}`)
    const found: Record<string, Schema> = document.components?.schemas ?? {}
    for (const [name, schema] of Object.entries(found)) this.#all.set(name, schema)
    for (const resource of version.resources ?? []) {
      const { kind } = resource.responseKind
      const is = (schema: Schema) =>
        schema['x-kubernetes-group-version-kind']?.some(
          gvk => gvk.kind === kind && gvk.group === group && gvk.version === version.version,
        )
      const schema = Object.values(found).find(is)
      if (!schema?.properties?.['metadata'] || !resource.verbs.includes('create')) continue
      this.kinds.push({
        name: `${group}/${version.version}/${resource.resource}`,
        ...{ group, version: version.version, kind, plural: resource.resource, schema },
        namespaced: resource.scope === 'Namespaced',
        subresources: (resource.subresources ?? []).map((sub: Json) => sub.subresource),
      })
    }
  }

  /** With references followed. */
  resolve(schema: Schema): Schema & { name?: string } {
    const reference = schema.$ref ?? schema.allOf?.[0]?.$ref
    if (!reference) return schema
    const name = reference.slice(reference.lastIndexOf('/') + 1)
    return { ...this.#all.get(name), ...schema, name }
  }
}

export const isQuantity = ({ name }: { name?: string }): boolean => name?.endsWith('resource.Quantity') ?? false
export const isIntOrString = ({ name }: { name?: string }): boolean => name?.endsWith('intstr.IntOrString') ?? false
