import { afterEach, beforeEach, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/test-server.ts'

let server: TestServer
beforeEach(async () => {
  server = await startTestServer()
})
afterEach(() => server[Symbol.asyncDispose]())

const pods = '/api/v1/namespaces/default/pods'
const groups = '/apis/optiflow.dev/v1/bindinggroups'
const create = async (name: string, spec: object = {}) => {
  const body = { metadata: { name }, spec: { containers: [{ name: 'c', image: 'i' }], ...spec } }
  return (await server.call('POST', pods, body)).body
}
const at = (name: string, node: string, more: object = {}) => ({ namespace: 'default', name, node, ...more })
const bind = (...group: object[]) => server.call('POST', groups, { spec: { pods: group } })
const podNamed = async (name: string) => (await server.call('GET', `${pods}/${name}`)).body

test('of a group each pod stands for itself: what is refused of one holds nobody else up', async () => {
  const a = await create('a')
  await create('b')
  await create('gated', { schedulingGates: [{ name: 'x.io/wait' }] })
  await create('taken')
  await bind(at('taken', 'n0'))
  const { status, body } = await bind(
    at('a', 'n1', { uid: a.metadata.uid, annotations: { gpu: '0' } }),
    at('taken', 'n2'),
    at('gated', 'n2'),
    at('nobody', 'n2'),
    at('b', 'n2', { uid: 'another' }),
    at('b', 'n3'),
    at('b', ''),
  )
  expect(status).toBe(201)
  expect(body.status.bound).toBe(2)
  expect(body.status.refused.map((r: any) => [r.index, r.status.code, r.status.message])).toEqual([
    [1, 409, expect.stringContaining('pod taken is already assigned to node "n0"')],
    [2, 409, expect.stringContaining('pod gated has non-empty .spec.schedulingGates')],
    [3, 404, 'pods "nobody" not found'],
    [4, 409, expect.stringContaining('Precondition failed: UID in precondition: another')],
    [6, 422, expect.stringContaining('target.name')],
  ])
  const bound = await podNamed('a')
  expect([bound.spec.nodeName, bound.metadata.annotations]).toEqual(['n1', { gpu: '0' }])
  expect(bound.status.conditions).toEqual([expect.objectContaining({ type: 'PodScheduled', status: 'True' })])
  expect((await podNamed('b')).spec.nodeName).toBe('n3')
})

const asEve = async (name: string) =>
  (await server.call('POST', groups, { spec: { pods: [at(name, 'n1')] } }, { 'impersonate-user': 'eve' })).body

test('it takes the right to bind each of the pods, besides that to send groups', async () => {
  await create('a')
  await server.call('POST', '/apis/rbac.authorization.k8s.io/v1/clusterroles', {
    metadata: { name: 'groups' },
    rules: [{ apiGroups: ['optiflow.dev'], resources: ['bindinggroups'], verbs: ['create'] }],
  })
  await server.call('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    metadata: { name: 'groups' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'groups' },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'eve' }],
  })
  const body = await asEve('a')
  expect(body.status).toEqual({
    bound: 0,
    refused: [{ index: 0, status: expect.objectContaining({ code: 403, reason: 'Forbidden' }) }],
  })
  expect((await podNamed('a')).spec.nodeName).toBeUndefined()
})

test('a dry run binds nothing, and a group that names no pods is refused as a whole', async () => {
  await create('a')
  expect((await server.call('POST', `${groups}?dryRun=All`, { spec: { pods: [at('a', 'n1')] } })).body.status).toEqual({
    bound: 1,
  })
  expect((await podNamed('a')).spec.nodeName).toBeUndefined()
  const none = await bind()
  expect([none.status, none.body.details.causes[0].field]).toEqual([422, 'spec.pods'])
  expect((await server.call('GET', groups)).status).toBe(405)
})
