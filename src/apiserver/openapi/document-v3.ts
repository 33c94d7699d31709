import { customOpenApiSchemas } from '../../models/custom/custom-openapi.ts'
import { openApiRef, openApiSchemas } from '../../models/openapi.ts'
import { changeTypes, objectTypes } from '../bodies/media-types.ts'
import { versionInfo } from '../health/version.ts'
import type { Resource } from '../resources.ts'
import { type Operation, type QueryParameter, queryParameters, statusWords, typesOf } from './operation.ts'
import { mentionedTypes, operationsOf } from './operations.ts'

/** As Go writes maps. */
const inGoOrder = [...changeTypes].sort()

/** The OpenAPI 3.0 document of one group version. */
export function documentV3(resources: Resource[]): object {
  const operations = resources.flatMap(operationsOf)
  const paths: Record<string, Record<string, unknown>> = {}
  for (const operation of operations) {
    const path = (paths[operation.path] ??= {
      parameters: operation.pathParameters.map(name => ({
        name,
        in: 'path',
        required: true,
        description: describe(name, operation),
        schema: { type: 'string', uniqueItems: true },
      })),
    })
    path[operation.method] = operationV3(operation)
  }
  const mentioned = mentionedTypes(operations, resources)
  const kinds = resources.map(r => r.kind)
  const custom = kinds.filter(kind => kind.custom).map(kind => customOpenApiSchemas(kind, 'v3'))
  if (custom.length) for (const type of ['meta/v1.ObjectMeta', 'meta/v1.ListMeta']) mentioned.set(type, undefined)
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: versionInfo.gitVersion },
    paths,
    components: {
      schemas: { ...openApiSchemas(kinds, mentioned), ...Object.assign({}, ...custom) },
      securitySchemes: {
        BearerToken: {
          type: 'apiKey',
          description: 'Bearer Token authentication',
          name: 'authorization',
          in: 'header',
        },
      },
    },
    security: [{ BearerToken: [] }],
  }
}

function describe(parameter: Operation['pathParameters'][number], { gvk }: Operation): string {
  if (parameter === 'name') return `name of the ${gvk.kind}`
  return parameter === 'path' ? 'path to the resource' : 'object name and auth scope, such as for teams and projects'
}

function operationV3(o: Operation): object {
  const answer = {
    description: 'OK',
    content: o.answer
      ? Object.fromEntries(typesOf(o, objectTypes).map(type => [type, { schema: openApiRef(o.answer!) }]))
      : { [o.action === 'connect' ? '*/*' : 'text/plain']: { schema: { type: 'string' } } },
  }
  return {
    tags: [o.tag],
    description: o.description,
    operationId: o.id,
    ...(o.query.length ? { parameters: o.query.map(parameterV3) } : {}),
    ...(o.body
      ? { requestBody: { ...bodyV3(o, o.body), ...(o.body.endsWith('DeleteOptions') ? {} : { required: true }) } }
      : {}),
    responses: {
      200: answer,
      ...Object.fromEntries(o.also.map(code => [code, { ...answer, description: statusWords[code] }])),
      401: { description: 'Unauthorized' },
    },
    'x-kubernetes-action': o.action,
    'x-kubernetes-group-version-kind': o.gvk,
  }
}

function bodyV3(o: Operation, body: string): object {
  if (body === 'patch') return contentOf(typesOf(o, inGoOrder), { type: 'object' })
  return contentOf(typesOf(o, objectTypes), openApiRef(body))
}

const contentOf = (types: string[], schema: object) => ({
  content: Object.fromEntries(types.map(type => [type, { schema }])),
})

function parameterV3(name: QueryParameter): object {
  const { type, description } = queryParameters[name]
  return { name, in: 'query', description, schema: { type, uniqueItems: true } }
}
