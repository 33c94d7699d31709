import { afterAll, beforeAll, expect, test } from 'vitest'
import { openApiV2Protobuf } from '../../models/openapi-v2-protobuf.ts'
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

test('the document of version 2 is written in parts, once for all who ask meanwhile, and is the same as in one piece', async () => {
  const accept = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'
  const turns: number[] = []
  let [count, asked] = [0, true]
  const turn = () => {
    count++
    if (asked) setImmediate(turn)
  }
  for (const headers of [{ accept: 'application/json' }, { accept }]) {
    ;[count, asked] = [0, true]
    setImmediate(turn)
    const replies = await Promise.all([1, 2].map(() => server.call('GET', '/openapi/v2', undefined, headers)))
    asked = false
    turns.push(count)
    expect(replies[0]!.headers['etag']).toBe(replies[1]!.headers['etag'])
  }
  expect(Math.min(...turns)).toBeGreaterThanOrEqual(6)
  const bytes = async (headers: Record<string, string>) => {
    const user = { username: 'admin', groups: ['system:masters'] }
    const { signal } = new AbortController()
    const reply = await server.api.handler({ method: 'GET', url: '/openapi/v2', headers, user, signal })
    return reply.body as Buffer
  }
  const json = (await bytes({})).toString()
  expect(json).toBe(JSON.stringify(JSON.parse(json)))
  // Megabytes: what vitest compares number by number takes seconds.
  expect(Buffer.compare(openApiV2Protobuf(JSON.parse(json)), await bytes({ accept }))).toBe(0)
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

test('nothing in it is an empty list, or Go clients do not read it as they would write it', async () => {
  expect((await server.call('GET', '/openapi/v3/openid/v1/jwks')).body.components).not.toHaveProperty('schemas')
  const emptyLists = (value: unknown, path: string): string[] =>
    Array.isArray(value) && value.length === 0
      ? [path]
      : typeof value === 'object' && value !== null
        ? Object.entries(value).flatMap(([key, inner]) => emptyLists(inner, `${path}/${key}`))
        : []
  for (const url of ['/openapi/v2', '/openapi/v3/apis/admissionregistration.k8s.io/v1', '/openapi/v3/api/v1']) {
    const { body } = await server.call('GET', url)
    expect(emptyLists(body, url).filter(path => !path.includes('/security/'))).toEqual([])
  }
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

test('what leads to a running pod, a service or a node is described, for generators of clients', async () => {
  const { paths } = (await server.call('GET', '/openapi/v2')).body
  const v3 = (await server.call('GET', '/openapi/v3/api/v1')).body.paths
  const pod = '/api/v1/namespaces/{namespace}/pods/{name}'
  const service = '/api/v1/namespaces/{namespace}/services/{name}'
  const said = (path: string) =>
    Object.entries<any>(paths[path])
      .filter(([method]) => method !== 'parameters')
      .map(([method, { operationId }]) => `${method} ${operationId}`)
  const names = (path: string) => paths[path].parameters.map((p: { name: string }) => p.name)
  expect([said(`${pod}/exec`), said(`${pod}/portforward`)]).toEqual([
    ['get connectCoreV1GetNamespacedPodExec', 'post connectCoreV1PostNamespacedPodExec'],
    ['get connectCoreV1GetNamespacedPodPortforward', 'post connectCoreV1PostNamespacedPodPortforward'],
  ])
  expect(said('/api/v1/nodes/{name}/proxy')).toContain('head connectCoreV1HeadNodeProxy')
  expect([said(`${service}/proxy/{path}`).length, names(`${service}/proxy/{path}`)]).toEqual([
    7,
    ['namespace', 'name', 'path'],
  ])
  const exec = paths[`${pod}/exec`].get
  expect([exec['x-kubernetes-action'], exec['x-kubernetes-group-version-kind'], exec.produces]).toEqual([
    'connect',
    { group: '', version: 'v1', kind: 'PodExecOptions' },
    ['*/*'],
  ])
  expect(exec.parameters.map((p: { name: string }) => p.name)).toEqual([
    ...['command', 'container', 'stderr', 'stdin', 'stdout', 'tty'],
  ])
  expect(Object.keys(v3[`${pod}/attach`].post.responses['200'].content)).toEqual(['*/*'])
})

test('the older paths below /watch/ are described, those of custom resources are only served', async () => {
  const { paths } = (await server.call('GET', '/openapi/v3/api/v1')).body
  const said = (path: string) => {
    const { operationId, responses, ...operation } = paths[`/api/v1/watch/${path}`].get
    const [stream] = Object.keys(responses[200].content).filter(type => type.includes('protobuf;stream'))
    return [operationId, operation['x-kubernetes-action'], stream?.split(';')[1]]
  }
  expect([said('pods'), said('namespaces/{namespace}/pods/{name}'), said('nodes'), said('nodes/{name}')]).toEqual([
    ['watchCoreV1PodListForAllNamespaces', 'watchlist', 'stream=watch'],
    ['watchCoreV1NamespacedPod', 'watch', 'stream=watch'],
    ['watchCoreV1NodeList', 'watchlist', 'stream=watch'],
    ['watchCoreV1Node', 'watch', 'stream=watch'],
  ])
})

test('what is of no resource has documents of its own', async () => {
  const { paths } = (await server.call('GET', '/openapi/v3')).body
  const documents = ['.well-known/openid-configuration', 'api', 'apis', 'apis/apps', 'openid/v1/jwks', 'version']
  for (const name of documents) {
    const { status, body } = await server.call('GET', paths[name].serverRelativeURL)
    expect([status, Object.keys(body.paths)]).toEqual([200, [`/${name}/`]])
  }
  const { components } = (await server.call('GET', '/openapi/v3/version')).body
  expect(Object.keys(components.schemas)).toEqual(['io.k8s.apimachinery.pkg.version.Info'])
})
