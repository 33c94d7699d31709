import { openApiRef, openApiSchemas } from '../../models/openapi.ts'
import { versionInfo } from '../health/version.ts'
import type { Resource } from '../resources.ts'
import { type Operation, operationsOf, type QueryParameter, queryParameters } from './operations.ts'

const jsonTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']
const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
]

/** The Swagger 2.0 document of everything. */
export function documentV2(resources: Resource[]): object {
  const paths: Record<string, Record<string, unknown>> = {}
  const mentioned = new Set<string>(['meta/v1.DeleteOptions', 'meta/v1.Status', 'meta/v1.WatchEvent'])
  for (const resource of resources)
    for (const operation of operationsOf(resource)) {
      const path = (paths[operation.path] ??= {
        parameters: operation.pathParameters.map(name => ({
          name,
          in: 'path',
          required: true,
          type: 'string',
          uniqueItems: true,
        })),
      })
      path[operation.method] = operationV2(operation)
      for (const schema of [operation.body, operation.answer])
        if (schema && schema !== 'patch' && !schema.endsWith('List') && schema !== resource.kind.schema)
          mentioned.add(schema)
    }
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: versionInfo.gitVersion },
    paths,
    definitions: openApiSchemas(
      resources.map(r => r.kind),
      [...mentioned],
      'v2',
    ),
    securityDefinitions: {
      BearerToken: { type: 'apiKey', description: 'Bearer Token authentication', name: 'authorization', in: 'header' },
    },
    security: [{ BearerToken: [] }],
  }
}

function operationV2(o: Operation): object {
  const answer = { description: 'OK', schema: o.answer ? openApiRef(o.answer, 'v2') : { type: 'string' } }
  const body = o.body && {
    name: 'body',
    in: 'body',
    ...(o.body.endsWith('DeleteOptions') ? {} : { required: true }),
    schema: o.body === 'patch' ? { type: 'object' } : openApiRef(o.body, 'v2'),
  }
  return {
    description: o.description,
    operationId: o.id,
    consumes: o.body === 'patch' ? patchTypes : ['*/*'],
    produces: jsonTypes,
    schemes: ['https'],
    parameters: [...(body ? [body] : []), ...o.query.map(parameterV2)],
    responses: {
      200: answer,
      ...(o.created ? { 201: { ...answer, description: 'Created' } } : {}),
      401: { description: 'Unauthorized' },
    },
    'x-kubernetes-action': o.action,
    'x-kubernetes-group-version-kind': o.gvk,
  }
}

function parameterV2(name: QueryParameter): object {
  const { type, description } = queryParameters[name]
  return { name, in: 'query', description, type, uniqueItems: true }
}
