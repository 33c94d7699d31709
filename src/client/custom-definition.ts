import { isAlreadyExists } from '../models/api-error.ts'
import type { Kind } from '../models/kind.ts'
import { CustomResourceDefinition } from '../models/kinds/index.ts'
import type { Draft } from '../models/object.ts'
import type { CustomResourceDefinitionVersion, JSONSchemaProps } from '../models/types/apiextensions-v1.ts'
import type { Client } from './client.ts'

/**
 * The definition that makes the API serve a kind of your own; `schema` of the kind is '' then.
 * @param schema of the whole object; apiVersion, kind and metadata are understood
 * @param more what the version says besides: columns, subresources, selectable fields
 */
export function definitionOf(
  kind: Kind<any>,
  schema: JSONSchemaProps,
  more: Partial<CustomResourceDefinitionVersion> = {},
): Draft<CustomResourceDefinition> {
  const { group, version, plural, singular, shortNames, categories, scope } = kind
  return {
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope,
      names: {
        plural,
        kind: kind.kind,
        ...(singular ? { singular } : {}),
        ...(shortNames ? { shortNames } : {}),
        ...(categories ? { categories } : {}),
      },
      versions: [{ name: version, served: true, storage: true, schema: { openAPIV3Schema: schema }, ...more }],
    },
  }
}

/**
 * Sees to it that the API serves what a definition says: creates it, or brings the one that is there to its spec, and waits
 * until it is established.
 * @throws ApiError when the server refuses it, the signal's reason when that aborts first
 */
export async function ensureDefinition(
  client: Client,
  definition: Draft<CustomResourceDefinition>,
  signal: AbortSignal = AbortSignal.timeout(30_000),
): Promise<void> {
  const name = definition.metadata.name!
  try {
    await client.create(CustomResourceDefinition, definition)
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
    const { spec } = definition
    await client.patch(CustomResourceDefinition, { name }, { type: 'merge', body: { spec } })
  }
  const fieldSelector = `metadata.name=${name}`
  for await (const { object } of client.watch(CustomResourceDefinition, {
    fieldSelector,
    resourceVersion: '0',
    signal,
  }))
    if (object.status?.conditions?.some(c => c.type === 'Established' && c.status === 'True')) return
  signal.throwIfAborted()
}
