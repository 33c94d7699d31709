import { commonTexts } from '../explained/explained.ts'
import type { Kind } from '../kind.ts'
import { type OpenApiForm, type OpenApiSchema, openApiRef } from '../openapi.ts'
import { customSchemaName } from '../openapi-names.ts'
import { equal } from '../patch/index.ts'
import type { JSONSchemaProps } from '../types/apiextensions-v1.ts'

// What is published of a custom resource's schema. Version 2 of OpenAPI, as kubectl reads it, knows less than the schema
// says: what it would misunderstand is left out there, so that nothing valid is refused.

const written = new WeakMap<Kind<any>, Partial<Record<OpenApiForm, Record<string, OpenApiSchema>>>>()

/** The schemas of a custom kind and of its list, by name; written once for each form. */
export function customOpenApiSchemas(kind: Kind<any>, form: OpenApiForm): Record<string, OpenApiSchema> {
  let known = written.get(kind)
  if (!known) written.set(kind, (known = {}))
  known[form] ??= writeSchemas(kind, form)
  return known[form]
}

function writeSchemas(kind: Kind<any>, form: OpenApiForm): Record<string, OpenApiSchema> {
  const { group, version, custom } = kind
  const gvk = (of: string) => ({ 'x-kubernetes-group-version-kind': [{ group, kind: of, version }] })
  const name = customSchemaName(kind)
  const list = customSchemaName({ group, version, kind: custom!.listKind })
  return {
    [name]: { ...objectSchema(custom!.openApi, form), ...gvk(kind.kind), ...selectable(kind) },
    [list]: {
      description: `${custom!.listKind} is a list of ${kind.kind}`,
      type: 'object',
      required: ['items'],
      properties: {
        ...typeMeta,
        items: {
          type: 'array',
          items: openApiRef(`custom:${name}`, form),
          description: `The ${kind.plural} that were asked for.`,
        },
        metadata: described(openApiRef('meta/v1.ListMeta', form), 'Standard metadata of lists.', form),
      },
      ...gvk(custom!.listKind),
    },
  }
}

/** What field selectors may say. */
function selectable({ fields }: Kind<any>): OpenApiSchema {
  const paths = Object.keys(fields ?? {})
  return paths.length ? { 'x-kubernetes-selectable-fields': paths.map(fieldPath => ({ fieldPath })) } : {}
}

const typeMeta = {
  apiVersion: { type: 'string', description: commonTexts.apiVersion },
  kind: { type: 'string', description: commonTexts.kind },
}

const metadataOf = (form: OpenApiForm) => described(openApiRef('meta/v1.ObjectMeta', form), commonTexts.metadata, form)

/** OpenAPI 3.0 ignores what stands beside a $ref. */
function described(ref: { $ref: string }, description: string, form: OpenApiForm): OpenApiSchema {
  return form === 'v2' ? { description, ...ref } : { description, allOf: [ref] }
}

function objectSchema(schema: JSONSchemaProps | undefined, form: OpenApiForm): OpenApiSchema {
  if (!schema) return { type: 'object' }
  // Fields beside those that are listed are unknown to kubectl, whatever else is said.
  if (form === 'v2' && schema['x-kubernetes-preserve-unknown-fields']) return { type: 'object' }
  const out = published(schema, form)
  return { ...out, properties: { ...(out['properties'] as object), ...typeMeta, metadata: metadataOf(form) } }
}

function published(schema: JSONSchemaProps, form: OpenApiForm): OpenApiSchema {
  const own = form === 'v2' ? forVersion2(schema) : unfolded(schema)
  const { properties, items, additionalProperties, ...rest } = own
  const out: OpenApiSchema = { ...rest }
  if (items) out['items'] = published(items as JSONSchemaProps, form)
  if (additionalProperties !== undefined)
    out['additionalProperties'] =
      typeof additionalProperties === 'object' ? published(additionalProperties, form) : additionalProperties
  const fields = Object.entries(properties ?? {}).map(([name, below]) => [name, published(below, form)] as const)
  const embedded =
    own['x-kubernetes-embedded-resource'] && !(form === 'v2' && own['x-kubernetes-preserve-unknown-fields'])
  if (fields.length || embedded)
    out['properties'] = {
      ...Object.fromEntries(fields),
      ...(embedded ? { ...typeMeta, metadata: metadataOf(form) } : {}),
    }
  if (embedded) out['required'] = [...new Set([...(own.required ?? []), 'kind', 'apiVersion'])]
  return out
}

const integerOrString = [{ type: 'integer' }, { type: 'string' }]

/** What `x-kubernetes-int-or-string` means, for those who do not know it. */
function unfolded(schema: JSONSchemaProps): JSONSchemaProps {
  if (!schema['x-kubernetes-int-or-string']) return schema
  if (equal(schema.anyOf, integerOrString) || equal(schema.allOf?.[0]?.anyOf, integerOrString)) return schema
  if (!schema.anyOf) return { ...schema, anyOf: integerOrString }
  return { ...schema, allOf: [{ anyOf: integerOrString }, ...(schema.allOf ?? [])] }
}

function forVersion2(schema: JSONSchemaProps): JSONSchemaProps {
  const { allOf: _, oneOf: __, anyOf: ___, not: ____, ...out } = schema
  const preserves = out['x-kubernetes-preserve-unknown-fields']
  if (out.nullable) {
    delete out.type
    delete out.nullable
  }
  if (schema.nullable || preserves) {
    delete out.items
    delete out.properties
  }
  if (out.type === 'array' && !out.items) delete out.type
  if (preserves && out.type === 'object') delete out.type
  const nullable = Object.entries(out.properties ?? {}).filter(([, below]) => below.nullable)
  const more = out.additionalProperties
  if (nullable.length && out.required) {
    out.required = out.required.filter(name => !nullable.some(([other]) => other === name))
    if (!out.required.length) delete out.required
  }
  if (typeof more === 'object' && more.nullable) delete out.required
  return out
}
