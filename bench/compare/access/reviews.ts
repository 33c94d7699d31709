import type { Json } from '../side.ts'
import type { Asking } from './index.ts'

const authorization = '/apis/authorization.k8s.io/v1'
const specs: Json[] = [
  {},
  { user: 'ann' },
  { user: 'ann', resourceAttributes: { verb: 'get', resource: 'pods', namespace: 'access' } },
  {
    user: 'ann',
    resourceAttributes: { verb: 'get', resource: 'pods', namespace: 'access', subresource: 'log', name: 'x' },
  },
  { user: 'ann', resourceAttributes: { verb: 'get', resource: 'pods' } },
  { groups: ['team'], resourceAttributes: { verb: 'list', resource: 'pods', namespace: 'access', version: 'v1' } },
  { user: 'ann', resourceAttributes: { verb: '*', resource: '*', group: '*' } },
  { user: 'ann', resourceAttributes: {}, nonResourceAttributes: {} },
  { user: 'bob', nonResourceAttributes: { path: '/metrics', verb: 'get' } },
  { user: 'bob', nonResourceAttributes: { path: '/a/bc', verb: 'GET' } },
  { user: 'bob', nonResourceAttributes: {} },
  { groups: ['system:masters'], resourceAttributes: { verb: 'x', resource: 'y', group: 'z' } },
  {
    user: 'system:node:n1',
    groups: ['system:nodes'],
    resourceAttributes: { verb: 'get', resource: 'secrets', namespace: 'access', name: 'mine' },
  },
  {
    user: 'system:node:n1',
    groups: ['system:nodes'],
    resourceAttributes: { verb: 'list', resource: 'secrets', namespace: 'access' },
  },
  {
    user: 'system:node:n1',
    groups: ['system:nodes'],
    resourceAttributes: { verb: 'create', resource: 'pods', namespace: 'access' },
  },
  {
    user: 'system:node:',
    groups: ['system:nodes'],
    resourceAttributes: { verb: 'get', resource: 'nodes', name: 'n1' },
  },
  {
    user: 'ann',
    uid: 'u',
    extra: { a: ['b'] },
    resourceAttributes: { verb: 'get', resource: 'pods', namespace: 'access', labelSelector: { rawSelector: 'a=b' } },
  },
  {
    user: 'ann',
    resourceAttributes: {
      verb: 'list',
      resource: 'pods',
      namespace: 'access',
      fieldSelector: { requirements: [{ key: 'spec.nodeName', operator: 'In', values: ['n1'] }] },
    },
  },
  {
    user: 'ann',
    resourceAttributes: {
      verb: 'list',
      resource: 'pods',
      namespace: 'access',
      labelSelector: { rawSelector: 'a in (', requirements: [{ key: 'a', operator: 'Exists' }] },
    },
  },
  {
    user: 'ann',
    resourceAttributes: {
      verb: 'list',
      resource: 'pods',
      labelSelector: { requirements: [{ key: '', operator: 'Like' }] },
      fieldSelector: {},
    },
  },
  { user: 'cy', resourceAttributes: { verb: 'get', resource: 'pods' } },
  { user: 'vi', resourceAttributes: { verb: 'get', resource: 'secrets', namespace: 'access' } },
  {
    user: 'ada',
    resourceAttributes: {
      verb: 'escalate',
      resource: 'roles',
      group: 'rbac.authorization.k8s.io',
      namespace: 'access',
    },
  },
  { user: 'x', groups: ['system:authenticated'], nonResourceAttributes: { path: '/version', verb: 'get' } },
]
const token = (spec: Json): Asking => ({
  method: 'POST',
  path: '/api/v1/namespaces/access/serviceaccounts/robot/token',
  body: { spec },
})

export const reviewQuestions: readonly Asking[] = [
  ...specs.map((spec): Asking => ({ method: 'POST', path: `${authorization}/subjectaccessreviews`, body: { spec } })),
  ...specs.map(
    (spec): Asking => ({
      method: 'POST',
      path: `${authorization}/namespaces/access/localsubjectaccessreviews`,
      body: { spec },
    }),
  ),
  ...specs.map(
    ({ user: _, groups: __, uid: ___, extra: ____, ...spec }): Asking => ({
      as: 'ann',
      method: 'POST',
      path: `${authorization}/selfsubjectaccessreviews`,
      body: { spec },
    }),
  ),
  ...[
    'ann',
    'bob',
    'vi',
    'ada',
    'x',
    'y,team,system:masters',
    'system:node:n1,system:nodes',
    'system:kube-scheduler',
    'system:serviceaccount:access:robot',
  ].flatMap(as =>
    ['access', 'other', '', 'default'].map(
      (namespace): Asking => ({
        as,
        method: 'POST',
        path: `${authorization}/selfsubjectrulesreviews`,
        body: { spec: { namespace } },
      }),
    ),
  ),
  ...[
    {},
    { audiences: ['a', 'b'] },
    { expirationSeconds: 600 },
    { expirationSeconds: 599 },
    { expirationSeconds: 2 ** 33 },
    { expirationSeconds: 10_000_000 },
    { audiences: [''] },
    { boundObjectRef: {} },
    { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'none' } },
    { boundObjectRef: { kind: 'Secret', apiVersion: 'v1', name: 'mine' } },
    { boundObjectRef: { kind: 'Secret', apiVersion: 'v1', name: 'mine', uid: 'x' } },
    { boundObjectRef: { kind: 'Node', apiVersion: 'v1', name: 'n9' } },
    { boundObjectRef: { kind: 'ConfigMap', apiVersion: 'v1', name: 'x' } },
    { boundObjectRef: { kind: 'Secret', apiVersion: 'v2', name: 'mine' } },
  ].map(token),
  { method: 'POST', path: '/api/v1/namespaces/access/serviceaccounts/none/token', body: { spec: {} } },
  {
    method: 'POST',
    path: '/api/v1/namespaces/access/serviceaccounts/robot/token',
    body: { metadata: { name: 'other', namespace: 'x' }, spec: {} },
  },
  {
    method: 'POST',
    path: '/api/v1/namespaces/access/serviceaccounts/robot/token?dryRun=All',
    body: { metadata: { name: 'robot', namespace: 'access' } },
  },
  { method: 'GET', path: '/api/v1/namespaces/access/serviceaccounts/robot/token' },
  ...[
    {},
    { token: '' },
    { token: 'x' },
    { token: 'a.b.c' },
    { token: 'eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2t1YmVybmV0ZXMuZGVmYXVsdC5zdmMifQ.AAAA' },
    { token: 'x', audiences: ['a'] },
  ].map((spec): Asking => ({ method: 'POST', path: '/apis/authentication.k8s.io/v1/tokenreviews', body: { spec } })),
  { method: 'GET', path: '/apis/authentication.k8s.io/v1/tokenreviews' },
  { method: 'GET', path: `${authorization}/subjectaccessreviews/x` },
]
