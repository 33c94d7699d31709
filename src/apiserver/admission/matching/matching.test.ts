import { expect, onTestFinished, test } from 'vitest'
import type { AnyObject } from '../../../models/object.ts'
import { startTestServer } from '../../testing/test-server.ts'
import type { Admission, Operation } from '../chain.ts'
import { isExempt, Matcher, type MatchWishes } from './matcher.ts'
import { type Asked, type Rule, ruleMatches } from './rules.ts'

const pods: Rule = { apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'], scope: '*' }
const asked: Asked = {
  ...{ group: '', version: 'v1', plural: 'pods', subresource: '', namespaced: true },
  ...{ operation: 'CREATE', name: 'web' },
}

test.each<[string, Partial<Rule>, Partial<Asked>, boolean]>([
  ['the same', {}, {}, true],
  ['another operation', {}, { operation: 'DELETE' }, false],
  ['any operation', { operations: ['*'] }, { operation: 'CONNECT' }, true],
  ['another group', { apiGroups: ['apps'] }, {}, false],
  ['any group and version', { apiGroups: ['*'], apiVersions: ['*'] }, {}, true],
  ['a sub-path is not the object', {}, { subresource: 'status' }, false],
  ['a star is no sub-path', { resources: ['*'] }, { subresource: 'status' }, false],
  ['a star is every object', { resources: ['*'] }, {}, true],
  ['star slash star is all', { resources: ['*/*'] }, { subresource: 'exec' }, true],
  ['star slash star is objects too', { resources: ['*/*'] }, {}, true],
  ['all sub-paths of one', { resources: ['pods/*'] }, { subresource: 'exec' }, true],
  ['a sub-path of all', { resources: ['*/scale'] }, { subresource: 'scale', plural: 'deployments' }, true],
  ['a sub-path of all is not another', { resources: ['*/scale'] }, { subresource: 'status' }, false],
  ['the scope of namespaces', { scope: 'Namespaced' }, { namespaced: false }, false],
  ['the scope of the cluster', { scope: 'Cluster' }, { namespaced: true }, false],
  ['a name', { resourceNames: ['web'] }, {}, true],
  ['another name', { resourceNames: ['db'] }, {}, false],
])('a rule and a request: %s', (_title, rule, request, matches) => {
  expect(ruleMatches({ ...pods, ...rule }, { ...asked, ...request })).toBe(matches)
})

const objectWith = (labels?: Record<string, string>) =>
  ({ kind: 'X', apiVersion: 'v1', metadata: { name: 'x', ...(labels ? { labels } : {}) } }) as AnyObject

async function setUp() {
  const server = await startTestServer()
  onTestFinished(() => server[Symbol.asyncDispose]())
  const { core } = server.api
  const admission = (group: string, version: string, plural: string, more: Partial<Admission> = {}): Admission => ({
    ...{ core, operation: 'CREATE' as Operation, subresource: '', namespace: 'default', name: 'x', dryRun: false },
    ...{ user: { username: 'u', groups: [] }, warnings: [], previous: undefined },
    object: objectWith({ app: 'web' }),
    resource: core.resources.find(group, version, plural)!,
    ...more,
  })
  const matches = (wishes: MatchWishes, of: Admission) => new Matcher(wishes).match(of)?.apiVersion
  return { server, admission, matches }
}

const everything: Rule = { apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'], operations: ['*'] }

test('a rule of another version of the same objects counts unless the policy is Exact', async () => {
  const { admission, matches } = await setUp()
  const v1: Rule = {
    apiGroups: ['autoscaling'],
    apiVersions: ['v1'],
    resources: ['horizontalpodautoscalers'],
    operations: ['*'],
  }
  const written = admission('autoscaling', 'v2', 'horizontalpodautoscalers')
  expect(matches({ rules: [v1] }, written)).toBe('autoscaling/v1')
  expect(matches({ rules: [v1], matchPolicy: 'Exact' }, written)).toBeUndefined()
  expect(matches({ rules: [v1, { ...v1, apiVersions: ['v2'] }] }, written)).toBe('autoscaling/v2')
  expect(matches({ rules: [everything], excludeRules: [v1] }, written)).toBeUndefined()
})

test('namespaces are chosen by their labels; one that is written by those that it will have', async () => {
  const { server, admission, matches } = await setUp()
  await server.call('PUT', '/api/v1/namespaces/default', {
    ...{ kind: 'Namespace', apiVersion: 'v1' },
    metadata: { name: 'default', labels: { team: 'a' } },
  })
  const wishes = (team: string) => ({ rules: [everything], namespaceSelector: { matchLabels: { team } } })
  expect(matches(wishes('a'), admission('', 'v1', 'pods'))).toBe('v1')
  expect(matches(wishes('b'), admission('', 'v1', 'pods'))).toBeUndefined()
  expect(matches(wishes('b'), admission('', 'v1', 'nodes', { namespace: undefined }))).toBe('v1')
  expect(() => matches(wishes('a'), admission('', 'v1', 'pods', { namespace: 'nowhere' }))).toThrow(
    '"nowhere" not found',
  )
  const object = objectWith({ team: 'b' })
  const written = admission('', 'v1', 'namespaces', { operation: 'UPDATE', name: 'default', object })
  expect(matches(wishes('b'), written)).toBe('v1')
  const deleted = admission('', 'v1', 'namespaces', { operation: 'DELETE', name: 'default', object: undefined })
  expect(matches(wishes('b'), deleted)).toBeUndefined()
})

test('objects are chosen by the labels that they have or had', async () => {
  const { admission, matches } = await setUp()
  const wishes = { rules: [everything], objectSelector: { matchLabels: { app: 'web' } } }
  const bare = objectWith()
  const labelled = objectWith({ app: 'web' })
  expect(matches(wishes, admission('', 'v1', 'pods'))).toBe('v1')
  expect(matches(wishes, admission('', 'v1', 'pods', { object: bare }))).toBeUndefined()
  expect(matches(wishes, admission('', 'v1', 'pods', { object: bare, previous: labelled }))).toBe('v1')
})

test('a damaged selector concerns only those whom the rules match', async () => {
  const { admission, matches } = await setUp()
  const damaged = { matchExpressions: [{ key: 'a', operator: 'Near', values: ['b'] }] }
  const jobs: Rule = { ...everything, apiGroups: ['batch'] }
  expect(matches({ rules: [jobs], objectSelector: damaged }, admission('', 'v1', 'pods'))).toBeUndefined()
  expect(() => matches({ rules: [everything], objectSelector: damaged }, admission('', 'v1', 'pods'))).toThrow(
    '"Near" is not',
  )
})

test('configurations of webhooks and policies are never matched', async () => {
  const { server } = await setUp()
  const { resources } = server.api.core
  const names = [
    'mutatingwebhookconfigurations',
    'validatingwebhookconfigurations',
    'validatingadmissionpolicies',
    'validatingadmissionpolicybindings',
  ]
  expect(names.map(plural => isExempt(resources.find('admissionregistration.k8s.io', 'v1', plural)!))).toEqual([
    true,
    true,
    true,
    true,
  ])
  expect(isExempt(resources.find('', 'v1', 'pods')!)).toBe(false)
})
