import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

const protobuf = 'application/com.github.proto-openapi.spec.v3.v1.0+protobuf'

test('while the index is written for the first time, others get their turn', async () => {
  let turns = 0
  let asked = true
  const count = () => {
    turns++
    if (asked) setImmediate(count)
  }
  setImmediate(count)
  const { body } = await server.call('GET', '/openapi/v3')
  asked = false
  expect(turns).toBeGreaterThan(Object.keys(body.paths).length / 2)
})

test('a document has one tag and one address, as JSON and as protobuf', async () => {
  const { serverRelativeURL } = (await server.call('GET', '/openapi/v3')).body.paths['apis/apps/v1']
  const json = await server.call('GET', serverRelativeURL)
  const binary = await server.call('GET', serverRelativeURL, undefined, {
    accept: 'application/com.github.proto-openapi.spec.v3@v1.0+protobuf',
  })
  expect(json.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'public, immutable' })
  expect(binary.headers).toMatchObject({ 'content-type': protobuf, etag: json.headers['etag'], vary: 'Accept' })
  const known = { accept: protobuf, 'if-none-match': json.headers['etag'] as string }
  expect((await server.call('GET', serverRelativeURL, undefined, known)).status).toBe(304)
  const refused = await server.call('GET', '/openapi/v3/apis/apps/v1', undefined, { accept: 'text/html' })
  expect([refused.status, refused.body.reason]).toEqual([406, 'NotAcceptable'])
})

test('operations are described as generators of clients know them', async () => {
  const { paths, definitions } = (await server.call('GET', '/openapi/v2')).body
  const pods = '/api/v1/namespaces/{namespace}/pods'
  const said = (path: string, method: string) => {
    const { operationId, tags, responses } = paths[path][method]
    const { $ref = 'text' } = responses[200].schema
    return [operationId, tags[0], $ref.split('.').pop(), Object.keys(responses).join()]
  }
  expect([
    said(pods, 'post'),
    said(pods, 'delete'),
    said(`${pods}/{name}`, 'put'),
    said(`${pods}/{name}`, 'delete'),
    said(`${pods}/{name}/log`, 'get'),
    said('/api/v1/namespaces/{namespace}/configmaps/{name}', 'delete'),
    said('/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale', 'get'),
  ]).toEqual([
    ['createCoreV1NamespacedPod', 'core_v1', 'Pod', '200,201,202,401'],
    ['deleteCoreV1CollectionNamespacedPod', 'core_v1', 'Status', '200,401'],
    ['replaceCoreV1NamespacedPod', 'core_v1', 'Pod', '200,201,401'],
    ['deleteCoreV1NamespacedPod', 'core_v1', 'Pod', '200,202,401'],
    ['readCoreV1NamespacedPodLog', 'core_v1', 'text', '200,401'],
    ['deleteCoreV1NamespacedConfigMap', 'core_v1', 'Status', '200,202,401'],
    ['readAppsV1NamespacedDeploymentScale', 'apps_v1', 'Scale', '200,401'],
  ])
  expect(paths[pods].get.produces).toContain('application/vnd.kubernetes.protobuf;stream=watch')
  expect(definitions['io.k8s.api.autoscaling.v1.Scale']['x-kubernetes-group-version-kind']).toEqual([
    { group: 'autoscaling', version: 'v1', kind: 'Scale' },
  ])
})
