import { customOpenApiSchemas } from '../../models/custom/custom-openapi.ts'
import type { Kind } from '../../models/kind.ts'
import { type OpenApiSchema, openApiRef, openApiSchemas } from '../../models/openapi.ts'
import { servedVersion } from '../health/version.ts'
import type { Resource } from '../resources.ts'
import { givenTypes, takenTypes } from './media-types.ts'
import { type Operation, type QueryParameter, queryParameters, statusWords, unlessEmpty } from './operation.ts'
import { mentionedTypes, operationsOf } from './operations.ts'
import { resourcesOperation, rootDocuments } from './root-operations.ts'

type Paths = Record<string, Record<string, unknown>>

/** What some resources bring into the document. */
interface Part {
  paths: Paths
  definitions: Record<string, OpenApiSchema>
}

const customParts = new WeakMap<Kind<any>, Part>()
let builtIn: { kinds: Kind<any>[]; part: Part } | undefined

/**
 * The Swagger 2.0 document of everything. What is made of each resource is kept for the next document.
 * @param pause awaited between its parts, which take some hundredths of a second
 */
export async function documentV2(resources: Resource[], pause: () => Promise<void>) {
  const own = resources.filter(r => !r.kind.custom)
  const parts = [await builtInPart(own, pause), ...resources.filter(r => r.kind.custom).map(customPart)]
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: servedVersion },
    paths: Object.assign({}, ...parts.map(part => part.paths)),
    definitions: Object.assign({}, ...parts.map(part => part.definitions)),
    securityDefinitions: {
      BearerToken: { type: 'apiKey', description: 'Bearer Token authentication', name: 'authorization', in: 'header' },
    },
    security: [{ BearerToken: [] }],
  }
}

async function builtInPart(resources: Resource[], pause: () => Promise<void>): Promise<Part> {
  const kinds = resources.map(r => r.kind)
  if (builtIn?.kinds.length === kinds.length && builtIn.kinds.every((kind, i) => kind === kinds[i])) return builtIn.part
  const operations = [...rootOperations(kinds), ...resources.flatMap(operationsOf)]
  const mentioned = mentionedTypes(operations, resources)
  // Scale and metadata too, to which only custom resources may refer.
  mentioned.set('autoscaling/v1.Scale', { group: 'autoscaling', version: 'v1', kind: 'Scale' })
  for (const schema of ['meta/v1.ObjectMeta', 'meta/v1.ListMeta']) mentioned.set(schema, undefined)
  const paths = pathsOf(operations)
  await pause()
  const part = { paths, definitions: openApiSchemas(kinds, mentioned, 'v2') }
  await pause()
  builtIn = { kinds, part }
  return part
}

/** All that is not of a resource; each group version once. */
function rootOperations(kinds: readonly Kind<any>[]): Operation[] {
  const versions = new Map(kinds.map(({ group, version }) => [`${group}/${version}`, { group, version }]))
  const groups = new Set(kinds.map(kind => kind.group))
  return [
    ...rootDocuments(groups).map(({ operation }) => operation),
    ...[...versions.values()].map(({ group, version }) => resourcesOperation(group, version)),
  ]
}

function customPart(resource: Resource): Part {
  let part = customParts.get(resource.kind)
  if (!part) {
    part = { paths: pathsOf(operationsOf(resource)), definitions: customOpenApiSchemas(resource.kind, 'v2') }
    customParts.set(resource.kind, part)
  }
  return part
}

function pathsOf(operations: readonly Operation[]): Paths {
  const paths: Paths = {}
  for (const operation of operations) {
    const parameters = operation.pathParameters.map(name => ({
      name,
      in: 'path',
      required: true,
      type: 'string',
      uniqueItems: true,
    }))
    const path = (paths[operation.path] ??= unlessEmpty({ parameters }))
    path[operation.method] = operationV2(operation)
  }
  return paths
}

function operationV2(o: Operation): object {
  const answer = { description: 'OK', schema: o.answer ? openApiRef(o.answer, 'v2') : { type: 'string' } }
  const body = o.body && {
    name: 'body',
    in: 'body',
    ...(o.body.endsWith('DeleteOptions') ? {} : { required: true }),
    schema: openApiRef(o.body, 'v2'),
  }
  return {
    tags: [o.tag],
    description: o.description,
    operationId: o.id,
    ...unlessEmpty({ consumes: takenTypes(o) }),
    produces: givenTypes(o),
    schemes: ['https'],
    ...unlessEmpty({ parameters: [...(body ? [body] : []), ...o.query.map(parameterV2)] }),
    responses: {
      200: answer,
      ...Object.fromEntries(o.also.map(code => [code, { ...answer, description: statusWords[code] }])),
      401: { description: 'Unauthorized' },
    },
    ...(o.action ? { 'x-kubernetes-action': o.action, 'x-kubernetes-group-version-kind': o.gvk } : {}),
  }
}

function parameterV2(name: QueryParameter): object {
  const { type, description } = queryParameters[name]
  return { name, in: 'query', description, type, uniqueItems: true }
}
