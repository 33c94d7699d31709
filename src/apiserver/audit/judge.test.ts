import { expect, test } from 'vitest'
import type { Attributes } from '../authz/authorizer.ts'
import { defaultAuditPolicy } from './default-policy.ts'
import { judge } from './judge.ts'
import { type AuditRule, readAuditPolicy } from './policy.ts'

const asked = (more: Partial<Attributes> & { at?: string; of?: string } = {}): Attributes => {
  const [group = '', plural = 'pods', subresource = ''] = (more.of ?? '/pods').split('/')
  const [namespace = '', name = ''] = (more.at ?? 'default/a').split('/')
  const resource = { group, version: 'v1', plural, subresource, namespace, name }
  return { user: { username: 'ann', groups: ['devs'] }, verb: 'get', path: '/x', resource, ...more }
}
const health = asked({ path: '/livez/ping' })
delete health.resource

test.each<[string, Omit<AuditRule, 'level'>, Attributes, boolean]>([
  ['everything', {}, asked(), true],
  ['a user', { users: ['ann'] }, asked(), true],
  ['another user', { users: ['bob'] }, asked(), false],
  ['a group of many', { userGroups: ['ops', 'devs'] }, asked(), true],
  ['a verb', { verbs: ['get'], users: ['ann'] }, asked(), true],
  ['another verb', { verbs: ['list'] }, asked(), false],
  ['a namespace', { namespaces: ['default'] }, asked(), true],
  ['no namespace', { namespaces: [''] }, asked({ of: '/nodes', at: '/n1' }), true],
  ['a namespace of what is no resource', { namespaces: [''] }, health, false],
  ['a resource', { resources: [{ resources: ['pods'] }] }, asked(), true],
  ['a resource but not what is below it', { resources: [{ resources: ['pods'] }] }, asked({ of: '/pods/log' }), false],
  ['what is below a resource', { resources: [{ resources: ['pods/*'] }] }, asked({ of: '/pods/log' }), true],
  ['a resource with all below it', { resources: [{ resources: ['pods/*'] }] }, asked(), true],
  ['a sub-path of any', { resources: [{ resources: ['*/scale'] }] }, asked({ of: '/pods/scale' }), true],
  ['all of a group', { resources: [{ group: 'apps' }] }, asked({ of: 'apps/deployments/scale' }), true],
  ['all of another group', { resources: [{ group: 'apps' }] }, asked(), false],
  ['any resource by a star', { resources: [{ resources: ['*'] }] }, asked({ of: '/pods/log' }), true],
  ['one by name', { resources: [{ resources: ['pods'], resourceNames: ['a'] }] }, asked(), true],
  ['another name', { resources: [{ resources: ['pods'], resourceNames: ['b'] }] }, asked(), false],
  ['a path', { nonResourceURLs: ['/livez*'] }, health, true],
  ['a path, asked for a resource', { nonResourceURLs: ['*'] }, asked(), false],
  ['another path', { nonResourceURLs: ['/livez'] }, health, false],
])('a rule for %s', (_title, rule, attributes, fits) => {
  expect(judge({ rules: [{ level: 'Request', ...rule }] }, attributes).level).toBe(fits ? 'Request' : 'None')
})

test('the first rule that fits decides; stages are left out by either', () => {
  const rules: AuditRule[] = [
    { level: 'None', users: ['bob'] },
    { level: 'Metadata', omitStages: ['ResponseStarted'], omitManagedFields: false },
    { level: 'RequestResponse' },
  ]
  expect(judge({ rules, omitStages: ['RequestReceived'], omitManagedFields: true }, asked())).toEqual({
    ...{ level: 'Metadata', omitManagedFields: false },
    omitStages: new Set(['RequestReceived', 'ResponseStarted']),
  })
})

test('by default no body that holds secrets or tokens is recorded, whoever writes it', () => {
  const users = [
    { username: 'ann', groups: [] },
    { username: 'system:kube-controller-manager', groups: ['system:masters'] },
    { username: 'system:node:n1', groups: ['system:nodes'] },
  ]
  for (const of of ['/secrets', '/configmaps', '/serviceaccounts/token', 'authentication.k8s.io/tokenreviews'])
    for (const verb of ['create', 'update', 'patch', 'delete', 'get', 'list', 'watch', 'deletecollection'])
      for (const user of users) expect(judge(defaultAuditPolicy, asked({ of, verb, user })).level).toBe('Metadata')
  expect(judge(defaultAuditPolicy, asked({ verb: 'create' })).level).toBe('Request')
  expect(judge(defaultAuditPolicy, asked({ verb: 'update', of: 'coordination.k8s.io/leases' })).level).toBe('None')
})

test('a policy that cannot be used is refused with all that is wrong', () => {
  const policy = {
    ...{ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', extra: 1, omitStages: ['Later'] },
    rules: [
      { level: 'All', nonResourceURLs: ['x*y'], namespaces: ['a'] },
      { level: 'None', resources: [{ resourceNames: ['a'] }], users: 'ann' },
    ],
  }
  expect(() => readAuditPolicy(policy)).toThrow(
    [
      'the audit policy cannot be used: extra: is not known',
      'omitStages: must be a list of RequestReceived, ResponseStarted, ResponseComplete, Panic',
      'rules[0].level: must be one of None, Metadata, Request, RequestResponse',
      'rules[0].nonResourceURLs: cannot stand beside resources or namespaces',
      'rules[0].nonResourceURLs: "x*y" must begin with / and may have * at its end only',
      'rules[1].users: must be a list of texts',
      'rules[1].resources[0].resourceNames: using resourceNames requires at least one resource',
    ].join('; '),
  )
  expect(() => readAuditPolicy({ apiVersion: 'audit.k8s.io/v1beta1', kind: 'Policy', rules: [] })).toThrow(
    'it is audit.k8s.io/v1beta1 Policy, not audit.k8s.io/v1 Policy; rules: there are none',
  )
  expect(() => readAuditPolicy({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', ...defaultAuditPolicy })).not.toThrow()
})
