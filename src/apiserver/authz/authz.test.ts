import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTokenKey } from '../../base/certificates.ts'
import type { UserInfo } from '../../models/rest.ts'
import { startTestServer, type TestServer } from '../testing/test-server.ts'

let server: TestServer
beforeEach(async () => {
  server = await startTestServer({ tokens: { secret: { username: 'carol', groups: [] } } })
})
afterEach(() => server[Symbol.asyncDispose]())

async function as(
  user: UserInfo | undefined,
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
) {
  const reply = await server.api.handler({
    method,
    url,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }),
    ...(user ? { user } : {}),
    signal: new AbortController().signal,
  })
  return { status: reply.status, body: JSON.parse(Buffer.from(reply.body as Uint8Array).toString() || 'null') }
}

const alice: UserInfo = { username: 'alice', groups: ['dev', 'system:authenticated'] }
const node: UserInfo = { username: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] }
const bind = (role: string, subject: object) =>
  server.call('POST', '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings', {
    metadata: { name: `b-${role}` },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [subject],
  })
const pod = (name: string, spec: object = {}) => ({
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
})

test('without a role nothing is allowed, and the answer says who may not do what', async () => {
  const { body } = await as(alice, 'GET', '/api/v1/namespaces/default/pods/x')
  expect(body).toMatchObject({
    code: 403,
    reason: 'Forbidden',
    message:
      'pods "x" is forbidden: User "alice" cannot get resource "pods" in API group "" in the namespace "default"',
    details: { name: 'x', kind: 'pods' },
  })
})

test('a role binding gives its role in its namespace only', async () => {
  await bind('view', { kind: 'Group', name: 'dev', apiGroup: 'rbac.authorization.k8s.io' })
  expect((await as(alice, 'GET', '/api/v1/namespaces/default/pods')).status).toBe(200)
  expect((await as(alice, 'GET', '/api/v1/namespaces/kube-system/pods')).status).toBe(403)
  expect((await as(alice, 'GET', '/api/v1/namespaces/default/secrets')).status).toBe(403)
  expect((await as(alice, 'POST', '/api/v1/namespaces/default/pods', pod('a'))).status).toBe(403)
})

test('nobody gives away more than they have', async () => {
  await bind('admin', { kind: 'User', name: 'alice', apiGroup: 'rbac.authorization.k8s.io' })
  const roles = '/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles'
  const role = (resources: string[], verbs: string[]) => ({
    metadata: { name: `r-${resources[0]}` },
    rules: [{ apiGroups: [''], resources, verbs }],
  })
  expect((await as(alice, 'POST', roles, role(['pods'], ['get']))).status).toBe(201)
  const refused = await as(alice, 'POST', roles, role(['nodes'], ['get']))
  expect(refused.status).toBe(403)
  expect(refused.body.message).toBe(
    'roles.rbac.authorization.k8s.io "r-nodes" is forbidden: user "alice" (groups=["dev" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["nodes"], Verbs:["get"]}',
  )
  const bindings = '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings'
  const cluster = {
    metadata: { name: 'up' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'User', name: 'alice', apiGroup: 'rbac.authorization.k8s.io' }],
  }
  expect((await as(alice, 'POST', bindings, cluster)).status).toBe(403)
})

test('what several bindings give to the same subject adds up', async () => {
  const subject = { kind: 'User', name: 'alice', apiGroup: 'rbac.authorization.k8s.io' }
  for (const resource of ['secrets', 'configmaps']) {
    const rules = [{ apiGroups: [''], resources: [resource], verbs: ['list'] }]
    await server.call('POST', '/apis/rbac.authorization.k8s.io/v1/clusterroles', {
      metadata: { name: resource },
      rules,
    })
    await bind(resource, subject)
  }
  const list = async (plural: string) => (await as(alice, 'GET', `/api/v1/namespaces/default/${plural}`)).status
  expect([await list('secrets'), await list('configmaps'), await list('pods')]).toEqual([200, 200, 403])
})

