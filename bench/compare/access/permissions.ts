import type { Json } from '../side.ts'
import { type Asked, asEach } from './as-each.ts'
import type { Asking, Made } from './index.ts'

const rbac = '/apis/rbac.authorization.k8s.io/v1'
const here = `${rbac}/namespaces/access`
const rule = (verbs: string[], resources: string[], apiGroups = [''], more: Json = {}) => ({
  verbs,
  resources,
  apiGroups,
  ...more,
})
const ref = (kind: string, name: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name })
const user = (name: string) => ({ kind: 'User', name, apiGroup: 'rbac.authorization.k8s.io' })
const group = (name: string) => ({ kind: 'Group', name, apiGroup: 'rbac.authorization.k8s.io' })

export const permissionScene: readonly Made[] = [
  ['/api/v1/namespaces', { metadata: { name: 'access' } }],
  [
    `${here}/roles`,
    {
      metadata: { name: 'some' },
      rules: [
        rule(['get', 'list'], ['pods', 'pods/log']),
        rule(['get'], ['secrets'], [''], { resourceNames: ['mine'] }),
        rule(['*'], ['deployments/scale', 'deployments'], ['apps']),
        rule(['create'], ['pods/exec', 'serviceaccounts/token']),
        rule(['create', 'update', 'patch', 'bind'], ['roles', 'rolebindings'], ['rbac.authorization.k8s.io']),
      ],
    },
  ],
  [
    `${here}/rolebindings`,
    {
      metadata: { name: 'some' },
      roleRef: ref('Role', 'some'),
      subjects: [user('ann'), group('team'), { kind: 'ServiceAccount', name: 'robot', namespace: 'access' }],
    },
  ],
  [
    `${rbac}/clusterroles`,
    {
      metadata: { name: 'wide' },
      rules: [
        rule(['get', 'list', 'watch'], ['nodes', 'namespaces', '*/status']),
        rule(['impersonate'], ['users'], [''], { resourceNames: ['ann', 'zed'] }),
        rule(['impersonate'], ['groups'], [''], { resourceNames: ['team'] }),
        rule(['impersonate'], ['userextras/reason'], ['authentication.k8s.io'], { resourceNames: ['x'] }),
        { verbs: ['get'], nonResourceURLs: ['/metrics', '/logs/*', '/a/b*'] },
      ],
    },
  ],
  [
    `${rbac}/clusterrolebindings`,
    { metadata: { name: 'wide' }, roleRef: ref('ClusterRole', 'wide'), subjects: [user('bob')] },
  ],
  [
    `${rbac}/clusterrolebindings`,
    { metadata: { name: 'lost' }, roleRef: ref('ClusterRole', 'none'), subjects: [user('cy')] },
  ],
  [
    `${here}/rolebindings`,
    { metadata: { name: 'views' }, roleRef: ref('ClusterRole', 'view'), subjects: [user('vi')] },
  ],
  [
    `${here}/rolebindings`,
    { metadata: { name: 'admins' }, roleRef: ref('ClusterRole', 'admin'), subjects: [user('ada')] },
  ],
  ['/api/v1/namespaces/access/serviceaccounts', { metadata: { name: 'robot' } }],
  ['/api/v1/namespaces/access/serviceaccounts', { metadata: { name: 'default' } }],
  ['/api/v1/namespaces/access/secrets', { metadata: { name: 'mine' } }],
]

