import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from './testing/test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ nodes: { open: () => Promise.reject(new Error('no agent is asked')) } })
  await server.call('POST', '/api/v1/nodes', { metadata: { name: 'mute' } })
  const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  await server.call('POST', '/api/v1/namespaces/default/pods', pod)
})
afterAll(() => server[Symbol.asyncDispose]())

const reviews = '/apis/authorization.k8s.io/v1'
const deprecated = ['299 - "v1 ComponentStatus is deprecated in v1.19+"']

/** What kube-apiserver 1.32 answers to each. */
test.each([
  ['HEAD', '/api/v1/pods', 405],
  ['HEAD', '/api/v1/namespaces/default/pods/nobody', 405],
  ['HEAD', '/api/v1/nodes/nobody/status', 405],
  ['HEAD', '/api/v1/nodes/nobody/nothing', 404],
  ['HEAD', `${reviews}/subjectaccessreviews`, 405],
  ['GET', '/api/v1/namespaces/default/bindings', 405],
  ['GET', '/api/v1/namespaces/default/bindings/p', 404],
  ['PUT', '/api/v1/namespaces/default/bindings/p', 404],
  ['GET', '/api/v1/bindings', 404],
  ['POST', '/api/v1/bindings', 404],
  ['PATCH', `${reviews}/subjectaccessreviews`, 405],
  ['PATCH', `${reviews}/subjectaccessreviews/x`, 404],
  ['POST', `${reviews}/selfsubjectrulesreviews/x`, 404],
  ['DELETE', `${reviews}/namespaces/default/localsubjectaccessreviews/x`, 404],
  ['GET', '/apis/authentication.k8s.io/v1/tokenreviews/x', 404],
] as const)('%s %s is answered with %d', async (method, path, code) => {
  const body = method === 'PUT' || method === 'POST' || method === 'PATCH' ? {} : undefined
  expect((await server.call(method, path, body)).status).toBe(code)
})

test('what is not served of a deprecated kind says nothing of that', async () => {
  const warnings = async (method: string, path: string) => {
    const { status, headers } = await server.call(method, `/api/v1/componentstatuses${path}`)
    return [status, [headers['warning'] ?? []].flat()]
  }
  expect(await warnings('HEAD', '')).toEqual([405, []])
  expect(await warnings('GET', '/scheduler/status')).toEqual([404, []])
  expect(await warnings('GET', '/nope')).toEqual([500, deprecated])
})

test.each([
  ['/api/v1/componentstatuses/nope', 500, 'Component not found: nope'],
  ['/api/v1/nodes/mute/proxy/', 500, 'no preferred addresses found; known addresses: []'],
  ['/api/v1/namespaces/default/pods/p/exec?command=ls&container=x', 400, 'container x is not valid for pod p'],
  ['/api/v1/namespaces/default/pods/p/attach?container=x', 400, 'container x is not valid for pod p'],
  ['/api/v1/namespaces/default/pods/p/attach', 400, 'pod p does not have a host assigned'],
])('GET %s is refused with %d: %s', async (path, code, message) => {
  const { status, body } = await server.call('GET', path)
  expect([status, body.message]).toEqual([code, message])
})

test.each([
  [[], 'data must be a valid JSON object'],
  ['x', 'data must be a valid JSON object'],
  [5, 'data must be a valid JSON object'],
  [null, 'data is mandatory'],
])('a revision of the data %j is refused', async (data, why) => {
  const { status, body } = await server.call('POST', '/apis/apps/v1/namespaces/default/controllerrevisions', {
    metadata: { name: 'r' },
    revision: 1,
    data,
  })
  expect([status, body.details.causes]).toEqual([
    422,
    [{ reason: 'FieldValueRequired', message: `Required value: ${why}`, field: 'data' }],
  ])
})

test('an eviction names its pod', async () => {
  const { status, body } = await server.call('POST', '/api/v1/namespaces/default/pods/p/eviction', { metadata: {} })
  expect([status, body.message]).toEqual([400, 'name in URL does not match name in Eviction object'])
})