test('who may change roles changes the labels of one beyond their own rights, and gathers none into one', async () => {
  await bind('admin', { kind: 'User', name: 'alice', apiGroup: 'rbac.authorization.k8s.io' })
  const roles = '/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles'
  const rules = [{ apiGroups: [''], resources: ['nodes'], verbs: ['get'] }]
  await server.call('POST', roles, { metadata: { name: 'r' }, rules })
  const put = (more: object) => as(alice, 'PUT', `${roles}/r`, { metadata: { name: 'r', labels: { a: 'b' } }, ...more })
  expect((await put({ rules })).status).toBe(200)
  expect((await put({ rules: [{ ...rules[0], verbs: ['list'] }] })).status).toBe(403)

  const clusterRoles = '/apis/rbac.authorization.k8s.io/v1/clusterroles'
  const write = [{ apiGroups: ['rbac.authorization.k8s.io'], resources: ['clusterroles'], verbs: ['create'] }]
  await server.call('POST', clusterRoles, { metadata: { name: 'maker' }, rules: write })
  await server.call('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    metadata: { name: 'maker' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'maker' },
    subjects: [{ kind: 'User', name: 'alice', apiGroup: 'rbac.authorization.k8s.io' }],
  })
  const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] }
  expect((await as(alice, 'POST', clusterRoles, { metadata: { name: 'g' }, aggregationRule })).body.message).toMatch(
    /is forbidden: must have cluster-admin privileges to use the aggregationRule$/,
  )
})

test('exec needs the right to create, though a WebSocket begins with GET', async () => {
  await bind('view', { kind: 'User', name: 'alice', apiGroup: 'rbac.authorization.k8s.io' })
  const { body } = await as(alice, 'GET', '/api/v1/namespaces/default/pods/x/exec?command=sh')
  expect(body.message).toContain('cannot create resource "pods/exec"')
})

test('anonymous sees health and version, and nothing else', async () => {
  expect(
    (await server.api.handler({ method: 'GET', url: '/readyz', headers: {}, signal: new AbortController().signal }))
      .status,
  ).toBe(200)
  expect((await as(undefined, 'GET', '/version')).status).toBe(200)
  expect((await as(undefined, 'GET', '/api/v1/namespaces')).status).toBe(403)
  expect((await as(undefined, 'GET', '/apis')).status).toBe(403)
  expect((await as(undefined, 'GET', '/metrics')).status).toBe(403)
  expect((await as(undefined, 'GET', '/version', undefined, { authorization: 'Bearer wrong' })).body).toMatchObject({
    code: 401,
    reason: 'Unauthorized',
  })
  expect((await as(undefined, 'GET', '/apis', undefined, { authorization: 'Bearer secret' })).status).toBe(200)
})

test('a name such as __proto__ or constructor finds no rights and no resource', async () => {
  for (const name of ['__proto__', 'constructor', 'toString'])
    expect((await as(alice, 'GET', `/api/v1/namespaces/default/pods/x/${name}`)).status).toBe(403)
  for (const name of ['__proto__', 'constructor', 'toString'])
    expect((await server.call('GET', `/api/v1/namespaces/default/pods/x/${name}`)).status).toBe(404)
  expect((await server.call('__proto__', '/api/v1/namespaces/default/pods')).status).toBe(405)
  expect((await as({ username: '__proto__', groups: ['constructor'] }, 'GET', '/api/v1/pods')).status).toBe(403)
})

test("a node reads the secrets of its own pods and nobody else's", async () => {
  for (const name of ['mine', 'other'])
    await server.call('POST', '/api/v1/namespaces/default/secrets', { metadata: { name } })
  await server.call(
    'POST',
    '/api/v1/namespaces/default/pods',
    pod('a', { volumes: [{ name: 'v', secret: { secretName: 'mine' } }] }),
  )
  expect((await as(node, 'GET', '/api/v1/namespaces/default/secrets/mine')).status).toBe(403)
  const binding = { metadata: { name: 'a' }, target: { kind: 'Node', name: 'n1' } }
  await server.call('POST', '/api/v1/namespaces/default/pods/a/binding', binding)
  expect((await as(node, 'GET', '/api/v1/namespaces/default/secrets/mine')).status).toBe(200)
  expect((await as(node, 'GET', '/api/v1/namespaces/default/secrets/other')).status).toBe(403)
  expect((await as(node, 'GET', '/api/v1/secrets')).status).toBe(403)
  expect((await as(node, 'GET', '/api/v1/pods')).status).toBe(403)
  expect((await as(node, 'GET', '/api/v1/pods?fieldSelector=spec.nodeName%3Dn1')).body.items).toHaveLength(1)
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [] } }
  const token = (account: string) =>
    as(node, 'POST', `/api/v1/namespaces/kube-system/serviceaccounts/${account}/token`, request)
  expect((await token('default')).status).toBe(403)
  // Allowed; this server just has no keys to sign with.
  expect((await token('optiflow-network')).status).toBe(404)
})

