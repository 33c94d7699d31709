import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { decodeProtobuf, protobufType } from '../../models/protobuf/index.ts'
import { admin, startTestServer, type TestServer } from '../testing/test-server.ts'

// Facts of a kube-apiserver 1.32.13 that was asked the same.

let server: TestServer
beforeAll(async () => {
  const encoding = { format: 'pem' } as const
  const keys = generateKeyPairSync('ec', {
    ...{ namedCurve: 'P-256', privateKeyEncoding: { type: 'pkcs8', ...encoding } },
    publicKeyEncoding: { type: 'spki', ...encoding },
  })
  server = await startTestServer({ tokenKeys: keys })
})
afterAll(() => server[Symbol.asyncDispose]())

const aggregated = ';g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

async function ask(method: string, url: string, accept = 'application/json') {
  const { signal } = new AbortController()
  const reply = await server.api.handler({ method, url, headers: { accept }, user: admin, signal })
  return { ...reply, bytes: Buffer.from(reply.body as Uint8Array) }
}

test('the root names each check of health, and what lists the rest', async () => {
  const { body } = await server.call('GET', '/')
  expect(body.paths).toEqual(
    expect.arrayContaining([
      ...['/apis/', '/openapi/v3/', '/healthz', '/healthz/ping', '/healthz/poststarthook/rbac/bootstrap-roles'],
      ...['/livez/etcd', '/livez/poststarthook/storage-object-count-tracker-hook', '/readyz/shutdown'],
      ...['/readyz/etcd-readiness', '/readyz/informer-sync', '/readyz/autoregister-completion'],
    ]),
  )
  expect(body.paths).not.toContain('/livez/informer-sync')
  expect(body.paths).toEqual([...body.paths].sort())
})

const page = '406: Not Acceptable\n\nAvailable representations: '
const objects = 'application/json, application/yaml, application/vnd.kubernetes.protobuf'

test.each<[url: string, accept: string, message: string]>([
  ['/api', 'text/html', page + objects],
  ['/api/v1', 'application/*', page + objects],
  ['/apis/apps/v1', 'text/html', page + objects],
  ['/apis', 'text/html', `only the following media types are accepted: ${objects}`],
  ['/apis/apps', 'text/html', `only the following media types are accepted: ${objects}`],
  ['/version', 'text/plain', `${page}application/json`],
  ['/openid/v1/jwks', 'application/json', `${page}application/jwk-set+json`],
  ['/.well-known/openid-configuration', 'text/html', `${page}application/json`],
])('%s is not had as %s', async (url, accept, message) => {
  const { status, body } = await server.call('GET', url, undefined, { accept })
  const told = typeof body === 'string' ? JSON.parse(body) : body
  expect([status, told.message, told.details]).toEqual([406, message, message.startsWith(page) ? {} : undefined])
})

test.each<[method: string, url: string, status: number]>([
  ['POST', '/', 200],
  ['PUT', '/livez', 200],
  ['DELETE', '/readyz/ping', 200],
  ['POST', '/apis', 200],
  ['PATCH', '/apis/apps', 200],
  ['POST', '/openapi/v2', 200],
  ['POST', '/openapi/v3', 200],
  ['POST', '/openapi/v3/apis/apps/v1', 200],
  ['POST', '/metrics/slis', 200],
  ['POST', '/apis/apps/v1', 405],
  ['HEAD', '/apis/apps/v1', 405],
  ['HEAD', '/api', 405],
  ['HEAD', '/version', 405],
  ['HEAD', '/apis', 200],
  ['GET', '/livez/', 404],
  ['GET', '/openapi/v3/', 404],
])('%s %s answers %i', async (method, url, status) => {
  expect((await ask(method, url)).status).toBe(status)
})

test('a document that there is not is an empty answer, one of another time is elsewhere', async () => {
  const none = await ask('GET', '/openapi/v3/apis/none/v1')
  expect([none.status, none.bytes.length, none.headers['content-type']]).toEqual([404, 0, undefined])
  const old = await ask('GET', '/openapi/v3/apis/apps/v1?hash=OLD')
  expect([old.status, old.bytes.length, old.headers['content-type']]).toEqual([301, 0, 'application/json'])
  expect(old.headers['location']).toBe(`/openapi/v3/apis/apps/v1?hash=${String(old.headers['etag']).slice(1, -1)}`)
})

