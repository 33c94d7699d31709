import { expect, onTestFinished, test } from 'vitest'
import { startTestServer } from '../testing/test-server.ts'

const rbac = '/apis/rbac.authorization.k8s.io/v1'

test('whoever may be taken for a user, but not with a uid or extras, is told so with the group of those', async () => {
  const server = await startTestServer({ tokens: { t: { username: 'joe', groups: [] } } })
  onTestFinished(() => server[Symbol.asyncDispose]())
  const rules = [{ verbs: ['impersonate'], apiGroups: [''], resources: ['users'], resourceNames: ['ann'] }]
  await server.call('POST', `${rbac}/clusterroles`, { metadata: { name: 'r' }, rules })
  await server.call('POST', `${rbac}/clusterrolebindings`, {
    metadata: { name: 'b' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'r' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'joe' }],
  })
  const ask = async (headers: Record<string, string>) => {
    const { signal } = new AbortController()
    const all = { authorization: 'Bearer t', 'impersonate-user': 'ann', ...headers }
    const reply = await server.api.handler({ method: 'GET', url: '/api/v1/nodes', headers: all, signal })
    const { message, details } = JSON.parse(Buffer.from(reply.body as Uint8Array).toString())
    return [message, details]
  }
  const cannot = (resource: string) =>
    `is forbidden: User "joe" cannot impersonate resource "${resource}" in API group "authentication.k8s.io" at the cluster scope`
  const group = 'authentication.k8s.io'
  expect(await ask({ 'impersonate-uid': '1234' })).toEqual([
    `uids.authentication.k8s.io "1234" ${cannot('uids')}`,
    { name: '1234', group, kind: 'uids' },
  ])
  expect(await ask({ 'impersonate-extra-scopes': 'a' })).toEqual([
    `userextras.authentication.k8s.io "a" ${cannot('userextras/scopes')}`,
    { name: 'a', group, kind: 'userextras' },
  ])
})