test('a node registers itself and nobody else', async () => {
  expect((await as(node, 'POST', '/api/v1/nodes', { metadata: { name: 'n1' } })).status).toBe(201)
  const other = await as(node, 'POST', '/api/v1/nodes', { metadata: { name: 'n2' } })
  expect(other.body.message).toBe('nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"')
  const taint = await as(
    node,
    'PATCH',
    '/api/v1/nodes/n1',
    { spec: { taints: [] } },
    { 'content-type': 'application/merge-patch+json' },
  )
  expect(taint.body.message).toContain('not allowed to modify taints')
})

test('a node sees paths that are no resource as everybody does, and makes slices of devices of its own', async () => {
  expect([(await as(node, 'GET', '/version')).status, (await as(node, 'GET', '/metrics')).status]).toEqual([200, 403])
  const slice = (nodeName: string) =>
    as(node, 'POST', '/apis/resource.k8s.io/v1beta1/resourceslices', {
      metadata: { name: nodeName },
      spec: { nodeName, driver: 'd.example', pool: { name: 'p', generation: 1, resourceSliceCount: 1 }, devices: [] },
    })
  expect([(await slice('n1')).status, (await slice('n2')).status]).toEqual([201, 403])
})

test('impersonation needs its own right, for user and groups alike', async () => {
  const root: UserInfo = { username: 'root', groups: ['system:masters'] }
  const asCarol = { 'impersonate-user': 'carol', 'impersonate-group': 'dev' }
  expect((await as(alice, 'GET', '/api/v1/pods', undefined, asCarol)).body.message).toBe(
    'users "carol" is forbidden: User "alice" cannot impersonate resource "users" in API group "" at the cluster scope',
  )
  const me = await as(root, 'POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {}, asCarol)
  expect(me.body.status.userInfo).toEqual({ username: 'carol', groups: ['dev', 'system:authenticated'] })
})

test('anybody may ask what they may do in a namespace', async () => {
  const rules = (user: UserInfo, spec: object) =>
    as(user, 'POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', { spec })
  const root: UserInfo = { username: 'root', groups: ['system:masters', 'system:authenticated'] }
  const mastery = (await rules(root, { namespace: 'default' })).body.status
  expect(mastery.incomplete).toBe(false)
  expect(mastery.resourceRules[0]).toEqual({ verbs: ['*'], apiGroups: ['*'], resources: ['*'] })
  expect(mastery.nonResourceRules[0]).toEqual({ verbs: ['*'], nonResourceURLs: ['*'] })
  // What the role cluster-admin grants too is said once.
  const everything = mastery.resourceRules.filter((r: { resources: string[] }) => r.resources[0] === '*')
  expect(everything).toHaveLength(1)
  // What roles grant comes after it.
  expect(mastery.resourceRules.slice(1).map((r: { resources: string[] }) => r.resources)).toContainEqual([
    'selfsubjectreviews',
  ])
  const mine = (await rules({ username: 'frank', groups: ['system:authenticated'] }, { namespace: 'default' })).body
    .status
  expect(mine.nonResourceRules.flatMap((r: { nonResourceURLs: string[] }) => r.nonResourceURLs)).toContain('/api/*')
  expect(mine.resourceRules).not.toContainEqual(expect.objectContaining({ resources: ['*'] }))
  expect((await rules(root, {})).body.message).toBe('no namespace on request')
})

test('a role that names an object lets list and watch it by its name, and nothing else', async () => {
  const role = { resources: ['secrets'], apiGroups: [''], verbs: ['*'], resourceNames: ['mine'] }
  await server.call('POST', '/apis/rbac.authorization.k8s.io/v1/clusterroles', {
    metadata: { name: 'one-secret' },
    rules: [role],
  })
  await bind('one-secret', { kind: 'User', name: 'alice', apiGroup: 'rbac.authorization.k8s.io' })
  const secrets = '/api/v1/namespaces/default/secrets'
  const mine = 'fieldSelector=metadata.name%3Dmine'
  const status = async (method: string, query: string, body?: object) =>
    (await as(alice, method, `${secrets}?${query}`, body)).status
  expect(await status('GET', mine)).toBe(200)
  expect(await status('GET', '')).toBe(403)
  expect(await status('GET', 'fieldSelector=metadata.name!%3Dmine')).toBe(403)
  expect(await status('GET', 'fieldSelector=metadata.name%3Dother')).toBe(403)
  expect(await status('DELETE', mine)).toBe(403)
  expect(await status('POST', mine, { metadata: { name: 'other' } })).toBe(403)
})

test('default roles get back at the start what they lack, but for those that somebody took over', async () => {
  const roles = '/apis/rbac.authorization.k8s.io/v1/clusterroles'
  const merge = { 'content-type': 'application/merge-patch+json' }
  const own = { apiGroups: ['example.com'], resources: ['things'], verbs: ['get'] }
  await server.call('PATCH', `${roles}/system:basic-user`, { rules: [own] }, merge)
  const annotations = { 'rbac.authorization.kubernetes.io/autoupdate': 'false' }
  await server.call('PATCH', `${roles}/system:monitoring`, { metadata: { annotations }, rules: [] }, merge)
  await server.call('DELETE', `${roles.replace('clusterroles', 'clusterrolebindings')}/system:discovery`)
  const again = await startTestServer({ store: server.store })
  const rules = async (name: string) => (await again.call('GET', `${roles}/${name}`)).body.rules
  const basic = await rules('system:basic-user')
  expect(basic[0]).toEqual(own)
  expect(basic.flatMap((r: { resources: string[] }) => r.resources)).toContain('selfsubjectaccessreviews')
  expect((await rules('system:monitoring')) ?? []).toEqual([])
  const carol = await again.api.handler({
    ...{ method: 'GET', url: '/apis', headers: {}, signal: new AbortController().signal },
    user: { username: 'carol', groups: ['system:authenticated'] },
  })
  expect(carol.status).toBe(200)
  await again.api.close()
})

test('a node reads the secrets that a volume of one of its pods names for nodes, of whatever namespace', async () => {
  const make = (url: string, body: object) => server.call('POST', `/api/v1/${url}`, body)
  for (const name of ['stage', 'controller']) await make('namespaces/kube-system/secrets', { metadata: { name } })
  const spec = { accessModes: ['ReadWriteOnce'] }
  await make('persistentvolumes', {
    metadata: { name: 'v' },
    spec: {
      ...{ ...spec, capacity: { storage: '1Gi' }, claimRef: { namespace: 'default', name: 'c' } },
      csi: {
        ...{ driver: 'd.example', volumeHandle: 'h' },
        nodeStageSecretRef: { namespace: 'kube-system', name: 'stage' },
        controllerPublishSecretRef: { namespace: 'kube-system', name: 'controller' },
      },
    },
  })
  await make('namespaces/default/persistentvolumeclaims', {
    metadata: { name: 'c' },
    spec: { ...spec, volumeName: 'v', storageClassName: '', resources: { requests: { storage: '1Gi' } } },
  })
  const read = async (name: string) => (await as(node, 'GET', `/api/v1/namespaces/kube-system/secrets/${name}`)).status
  expect(await read('stage')).toBe(403)
  const volumes = [{ name: 'd', persistentVolumeClaim: { claimName: 'c' } }]
  await make('namespaces/default/serviceaccounts', { metadata: { name: 'default' } })
  expect((await make('namespaces/default/pods', pod('p', { nodeName: 'n1', volumes }))).status).toBe(201)
  expect([await read('stage'), await read('controller')]).toEqual([200, 403])
})

test('a node hears that a token must be bound to a pod, whether there is such an account or not', async () => {
  await server[Symbol.asyncDispose]()
  server = await startTestServer({ tokenKeys: await createTokenKey() })
  const url = '/api/v1/namespaces/default/serviceaccounts/nobody/token'
  await server.call('POST', '/apis/rbac.authorization.k8s.io/v1/clusterroles', {
    metadata: { name: 'tokens' },
    rules: [{ apiGroups: [''], resources: ['serviceaccounts/token'], verbs: ['create'] }],
  })
  await bind('tokens', { kind: 'Group', name: 'system:nodes', apiGroup: 'rbac.authorization.k8s.io' })
  expect((await as(node, 'POST', url, { spec: {} })).body.message).toMatch(/node requested token not bound to a pod/)
})