test('all groups at once are had as YAML and as protobuf too, under one tag', async () => {
  const [json, yaml, binary] = await Promise.all(
    ['application/json', 'application/yaml', protobufType].map(type => ask('GET', '/apis', type + aggregated)),
  )
  expect(yaml!.headers).toMatchObject({ 'content-type': `application/yaml${aggregated}`, etag: json!.headers['etag'] })
  expect(String(yaml!.bytes)).toMatch(
    /^apiVersion: apidiscovery.k8s.io\/v2\nitems:\n- metadata:\n {4}creationTimestamp: null/,
  )
  expect(binary!.headers).toMatchObject({ 'content-type': protobufType + aggregated, etag: json!.headers['etag'] })
  const { items } = JSON.parse(String(json!.bytes))
  const names = (list: any[]) => list.map(item => [item.metadata.name, item.versions[0].resources.length])
  expect(names((decodeProtobuf(binary!.bytes).value as any).items)).toEqual(names(items))
})

test('custom resources say of which group their answers are, in full', async () => {
  const definition = {
    metadata: { name: 'crontabs.stable.example.com' },
    spec: {
      ...{ group: 'stable.example.com', scope: 'Namespaced', names: { plural: 'crontabs', kind: 'CronTab' } },
      versions: [
        {
          ...{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
          subresources: { status: {}, scale: { specReplicasPath: '.spec.r', statusReplicasPath: '.status.r' } },
        },
      ],
    },
  }
  await server.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition)
  const { items } = JSON.parse(String((await ask('GET', '/apis', `application/json${aggregated}`)).bytes))
  const found = items.find((item: any) => item.metadata.name === 'stable.example.com').versions[0].resources[0]
  const own = { group: 'stable.example.com', version: 'v1', kind: 'CronTab' }
  expect([found.responseKind, ...found.subresources.map((s: any) => s.responseKind)]).toEqual([
    ...[own, own, { group: 'autoscaling', version: 'v1', kind: 'Scale' }],
  ])
  const { body } = await server.call('GET', '/openapi/v3/apis/stable.example.com/v1')
  const item = '/apis/stable.example.com/v1/namespaces/{namespace}/crontabs/{name}'
  expect([body.info, body.security, body.components.securitySchemes]).toEqual([
    ...[{ title: 'Kubernetes CRD Swagger', version: 'v0.1.0' }, undefined, undefined],
  ])
  expect(body.paths[item].get.parameters.map((p: any) => p.name)).toEqual(['pretty', 'resourceVersion'])
  expect(body.paths[`${item}/scale`].get['x-kubernetes-group-version-kind']).toEqual(own)
  expect(body.paths[item.replace('/{name}', '')].delete).not.toHaveProperty('requestBody')
})

test('documents name the version of the API, and hold what their operations speak of', async () => {
  const review = (await server.call('GET', '/openapi/v3/apis/authentication.k8s.io/v1')).body
  expect([review.info, review.security]).toEqual([{ title: 'Kubernetes', version: '1.32' }, undefined])
  const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1'
  expect(review.components.schemas).not.toHaveProperty([`${meta}.DeleteOptions`])
  const groups = (await server.call('GET', '/openapi/v3/apis')).body.components.schemas
  expect(groups[`${meta}.APIGroup`]['x-kubernetes-group-version-kind']).toEqual([
    { group: '', kind: 'APIGroup', version: 'v1' },
  ])
  const definitions = (await server.call('GET', '/openapi/v3/apis/apiextensions.k8s.io/v1')).body.components.schemas
  const custom = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1'
  expect(definitions[`${custom}.CustomResourceDefinitionSpec`].properties.scope).not.toHaveProperty('enum')
  expect(definitions[`${custom}.ValidationRule`].properties.reason.enum).toHaveLength(4)
  expect(definitions[`${meta}.WatchEvent`].properties.object.allOf).toHaveLength(1)
  expect(definitions[`${meta}.WatchEvent`]['x-kubernetes-group-version-kind']).toHaveLength(61)
})

test('what definitions are stored as has the name that Kubernetes gives it', async () => {
  const { resources } = (await server.call('GET', '/apis/apiextensions.k8s.io/v1')).body
  expect(resources[0].storageVersionHash).toBe('jfWCUB31mvA=')
})
