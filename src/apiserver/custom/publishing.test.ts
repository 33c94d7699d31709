import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/test-server.ts'
import { cronTab } from './testing/cron-tab.ts'
import { define } from './testing/define.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
  return () => server[Symbol.asyncDispose]()
})

/** A definition of that plural in a group of its own, gone after the test. */
async function published(schema: object, group: string) {
  await define(
    server,
    cronTab(crd => {
      crd.metadata.name = `crontabs.${group}`
      crd.spec.group = group
      crd.spec.versions = [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }]
    }),
  )
  onTestFinished(
    async () =>
      void (await server.call('DELETE', `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/crontabs.${group}`)),
  )
  const name = `${group.split('.').reverse().join('.')}.v1.CronTab`
  const v2 = (await server.call('GET', '/openapi/v2')).body.definitions
  const v3 = (await server.call('GET', `/openapi/v3/apis/${group}/v1`)).body
  return { name, v2, v3 }
}

const own = { apiVersion: expect.anything(), kind: expect.anything(), metadata: expect.anything() }

test('the schema is published as it was written, under the group back to front', async () => {
  const spec = {
    type: 'object',
    description: 'Specification',
    properties: {
      bars: { type: 'array', items: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } } },
    },
  }
  const { name, v2, v3 } = await published(
    { type: 'object', description: 'Foo', properties: { spec } },
    'pub.example.com',
  )
  const gvk = [{ group: 'pub.example.com', kind: 'CronTab', version: 'v1' }]
  const expected = {
    type: 'object',
    description: 'Foo',
    properties: { spec, ...own },
    'x-kubernetes-group-version-kind': gvk,
  }
  expect(v2[name]).toEqual(expected)
  expect(v3.components.schemas[name]).toEqual(expected)
  expect(Object.keys(v3.components.schemas)).toContain(`${name}List`)
  const patch = v3.paths['/apis/pub.example.com/v1/namespaces/{namespace}/crontabs/{name}'].patch
  expect(Object.keys(patch.requestBody.content).sort()).toEqual([
    'application/apply-patch+yaml',
    'application/json-patch+json',
    'application/merge-patch+json',
  ])
})

test('what kubectl would misunderstand is left out of version 2', async () => {
  const preserving = { 'x-kubernetes-preserve-unknown-fields': true }
  const root = await published(
    { type: 'object', ...preserving, properties: { spec: { type: 'object' } } },
    'root.example.com',
  )
  expect(root.v2[root.name]).toEqual({ type: 'object', 'x-kubernetes-group-version-kind': expect.anything() })
  expect(root.v3.components.schemas[root.name].properties.spec).toEqual({ type: 'object' })

  const port = { 'x-kubernetes-int-or-string': true }
  const nested = await published(
    {
      type: 'object',
      properties: {
        spec: {
          type: 'object',
          required: ['note'],
          properties: {
            free: { type: 'object', ...preserving, properties: { a: { type: 'string' } } },
            note: { type: 'string', nullable: true },
            port,
          },
        },
      },
    },
    'nested.example.com',
  )
  expect(nested.v2[nested.name].properties.spec).toEqual({
    type: 'object',
    properties: { free: preserving, note: {}, port },
  })
  expect(nested.v3.components.schemas[nested.name].properties.spec.properties.port).toEqual({
    ...port,
    anyOf: [{ type: 'integer' }, { type: 'string' }],
  })
})

test('what is no longer served is no longer published, and the ETags tell', async () => {
  const before = await server.call('GET', '/openapi/v2')
  await published({ type: 'object' }, 'gone.example.com')
  const url = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/crontabs.gone.example.com'
  const during = await server.call('GET', '/openapi/v2')
  expect(during.headers['etag']).not.toBe(before.headers['etag'])
  const core = async () => (await server.call('GET', '/openapi/v3')).body.paths['api/v1'].serverRelativeURL
  const hash = await core()
  await server.call(
    'PATCH',
    url,
    [
      { op: 'replace', path: '/spec/versions/0/name', value: 'v2' },
      {
        op: 'add',
        path: '/spec/versions/1',
        value: { name: 'v1', served: false, storage: false, schema: { openAPIV3Schema: { type: 'object' } } },
      },
    ],
    {
      'content-type': 'application/json-patch+json',
    },
  )
  const names = Object.keys((await server.call('GET', '/openapi/v3')).body.paths).filter(p => p.includes('gone'))
  expect(names).toEqual(['apis/gone.example.com/v2'])
  expect(await core()).toBe(hash)
  expect((await server.call('GET', '/apis/gone.example.com/v1')).status).toBe(404)
})

test('verbs of custom resources come in the order that kube-apiserver has', async () => {
  const group = 'scaled.example.com'
  await published({ type: 'object', properties: { spec: { type: 'object' } } }, group)
  const list = (await server.call('GET', `/apis/${group}/v1`)).body
  const verbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch']
  expect(list.resources[0].verbs).toEqual(verbs)
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
  const { items } = (await server.call('GET', '/apis', undefined, { accept })).body
  const found = items.find((item: any) => item.metadata.name === group)
  expect(found.versions[0].resources[0].verbs).toEqual(verbs)
})