const users = [
  'ann',
  'bob',
  'cy',
  'vi',
  'ada',
  'zed,team',
  'system:serviceaccount:access:robot',
  'system:anonymous,system:unauthenticated',
  'zed,system:masters',
]
const asked: Asked[] = [
  ...[
    '/api/v1/namespaces/access/pods',
    '/api/v1/pods',
    '/api/v1/namespaces/access/pods/x',
    '/api/v1/namespaces/access/pods/x/log',
    '/api/v1/namespaces/access/secrets/mine',
    '/api/v1/namespaces/access/secrets/other',
    '/api/v1/namespaces/access/secrets',
    '/api/v1/nodes',
    '/api/v1/nodes/x/status',
    '/api/v1/namespaces',
    '/api/v1/namespaces/access',
    '/api/v1/namespaces/other/pods',
    '/apis/apps/v1/namespaces/access/deployments/x/scale',
    '/apis/apps/v1/deployments?watch=true&timeoutSeconds=1',
    '/metrics/nothing',
    '/logs/x',
    '/a/bc',
    '/version',
    '/api',
    '/apis/apps/v1',
    '/healthz',
    '/livez/ping',
    '/readyz?verbose',
    '/openapi/v3',
    '/openid/v1/jwks',
    '/.well-known/openid-configuration',
    '/nothing',
    '/apis/none/v1/things',
    '/api/v1/namespaces/access/nothing',
    '/apis/metrics.k8s.io/v1beta1',
    '/api/v1/namespaces/access/secrets?fieldSelector=metadata.name%3Dmine',
    '/api/v1/namespaces/access/services/x/proxy/',
    '/api/v1/nodes/x/proxy/metrics',
  ].map((path): [string, string] => ['GET', path]),
  ['DELETE', '/api/v1/namespaces/access/pods'],
  ['DELETE', '/api/v1/namespaces/access/pods/x'],
  ['POST', '/api/v1/namespaces/access/configmaps?dryRun=All', { metadata: { name: 'c' } }],
  ['PATCH', '/api/v1/namespaces/access/configmaps/none?dryRun=All', {}, 'application/merge-patch+json'],
  [
    'PATCH',
    '/api/v1/namespaces/access/configmaps/none?dryRun=All&fieldManager=f',
    { apiVersion: 'v1', kind: 'ConfigMap' },
    'application/apply-patch+yaml',
  ],
  ['PUT', '/api/v1/namespaces/access/configmaps/none?dryRun=All', { metadata: { name: 'none' } }],
  ['POST', '/api/v1/namespaces/access/serviceaccounts/robot/token', { spec: { audiences: ['x'] } }],
  ['POST', `${here}/roles?dryRun=All`, { metadata: { name: 'new' }, rules: [rule(['get'], ['pods'])] }],
  [
    'POST',
    `${here}/roles?dryRun=All`,
    {
      metadata: { name: 'new' },
      rules: [
        rule(['get', 'delete'], ['pods', 'nodes'], ['', 'apps']),
        rule(['get'], ['secrets'], [''], { resourceNames: ['mine', 'b'] }),
      ],
    },
  ],
  ['POST', `${here}/roles?dryRun=All`, { metadata: { name: 'new' }, rules: [rule(['*'], ['*'], ['*'])] }],
  [
    'POST',
    `${here}/rolebindings?dryRun=All`,
    { metadata: { name: 'new' }, roleRef: ref('ClusterRole', 'cluster-admin'), subjects: [user('x')] },
  ],
  [
    'POST',
    `${here}/rolebindings?dryRun=All`,
    { metadata: { name: 'new' }, roleRef: ref('Role', 'some'), subjects: [user('x')] },
  ],
  [
    'POST',
    `${here}/rolebindings?dryRun=All`,
    { metadata: { name: 'new' }, roleRef: ref('Role', 'nothing'), subjects: [user('x')] },
  ],
  [
    'POST',
    `${rbac}/clusterroles?dryRun=All`,
    { metadata: { name: 'new' }, rules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }] },
  ],
  [
    'POST',
    `${rbac}/clusterroles?dryRun=All`,
    { metadata: { name: 'new' }, rules: [], aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] } },
  ],
  ['PUT', `${here}/roles/some?dryRun=All`, { metadata: { name: 'some' }, rules: [rule(['get'], ['nodes'])] }],
  ['PATCH', `${here}/rolebindings/some?dryRun=All`, { roleRef: { name: 'other' } }, 'application/merge-patch+json'],
  ['POST', '/api/v1/namespaces?dryRun=All', { metadata: { name: 'new' } }],
  [
    'POST',
    '/apis/certificates.k8s.io/v1/certificatesigningrequests?dryRun=All',
    { metadata: { name: 'new' }, spec: {} },
  ],
  [
    'POST',
    '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    { spec: { resourceAttributes: { verb: 'get', resource: 'pods', namespace: 'access' } } },
  ],
  ['POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', { spec: { namespace: 'access' } }],
  ['POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {}],
  [
    'POST',
    '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    { spec: { user: 'ann', resourceAttributes: { verb: 'get', resource: 'pods' } } },
  ],
  ['POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token: 'x' } }],
]

const faultyHeaders: Record<string, string>[] = [
  { 'impersonate-group': 'g' },
  { 'impersonate-uid': 'u' },
  { 'impersonate-extra-reason': 'x' },
  {
    'impersonate-user': 'a',
    'impersonate-uid': 'u',
    'impersonate-extra-reason': 'x',
    'impersonate-extra-A%2fB': 'y',
  },
  { 'impersonate-user': 'system:serviceaccount:access:robot' },
  { 'impersonate-user': 'system:serviceaccount:bad' },
  { 'impersonate-user': 'system:serviceaccount:access:robot', 'impersonate-group': 'g' },
  { 'impersonate-user': 'system:anonymous' },
  { 'impersonate-user': 'a', 'impersonate-group': 'system:authenticated' },
  { 'impersonate-user': 'a', 'impersonate-group': 'system:unauthenticated' },
  { 'impersonate-user': '' },
]

/** The same requests as each user, and headers of impersonation with faults. */
export const permissionQuestions: readonly Asking[] = [
  ...asEach(users, asked),
  ...faultyHeaders.map(
    (headers): Asking => ({
      what: `who am I with ${JSON.stringify(headers)}`,
      headers,
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
      body: {},
    }),
  ),
]
