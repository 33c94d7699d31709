import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createAuthority, issueCertificate, type KeyPair } from '../../base/certificates.ts'
import { systemClock } from '../../base/clock.ts'
import { loopbackNet, serviceObjects } from '../testing/outside-server.ts'
import { admin, startTestServer, type TestServer } from '../testing/test-server.ts'
import { apiService, type ExtensionServer, group, startExtensionServer } from './testing/extension-server.ts'

let server: TestServer
let extension: ExtensionServer
let proxyCa: KeyPair
const services = '/apis/apiregistration.k8s.io/v1/apiservices'
const mine = `${services}/v1alpha1.${group}`
const flunders = `/apis/${group}/v1alpha1/namespaces/default/flunders`
const aggregated = { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' }

beforeAll(async () => {
  proxyCa = await createAuthority('proxies', systemClock)
  const identity = await issueCertificate(proxyCa, { commonName: 'front-proxy', usages: ['client'] }, systemClock)
  extension = await startExtensionServer('api.default.svc', proxyCa.cert)
  server = await startTestServer({
    net: loopbackNet(),
    clientCa: proxyCa.cert,
    frontProxy: { ca: proxyCa.cert, allowedNames: ['front-proxy'], identity },
  })
  for (const [url, object] of serviceObjects('api', extension.port)) await server.call('POST', url, object)
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await extension[Symbol.asyncDispose]()
})
beforeEach(async () => {
  extension.status = undefined
  await server.call('DELETE', mine)
})

/** Watches until the Available condition has this reason. @returns the condition */
async function until(reason: string, url = mine): Promise<any> {
  const name = url.split('/').at(-1)
  const watch = await server.watch(`${services}?watch=1&fieldSelector=metadata.name=${name}`)
  for (;;) {
    const { object } = await watch.next()
    const condition = object.status?.conditions?.find((c: any) => c.type === 'Available')
    if (condition?.reason !== reason) continue
    watch.end()
    return condition
  }
}

async function register(more: object = {}): Promise<void> {
  expect((await server.call('POST', services, apiService(extension.caBundle, more))).status).toBe(201)
}

const groupIn = async () =>
  (await server.call('GET', '/apis', undefined, aggregated)).body.items.find((i: any) => i.metadata.name === group)

test('objects of an extension server are created, listed, watched and deleted through us', async () => {
  await register()
  expect(await until('Passed')).toMatchObject({ status: 'True', message: 'all checks passed' })
  const watch = await server.watch(`${flunders}?watch=1`)
  const made = await server.call('POST', flunders, {
    ...{ kind: 'Flunder', apiVersion: `${group}/v1alpha1`, metadata: { name: 'a', labels: { x: 'y' } } },
  })
  expect(made).toMatchObject({ status: 201, body: { metadata: { name: 'a', namespace: 'default' } } })
  expect(await watch.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'a' } } })
  expect((await server.call('GET', flunders)).body.items).toHaveLength(1)
  expect((await server.call('DELETE', flunders)).body).toMatchObject({ status: 'Success' })
  expect(await watch.next()).toMatchObject({ type: 'DELETED' })
  watch.end()
  expect((await server.call('GET', `${flunders}/a`)).body).toMatchObject({ code: 404, message: 'no such flunder' })
})

test('the extension server is told the user by us, whatever the user says of itself', async () => {
  await register()
  await until('Passed')
  const user = {
    username: 'jörg',
    uid: '7',
    groups: ['a,b', 'system:masters'],
    extra: { 'example.com/Scopes': ['x', 'y'], 'a(b)': ['z'] },
  }
  await server.api.handler({
    ...{ method: 'GET', url: flunders, user, signal: new AbortController().signal },
    headers: {
      'x-remote-user': 'root',
      'x-remote-group': 'c',
      'x-remote-extra-z': 'z',
      authorization: 'Bearer secret',
    },
  })
  const told = extension.lastHeaders.filter(([name]) => /^x-remote|authorization/.test(name))
  expect(told.map(([name, value]) => [name, Buffer.from(value, 'latin1').toString()])).toEqual([
    ['x-remote-user', 'jörg'],
    ['x-remote-uid', '7'],
    ['x-remote-group', 'a,b'],
    ['x-remote-group', 'system:masters'],
    ['x-remote-extra-example.com%2fscopes', 'x'],
    ['x-remote-extra-example.com%2fscopes', 'y'],
    ['x-remote-extra-a%28b%29', 'z'],
  ])
})

test('whoever may not is refused by us, and nobody is asked', async () => {
  await register()
  await until('Passed')
  extension.lastHeaders = []
  const user = { username: 'nobody', groups: ['system:authenticated'] }
  const reply = await server.api.handler({
    ...{ method: 'GET', url: flunders, user, headers: {}, signal: new AbortController().signal },
  })
  expect(reply.status).toBe(403)
  expect(extension.lastHeaders).toEqual([])
})

