import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from './testing/test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

const nobody = { username: '', groups: [] }
const reviews = '/apis/authorization.k8s.io/v1/subjectaccessreviews'

async function anonymously(url: string, authorization?: string) {
  const { signal } = new AbortController()
  const headers = authorization === undefined ? {} : { authorization }
  const { status, headers: told, body } = await server.api.handler({ method: 'GET', url, headers, signal })
  return { status, headers: told, body: String(body) }
}

test('only a bearer token says who asks: other schemes are as if nothing was said', async () => {
  for (const said of [undefined, 'Basic eDp5', 'Bearer ', 'Bearer', 'nonsense'])
    expect([said, (await anonymously('/healthz', said)).status]).toEqual([said, 200])
  for (const said of ['Bearer x', 'bearer x y']) expect((await anonymously('/healthz', said)).status).toBe(401)
})

test('who may not is told so in a form that no browser takes for another', async () => {
  const { status, headers, body } = await anonymously('/')
  expect([status, headers['x-content-type-options']]).toEqual([403, 'nosniff'])
  expect(JSON.parse(body)).toMatchObject({ reason: 'Forbidden', details: {} })
})

test('a review says which binding allows it, to whom', async () => {
  const rbac = '/apis/rbac.authorization.k8s.io/v1'
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' }
  const subjects = [
    { kind: 'User', name: 'joe' },
    { kind: 'Group', name: 'dev' },
    { kind: 'ServiceAccount', name: 'bot' },
  ]
  const made = { metadata: { name: 'b' }, roleRef, subjects }
  await server.call('POST', `${rbac}/namespaces/default/rolebindings`, made)
  const everywhere = { metadata: { name: 'c' }, roleRef, subjects: [{ kind: 'User', name: 'ann' }] }
  await server.call('POST', `${rbac}/clusterrolebindings`, everywhere)
  const resourceAttributes = { namespace: 'default', verb: 'get', resource: 'configmaps' }
  const reason = async (who: object) =>
    (await server.call('POST', reviews, { spec: { resourceAttributes, ...nobody, ...who } })).body.status.reason
  const b = 'RBAC: allowed by RoleBinding "b/default" of ClusterRole "view" to'
  expect(await reason({ user: 'joe' })).toBe(`${b} User "joe"`)
  expect(await reason({ user: 'jim', groups: ['dev'] })).toBe(`${b} Group "dev"`)
  expect(await reason({ user: 'system:serviceaccount:default:bot' })).toBe(`${b} ServiceAccount "bot/default"`)
  expect(await reason({ user: 'ann' })).toBe(
    'RBAC: allowed by ClusterRoleBinding "c" of ClusterRole "view" to User "ann"',
  )
})

test('a review that is wrong names no kind, and shows values as Go does', async () => {
  const wrong = async (spec: object) => (await server.call('POST', reviews, { spec })).body
  const none = 'Invalid value: "null": exactly one of nonResourceAttributes or resourceAttributes must be specified'
  expect(await wrong({ user: 'x' })).toMatchObject({
    message: `.authorization.k8s.io "" is invalid: spec.resourceAttributes: ${none}`,
    details: { group: 'authorization.k8s.io', causes: [{ field: 'spec.resourceAttributes', message: none }] },
  })
  const both = { user: 'x', resourceAttributes: { verb: 'get' }, nonResourceAttributes: { path: '/x' } }
  expect((await wrong(both)).details.causes[0].message).toBe(
    'Invalid value: authorization.NonResourceAttributes{Path:"/x", Verb:""}: cannot be specified in combination with resourceAttributes',
  )
})

test('who writes the status of a flow schema changes nothing else of it', async () => {
  const schemas = '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas'
  const spec = { matchingPrecedence: 9000, priorityLevelConfiguration: { name: 'global-default' } }
  await server.call('POST', schemas, { metadata: { name: 'f' }, spec })
  const type = { 'content-type': 'application/merge-patch+json' }
  const change = { metadata: { labels: { a: 'b' } }, status: { conditions: [{ type: 'X', status: 'True' }] } }
  const { body } = await server.call('PATCH', `${schemas}/f/status`, change, type)
  expect([body.metadata.labels, body.status.conditions.map((c: any) => c.type)]).toEqual([undefined, ['X']])
})

test('answers have what those of kube-apiserver have', async () => {
  const self = await server.call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {})
  expect(self.body.metadata.creationTimestamp).toMatch(/Z$/)
  const empty = await server.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {})
  expect(empty.body.message).toBe('token is required for TokenReview in authentication')
})
