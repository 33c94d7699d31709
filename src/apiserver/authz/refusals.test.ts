import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/test-server.ts'
import { notCovered } from './rbac/rules.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

const node = { 'impersonate-user': 'system:node:n1', 'impersonate-group': 'system:nodes' }
const rbac = '/apis/rbac.authorization.k8s.io/v1'

test.each([
  ['/api/v1/namespaces/default/secrets/x', "no relationship found between node 'n1' and this object"],
  ['/api/v1/namespaces/default/secrets', 'No Object name found'],
  ['/api/v1/secrets', 'can only read namespaced object of this type'],
  ['/api/v1/persistentvolumes', 'can only get individual resources of this type'],
  ['/api/v1/pods', 'can only list/watch pods with spec.nodeName field selector'],
  [
    '/apis/coordination.k8s.io/v1/namespaces/default/leases/n1',
    'can only access leases in the "kube-node-lease" system namespace',
  ],
  [
    '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n2',
    'can only access node lease with the same name as the requesting node',
  ],
])('a node that asks for %s is told why not', async (path, why) => {
  const refused = await server.call('GET', path, undefined, node)
  expect(refused.status).toBe(403)
  expect(refused.body.message.endsWith(`: ${why}`)).toBe(true)
})

test('rights that are lacking are told one resource a line', () => {
  const owned = [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }]
  const wanted = { apiGroups: [''], resources: ['secrets', 'pods'], verbs: ['get', 'watch'] }
  expect(notCovered(owned, wanted)).toEqual([
    { apiGroups: [''], resources: ['secrets'], verbs: ['get'] },
    { apiGroups: [''], resources: ['secrets'], verbs: ['watch'] },
    { apiGroups: [''], resources: ['pods'], verbs: ['watch'] },
  ])
})

test('whoever may make roles does not make one that gathers others', async () => {
  const joe = { 'impersonate-user': 'joe' }
  const rule = { apiGroups: ['rbac.authorization.k8s.io'], resources: ['clusterroles'], verbs: ['create'] }
  await server.call('POST', `${rbac}/clusterroles`, { metadata: { name: 'maker' }, rules: [rule] })
  await server.call('POST', `${rbac}/clusterrolebindings`, {
    metadata: { name: 'maker' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'maker' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'joe' }],
  })
  const told = async (body: object) => (await server.call('POST', `${rbac}/clusterroles`, body, joe)).body.message
  const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] }
  expect(await told({ metadata: { name: 'g' }, aggregationRule })).toBe(
    'clusterroles.rbac.authorization.k8s.io "g" is forbidden: must have cluster-admin privileges to use the aggregationRule',
  )
  const rules = [{ apiGroups: [''], resources: ['secrets', 'pods'], verbs: ['get', 'watch'] }]
  expect(await told({ metadata: { name: 'g' }, rules })).toBe(
    'clusterroles.rbac.authorization.k8s.io "g" is forbidden: user "joe" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n' +
      '{APIGroups:[""], Resources:["pods"], Verbs:["get" "watch"]}\n{APIGroups:[""], Resources:["secrets"], Verbs:["get" "watch"]}',
  )
})

test("the system's priority classes stay", async () => {
  const kept = await server.call('DELETE', '/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical')
  expect([kept.status, kept.body.message]).toEqual([
    403,
    'priorityclasses.scheduling.k8s.io "system-node-critical" is forbidden: this is a system priority class and cannot be deleted',
  ])
})
