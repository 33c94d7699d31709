import { type Client, definitionOf, ensureDefinition } from '../../client/index.ts'
import { isNotFound } from '../../models/api-error.ts'
import type { Kind } from '../../models/kind.ts'
import { CustomResourceDefinition } from '../../models/kinds/index.ts'
import type { Draft } from '../../models/object.ts'
import type { CustomResourceColumnDefinition, JSONSchemaProps } from '../../models/types/apiextensions-v1.ts'

export const gatewayGroup = 'gateway.networking.k8s.io'

/** One kind of Gateway API as the API is to serve it. */
export interface GatewayDefinition {
  kind: Kind<any>
  schema: JSONSchemaProps
  columns: CustomResourceColumnDefinition[]
  /** Served besides, in the same form. */
  olderVersions?: string[]
  /** It has no status. */
  plain?: boolean
}

/** Marks a definition as made here: one that somebody else installed is never touched. */
const madeHere = 'optiflow.dev/gateway'
/** On the project's own definitions; whoever applies them over ours leaves our label there. */
const bundleVersion = 'gateway.networking.k8s.io/bundle-version'

/**
 * Makes the API serve the kinds of Gateway API, unless it does already: people may install the project's own
 * definitions, newer or of another channel, before or after.
 * @returns names of kinds that somebody else's definitions do not serve in the version that the gateway reads
 * @see https://gateway-api.sigs.k8s.io/reference/spec/
 */
export async function ensureDefinitions(
  client: Client,
  definitions: readonly GatewayDefinition[],
): Promise<ReadonlySet<string>> {
  const away = new Set<string>()
  await Promise.all(
    definitions.map(async definition => {
      const { kind, version } = definition.kind
      const theirs = await ensure(client, customDefinition(definition))
      if (theirs && !theirs.spec.versions.some(v => v.name === version && v.served)) away.add(kind)
    }),
  )
  return away
}

export function customDefinition(definition: GatewayDefinition): Draft<CustomResourceDefinition> {
  const { kind, schema, columns, olderVersions = [], plain } = definition
  const made = definitionOf(kind, schema)
  const [newest] = made.spec.versions
  const version = {
    ...newest!,
    additionalPrinterColumns: columns,
    ...(plain ? {} : { subresources: { status: {} } }),
  }
  return {
    ...made,
    metadata: {
      ...made.metadata,
      labels: { [madeHere]: '' },
      // None that the project's own have: whoever compares those would take ours for one of a broken set.
      annotations: {
        'api-approved.kubernetes.io': 'unapproved, the kinds are those of Gateway API, the schema is our own',
      },
    },
    spec: {
      ...made.spec,
      versions: [version, ...olderVersions.map(name => ({ ...version, name, storage: false }))],
    },
  }
}

/** @returns somebody else's */
async function ensure(
  client: Client,
  wanted: Draft<CustomResourceDefinition>,
): Promise<CustomResourceDefinition | undefined> {
  const key = { name: wanted.metadata.name! }
  try {
    const found = await client.get(CustomResourceDefinition, key)
    const { labels, annotations } = found.metadata
    if (labels?.[madeHere] === undefined || annotations?.[bundleVersion] !== undefined) return found
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
  await ensureDefinition(client, wanted)
  return undefined
}