test('a redirect is not passed on: it would lead users to where they did not want to go', async () => {
  await register()
  await until('Passed')
  const { status, body } = await server.call('GET', `${flunders}/x/elsewhere`)
  expect({ status, message: body.message }).toEqual({
    ...{ status: 502, message: 'the backend attempted to redirect this request, which is not permitted' },
  })
})

test('other protocols are switched to when the extension server has switched', async () => {
  await register()
  await until('Passed')
  const reply: any = await server.api.handler({
    ...{ method: 'GET', url: `${flunders}/x/console`, user: admin, signal: new AbortController().signal },
    headers: { connection: 'Upgrade', upgrade: 'echo' },
  })
  expect(reply.status).toBe(101)
  const { backend } = reply.tunnel
  backend.write('hello')
  expect(String(await new Promise(resolve => backend.once('data', resolve)))).toBe('hello')
  backend.destroy()
})

test('discovery shows the version in both forms, and what it served last as stale', async () => {
  await register()
  await until('Passed')
  const current = await groupIn()
  expect(current.versions).toMatchObject([
    {
      ...{ version: 'v1alpha1', freshness: 'Current' },
      resources: [
        {
          ...{ resource: 'flunders', scope: 'Namespaced', singularResource: 'flunder', shortNames: ['fl'] },
          responseKind: { group, version: 'v1alpha1', kind: 'Flunder' },
          subresources: [{ subresource: 'status', verbs: ['get', 'patch', 'update'] }],
        },
      ],
    },
  ])
  const version = { groupVersion: `${group}/v1alpha1`, version: 'v1alpha1' }
  expect((await server.call('GET', `/apis/${group}`)).body).toEqual({
    ...{ kind: 'APIGroup', apiVersion: 'v1', name: group, versions: [version], preferredVersion: version },
  })
  expect((await server.call('GET', '/apis')).body.groups.map((g: any) => g.name)).toContain(group)
  expect((await server.call('GET', `/apis/${group}/v1alpha1`)).body.kind).toBe('APIResourceList')
  expect((await server.call('GET', '/')).body.paths).toContain(`/apis/${group}/v1alpha1`)

  extension.status = 500
  await server.call(
    'PATCH',
    mine,
    { spec: { versionPriority: 400 } },
    { 'content-type': 'application/merge-patch+json' },
  )
  expect((await until('FailedDiscoveryCheck')).message).toBe(
    `failing or missing response from https://api.default.svc:443/apis/${group}/v1alpha1: bad status from https://api.default.svc:443/apis/${group}/v1alpha1: 500`,
  )
  expect((await groupIn()).versions).toEqual([{ ...current.versions[0], freshness: 'Stale' }])
  await server.call('DELETE', mine)
  expect(await groupIn()).toBe(undefined)
  expect((await server.call('GET', '/')).body.paths).not.toContain(`/apis/${group}`)
})

test('a server that cannot be asked is 503 with the reason, and back when its endpoints are', async () => {
  const slice = serviceObjects('api', extension.port)[1]!
  await server.call('DELETE', `${slice[0]}/api-1`)
  await register()
  expect(await until('EndpointsNotFound')).toMatchObject({
    ...{ status: 'False', message: 'cannot find endpoints for service/api in "default"' },
  })
  expect((await server.call('GET', flunders)).body).toMatchObject({
    ...{ code: 503, reason: 'ServiceUnavailable' },
    message: expect.stringContaining('EndpointsNotFound'),
  })
  expect((await groupIn()).versions).toEqual([{ version: 'v1alpha1', freshness: 'Stale' }])
  const notReady = structuredClone(slice[1]) as any
  notReady.endpoints[0].conditions.ready = false
  await server.call('POST', slice[0], notReady)
  expect((await until('MissingEndpoints')).message).toBe(
    'endpoints for service/api in "default" have no addresses with port name ""',
  )
  await server.call('PUT', `${slice[0]}/api-1`, slice[1])
  await until('Passed')
  expect((await server.call('GET', flunders)).status).toBe(200)
  const metrics = (await server.call('GET', '/metrics')).body
  expect(metrics).toContain(`aggregator_unavailable_apiservice{name="v1alpha1.${group}"} 0`)
  expect(metrics).toContain(
    `aggregator_unavailable_apiservice_total{name="v1alpha1.${group}",reason="EndpointsNotFound"}`,
  )
})

test.each([
  [
    'ServiceNotFound',
    { service: { namespace: 'default', name: 'nobody' } },
    'service/nobody in "default" is not present',
  ],
  [
    'ServicePortError',
    { service: { namespace: 'default', name: 'api', port: 8443 } },
    'service/api in "default" is not listening on port 8443',
  ],
  ['FailedDiscoveryCheck', { caBundle: undefined }, /x509: certificate signed by unknown authority$/],
])('%s', async (reason, spec, message) => {
  await register(spec)
  expect((await until(reason)).message).toEqual(typeof message === 'string' ? message : expect.stringMatching(message))
})

