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

test.each([
  [
    { kind: 'Nope' },
    'Nope in version "v1" cannot be handled as a ConfigMap: no kind "Nope" is registered for version "v1"',
  ],
  [
    { apiVersion: 'no/v9' },
    'ConfigMap in version "v9" cannot be handled as a ConfigMap: no kind "ConfigMap" is registered',
  ],
  [
    { apiVersion: 'apps/v1', kind: 'Deployment' },
    'Deployment in version "v1" cannot be handled as a ConfigMap: converting (v1.Deployment) to (core.ConfigMap): unknown conversion',
  ],
])('who sends %j is told what is known of it', async (body, text) => {
  const answer = await server.call('POST', '/api/v1/namespaces/default/configmaps', {
    metadata: { name: 'x' },
    ...body,
  })
  expect(answer.body).toMatchObject({ code: 400, reason: 'BadRequest', message: expect.stringContaining(text) })
})

test('what is applied is named by what it says itself', async () => {
  const type = { 'content-type': 'application/apply-patch+yaml' }
  const url = '/api/v1/namespaces/default/configmaps/x?fieldManager=me'
  const refused = async (body: object) => (await server.call('PATCH', url, body, type)).body.message
  const identity = { apiVersion: 'v1', kind: 'ConfigMap' }
  expect(await refused({ metadata: { name: 'x' } })).toBe('invalid object type: /, Kind=')
  const unknown = '.nope: field not declared in schema'
  expect(await refused({ ...identity, nope: 1 })).toBe(
    `failed to create typed patch object (/; /v1, Kind=ConfigMap): ${unknown}`,
  )
  expect(await refused({ ...identity, metadata: { name: 'x', namespace: 'default' }, nope: 1 })).toBe(
    `failed to create typed patch object (default/x; /v1, Kind=ConfigMap): ${unknown}`,
  )
})

test('a deletion answers with what was there; only a pod is marked before it goes', async () => {
  const ns = '/api/v1/namespaces/default'
  const template = { spec: { containers: [{ name: 'c', image: 'i' }] } }
  await server.call('POST', `${ns}/podtemplates`, { metadata: { name: 't' }, template })
  for (const dry of ['?dryRun=All', '']) {
    const { body } = await server.call('DELETE', `${ns}/podtemplates/t${dry}`)
    expect([body.kind, body.metadata.deletionTimestamp]).toEqual(['PodTemplate', undefined])
  }
  await server.call('POST', `${ns}/pods`, { metadata: { name: 'p' }, ...template })
  const pod = (await server.call('DELETE', `${ns}/pods/p`)).body
  expect([pod.metadata.deletionTimestamp, pod.metadata.deletionGracePeriodSeconds]).toEqual([expect.any(String), 0])
  await server.call('POST', '/api/v1/namespaces', { metadata: { name: 'going' } })
  const wrong = await server.call('DELETE', '/api/v1/namespaces/going', { preconditions: { uid: 'x' } })
  expect(wrong.body.message).toContain('on namespaces "going": Precondition failed: UID in precondition: x, UID in')
  const going = (await server.call('DELETE', '/api/v1/namespaces/going')).body
  expect(going.metadata.deletionTimestamp).toBeTypeOf('string')
  expect(going.metadata.deletionGracePeriodSeconds).toBeUndefined()
})

test('events and budgets may be called what fits into a path; volumes say since when they are pending', async () => {
  const ns = 'namespaces/default'
  const event = { metadata: { name: 'A_b' }, involvedObject: { namespace: 'default' }, reason: 'R', type: 'Normal' }
  expect((await server.call('POST', `/api/v1/${ns}/events`, event)).status).toBe(201)
  const budget = { metadata: { name: 'A_b' }, spec: { minAvailable: 1 } }
  expect((await server.call('POST', `/apis/policy/v1/${ns}/poddisruptionbudgets`, budget)).status).toBe(201)
  const spec = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' } }
  const { body } = await server.call('POST', '/api/v1/persistentvolumes', { metadata: { name: 'v' }, spec })
  expect(body.status).toEqual({ phase: 'Pending', lastPhaseTransitionTime: body.metadata.creationTimestamp })
})

test('who made an object owns the base of its name; a manager is named in characters that can be printed', async () => {
  const maps = '/api/v1/namespaces/default/configmaps'
  const { body } = await server.call('POST', `${maps}?fieldManager=me`, { metadata: { generateName: 'g-' } })
  expect(body.metadata.managedFields[0].fieldsV1).toEqual({ 'f:metadata': { 'f:generateName': {} } })
  const refused = await server.call('POST', `${maps}?fieldManager=a%0Ab`, { metadata: { name: 'x' } })
  expect(refused.body.details.causes[0].message).toBe(
    'Invalid value: "a\\nb": invalid character U+000A (at position 1)',
  )
  const nameless = await server.call('PUT', `${maps}/x`, { metadata: {} })
  expect(nameless.body.message).toBe(
    'the name of the object (x based on URL) was undeterminable: name must be provided',
  )
})
