import { expect, onTestFinished, test } from 'vitest'
import type { UserInfo } from '../../../models/rest.ts'
import { startTestServer } from '../../testing/test-server.ts'
import { AbacAuthorizer } from './abac-authorizer.ts'
import { readAbacPolicies } from './policies.ts'

const policy = (spec: object) =>
  JSON.stringify({ apiVersion: 'abac.authorization.kubernetes.io/v1beta1', kind: 'Policy', spec })
const blank = { user: '', group: '', readonly: false, apiGroup: '', resource: '', namespace: '', nonResourcePath: '' }

test('a policy stands on each line; the oldest form means everything where it says nothing', () => {
  const lines = [
    '# who may what',
    policy({ user: 'ann', namespace: 'shop', resource: '*', apiGroup: '*', readonly: true }),
    '',
    policy({ user: '*', nonResourcePath: '*' }),
    '{"user":"bob"}',
    '{"namespace":"shop"}',
  ]
  const everybody = 'system:authenticated'
  expect(readAbacPolicies(lines.join('\n'))).toEqual([
    { ...blank, user: 'ann', namespace: 'shop', resource: '*', apiGroup: '*', readonly: true },
    { ...blank, group: everybody, nonResourcePath: '*' },
    { ...blank, user: 'bob', apiGroup: '*', resource: '*', namespace: '*', nonResourcePath: '*' },
    { ...blank, group: everybody, apiGroup: '*', resource: '*', namespace: 'shop' },
  ])
})

test.each<[string, string]>([
  ['{"user":', 'line 2: {"user": is no JSON'],
  [policy({ user: 1, readOnly: true }), 'line 2: spec.readOnly: unknown field; line 2: spec.user: Invalid value'],
  ['{"apiVersion":"v1","kind":"Pod"}', 'it must be one of abac.authorization.kubernetes.io/v1beta1 Policy'],
])('a line that is wrong is named: %s', (line, message) => {
  expect(() => readAbacPolicies(`{}\n${line}`)).toThrow(message)
})

const user = (username: string, ...groups: string[]): UserInfo => ({ username, groups })
const pods = (verb: string, namespace = 'shop', group = '') => ({
  verb,
  path: '/x',
  resource: { group, version: 'v1', plural: 'pods', subresource: '', namespace, name: '' },
})

test('a policy lets its user and group do what it says, and nobody else', () => {
  const reading = { namespace: 'shop', resource: 'pods', readonly: true }
  const authorizer = new AbacAuthorizer(
    readAbacPolicies(
      [{ user: 'ann', group: 'dev', ...reading }, reading, { group: 'ops', nonResourcePath: '/logs/*' }]
        .map(policy)
        .join('\n'),
    ),
  )
  const may = (who: UserInfo, what: object) => authorizer.authorize({ user: who, ...what } as never) !== undefined
  const ann = user('ann', 'dev')
  expect([
    ...[may(ann, pods('list')), may(ann, pods('create')), may(ann, pods('get', 'other'))],
    ...[may(ann, pods('get', 'shop', 'metrics.k8s.io')), may(ann, { verb: 'get', path: '/logs/' })],
    ...[may(user('ann'), pods('get')), may(user('bob', 'dev'), pods('get')), may(user(''), pods('get'))],
    ...[
      may(user('bob', 'ops'), { verb: 'post', path: '/logs/a/b' }),
      may(user('b', 'ops'), { verb: 'get', path: '/' }),
    ],
  ]).toEqual([true, false, false, false, false, false, false, false, true, false])
})

test('policies are asked in their turn, say why they have no opinion, and are listed as rules', async () => {
  const policies = readAbacPolicies(policy({ user: 'ann', namespace: 'default', resource: '*', readonly: true }))
  const server = await startTestServer({ authorization: [{ type: 'ABAC', policies }] })
  onTestFinished(() => server[Symbol.asyncDispose]())
  const as = async (username: string, method: string, url: string, body?: object) => {
    const reply = await server.api.handler({
      ...{ method, url, headers: { 'content-type': 'application/json' }, signal: new AbortController().signal },
      ...(body ? { body: Buffer.from(JSON.stringify(body)) } : {}),
      user: user(username, 'system:authenticated'),
    })
    return { status: reply.status, body: JSON.parse(Buffer.from(reply.body as Uint8Array).toString()) }
  }
  expect(await as('ann', 'GET', '/api/v1/namespaces/default/pods')).toMatchObject({ status: 200 })
  expect(await as('bob', 'GET', '/api/v1/namespaces/default/pods')).toMatchObject({
    status: 403,
    body: { message: expect.stringMatching(/in the namespace "default": No policy matched\.$/) },
  })
  // Roles are not asked unless they were chosen.
  expect(await as('ann', 'GET', '/healthz')).toMatchObject({ status: 403 })
  const review = { spec: { namespace: 'default' } }
  const rules = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews'
  expect((await server.call('POST', rules, review)).status).toBe(201)
  const said = await server.api.metrics.getSingleMetricAsString('apiserver_authorization_decisions_total')
  expect(said).toContain('{type="ABAC",name="abac",decision="allowed"} 1')
  expect(server.api.core.authorizer.allRulesOf(user('ann'), 'default')).toEqual({
    rules: [{ verbs: ['get', 'list', 'watch'], apiGroups: [''], resources: ['*'] }],
    beyond: [],
  })
})