test('a server with any certificate is believed when its APIService says so', async () => {
  await register({ caBundle: undefined, insecureSkipTLSVerify: true })
  await until('Passed')
})

test('OpenAPI of both versions has what the extension server says of itself', async () => {
  await register()
  await until('Passed')
  // It is read just after the condition was written.
  await expect
    .poll(async () => (await server.call('GET', '/openapi/v3')).body.paths[`apis/${group}/v1alpha1`])
    .toBeDefined()
  const { paths } = (await server.call('GET', '/openapi/v3')).body
  const { serverRelativeURL } = paths[`apis/${group}/v1alpha1`]
  const document = await server.call('GET', serverRelativeURL)
  expect(document.headers['cache-control']).toBe('public, immutable')
  expect(Object.keys(document.body.components.schemas)).toEqual(['com.example.wardle.v1alpha1.Flunder'])
  const { body } = await server.call('GET', '/openapi/v2')
  expect(body.paths[`/apis/${group}/v1alpha1/namespaces/{namespace}/flunders`]).toBeDefined()
  expect(body.definitions['com.example.wardle.v1alpha1.Flunder'].properties.metadata).toEqual({
    $ref: '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta_v2',
  })
  expect(body.definitions['io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta_v2'].description).toBe('another one')
  expect(body.definitions['com.example.Unused']).toBe(undefined)
  const protobuf = { accept: 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf' }
  expect((await server.call('GET', '/openapi/v2', undefined, protobuf)).status).toBe(200)
})

test('metrics of nodes are those of an add-on while it is registered, then ours again', async () => {
  const nodes = '/apis/metrics.k8s.io/v1beta1/nodes'
  expect((await server.call('GET', nodes)).body.kind).toBe('NodeMetricsList')
  const metrics = { ...apiService(extension.caBundle), metadata: { name: 'v1beta1.metrics.k8s.io' } }
  const spec = { ...metrics.spec, group: 'metrics.k8s.io', version: 'v1beta1' }
  await server.call('POST', services, { ...metrics, spec })
  // Its discovery names another group: it stays unavailable, but it is the one that is asked.
  await until('FailedDiscoveryCheck', `${services}/v1beta1.metrics.k8s.io`)
  expect((await server.call('GET', nodes)).status).toBe(503)
  expect((await server.call('GET', '/openapi/v3')).body.paths['apis/metrics.k8s.io/v1beta1']).toBe(undefined)
  await server.call('DELETE', `${services}/v1beta1.metrics.k8s.io`)
  expect((await server.call('GET', nodes)).body.kind).toBe('NodeMetricsList')
})

test('conditions of others in the status stay, and who writes them changes no labels', async () => {
  await register()
  await until('Passed')
  const patch = { metadata: { labels: { e2e: 'yes' } }, status: { conditions: [{ type: 'Other', status: 'True' }] } }
  const type = { 'content-type': 'application/strategic-merge-patch+json' }
  const { status, body } = await server.call('PATCH', `${mine}/status`, patch, type)
  expect(status).toBe(200)
  expect(body.status.conditions.map((c: any) => c.type).sort()).toEqual(['Available', 'Other'])
  expect(body.metadata.labels).toBeUndefined()
  const labelled = await server.call('PATCH', mine, { metadata: patch.metadata }, type)
  expect(labelled.body.metadata.labels).toEqual({ e2e: 'yes' })
  extension.status = 500
  await server.call(
    'PATCH',
    mine,
    { spec: { versionPriority: 300 } },
    { 'content-type': 'application/merge-patch+json' },
  )
  await until('FailedDiscoveryCheck')
  const after = (await server.call('GET', mine)).body.status.conditions
  expect(after.map((c: any) => c.type).sort()).toEqual(['Available', 'Other'])
  expect((await server.call('DELETE', `${services}?labelSelector=e2e=yes`)).status).toBe(200)
  expect((await server.call('GET', mine)).status).toBe(404)
})

test('what is said of its server in the status is owned by kube-apiserver', async () => {
  await register()
  await until('Passed')
  const { managedFields } = (await server.call('GET', mine)).body.metadata
  const condition = {
    '.': {},
    'f:lastTransitionTime': {},
    'f:message': {},
    'f:reason': {},
    'f:status': {},
    'f:type': {},
  }
  const { time: _, ...owner } = managedFields.find((m: any) => m.subresource)
  expect(owner).toEqual({
    ...{ manager: 'kube-apiserver', operation: 'Update', subresource: 'status' },
    ...{ apiVersion: 'apiregistration.k8s.io/v1', fieldsType: 'FieldsV1' },
    fieldsV1: { 'f:status': { 'f:conditions': { '.': {}, 'k:{"type":"Available"}': condition } } },
  })
})
