import { customOpenApiSchemas } from '../../models/custom/custom-openapi.ts'
import { openApiRef, openApiSchemas } from '../../models/openapi.ts'
import { servedVersion } from '../health/version.ts'
import type { Resource } from '../resources.ts'
import { givenTypes, takenTypes } from './media-types.ts'
import { type Operation, type QueryParameter, queryParameters, statusWords, unlessEmpty } from './operation.ts'
import { mentionedTypes, operationsOf } from './operations.ts'
import { resourcesOperation } from './root-operations.ts'

/** The OpenAPI 3.0 document of one group version: its resources, and what lists them. */
export function documentV3(resources: Resource[]): object {
  const operations = resources.flatMap(operationsOf)
  const kind = resources.find(r => !r.kind.custom)?.kind
  return documentOf(kind ? [resourcesOperation(kind.group, kind.version), ...operations] : operations, resources)
}

/** The OpenAPI 3.0 document of some operations. @param resources those whose schemas stand in it in any case */
export function documentOf(operations: readonly Operation[], resources: readonly Resource[] = []): object {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const operation of operations) {
    const parameters = operation.pathParameters.map(name => ({
      name,
      in: 'path',
      required: true,
      description: describe(name, operation),
      schema: { type: 'string', uniqueItems: true },
    }))
    const path = (paths[operation.path] ??= unlessEmpty({ parameters }))
    path[operation.method] = operationV3(operation)
  }
  const mentioned = mentionedTypes(operations, resources)
  const kinds = resources.map(r => r.kind)
  const custom = kinds.filter(kind => kind.custom).map(kind => customOpenApiSchemas(kind, 'v3'))
  if (custom.length) for (const type of ['meta/v1.ObjectMeta', 'meta/v1.ListMeta']) mentioned.set(type, undefined)
  const schemas = { ...openApiSchemas(kinds, mentioned), ...Object.assign({}, ...custom) }
  return {
    openapi: '3.0.0',
    info: custom.length ? customInfo : { title: 'Kubernetes', version: servedVersion },
    paths,
    components: {
      ...(Object.keys(schemas).length > 0 ? { schemas } : {}),
      ...(custom.length ? {} : { securitySchemes: { BearerToken: bearerToken } }),
    },
  }
}

const bearerToken = {
  type: 'apiKey',
  description: 'Bearer Token authentication',
  name: 'authorization',
  in: 'header',
}

/** What upstream's documents of custom resources say of themselves. */
const customInfo = { title: 'Kubernetes CRD Swagger', version: 'v0.1.0' }

function describe(parameter: Operation['pathParameters'][number], { gvk }: Operation): string {
  if (parameter === 'name') return `name of the ${gvk?.kind}`
  return parameter === 'path' ? 'path to the resource' : 'object name and auth scope, such as for teams and projects'
}

function operationV3(o: Operation): object {
  const answer = {
    description: 'OK',
    content: contentOf(givenTypes(o), o.answer ? openApiRef(o.answer) : { type: 'string' }),
  }
  return {
    tags: [o.tag],
    description: o.description,
    operationId: o.id,
    ...unlessEmpty({ parameters: o.query.map(parameterV3) }),
    ...(o.body
      ? {
          requestBody: {
            content: contentOf(takenTypes(o), openApiRef(o.body)),
            ...(o.body.endsWith('DeleteOptions') ? {} : { required: true }),
          },
        }
      : {}),
    responses: {
      200: answer,
      ...Object.fromEntries(o.also.map(code => [code, { ...answer, description: statusWords[code] }])),
      401: { description: 'Unauthorized' },
    },
    ...(o.action ? { 'x-kubernetes-action': o.action, 'x-kubernetes-group-version-kind': o.gvk } : {}),
  }
}

/** In order, as Go writes maps. */
const contentOf = (types: readonly string[], schema: object) =>
  Object.fromEntries([...types].sort().map(type => [type, { schema }]))

function parameterV3(name: QueryParameter): object {
  const { type, description } = queryParameters[name]
  return { name, in: 'query', description, schema: { type, uniqueItems: true } }
}
