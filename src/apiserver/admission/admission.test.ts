import { afterEach, beforeEach, expect, test } from 'vitest'
import { createSigningRequest, createTokenKey } from '../../base/certificates.ts'
import type { UserInfo } from '../../models/rest.ts'
import { admin, startTestServer, type TestServer } from '../testing/test-server.ts'

let server: TestServer
const tokenKeys = await createTokenKey()
beforeEach(async () => {
  server = await startTestServer({ tokenKeys })
})
afterEach(() => server[Symbol.asyncDispose]())

const ns = '/api/v1/namespaces/default'
const merge = { 'content-type': 'application/merge-patch+json' }
const node: UserInfo = { username: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] }
const alice: UserInfo = { username: 'alice', groups: ['system:authenticated'] }

async function as(user: UserInfo, method: string, url: string, object?: unknown, headers: Record<string, string> = {}) {
  const reply = await server.api.handler({
    ...{ method, url, user, signal: new AbortController().signal },
    headers: { 'content-type': 'application/json', ...headers },
    ...(object === undefined ? {} : { body: Buffer.from(JSON.stringify(object)) }),
  })
  return { status: reply.status, body: JSON.parse(Buffer.from(reply.body as Uint8Array).toString()) }
}
const pod = (name: string, spec: object = {}, metadata: object = {}) => ({
  metadata: { name, ...metadata },
  spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
})
const may = async (user: string, rules: object[]) => {
  const rbac = '/apis/rbac.authorization.k8s.io/v1'
  await server.call('POST', `${rbac}/clusterroles`, { metadata: { name: `r-${user}` }, rules })
  await server.call('POST', `${rbac}/clusterrolebindings`, {
    metadata: { name: `b-${user}` },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: `r-${user}` },
    subjects: [{ kind: 'User', name: user, apiGroup: 'rbac.authorization.k8s.io' }],
  })
}

test('a LimitRange fills in what containers leave out, and says so', async () => {
  await server.call('POST', `${ns}/limitranges`, {
    metadata: { name: 'l' },
    spec: {
      limits: [{ type: 'Container', default: { cpu: '500m' }, defaultRequest: { cpu: '100m', memory: '64Mi' } }],
    },
  })
  const { body } = await server.call('POST', `${ns}/pods`, pod('a'))
  expect(body.spec.containers[0].resources).toEqual({
    limits: { cpu: '500m' },
    requests: { cpu: '100m', memory: '64Mi' },
  })
  expect(body.metadata.annotations['kubernetes.io/limit-ranger']).toBe(
    'LimitRanger plugin set: cpu, memory request for container c; cpu limit for container c',
  )
})

test('a LimitRange refuses what is below, above or too far apart, for containers, pods and claims', async () => {
  await server.call('POST', `${ns}/limitranges`, {
    metadata: { name: 'l' },
    spec: {
      limits: [
        { type: 'Container', min: { cpu: '100m' }, max: { cpu: '1' }, maxLimitRequestRatio: { cpu: '2' } },
        { type: 'Pod', max: { memory: '1Gi' } },
        { type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '2Gi' } },
      ],
    },
  })
  const made = async (resources: object) =>
    (
      await server.call(
        'POST',
        `${ns}/pods?dryRun=All`,
        pod('a', { containers: [{ name: 'c', image: 'i', resources }] }),
      )
    ).body.message
  const memory = { memory: '1Gi' }
  expect(await made({ requests: { cpu: '50m' }, limits: { cpu: '60m', ...memory } })).toBe(
    'pods "a" is forbidden: minimum cpu usage per Container is 100m, but request is 50m',
  )
  expect(await made({ requests: { cpu: '200m' }, limits: { cpu: '900m', ...memory } })).toBe(
    'pods "a" is forbidden: cpu max limit to request ratio per Container is 2, but provided ratio is 4.500000',
  )
  expect(await made({ requests: { cpu: '1' }, limits: { cpu: '2', memory: '2Gi' } })).toBe(
    'pods "a" is forbidden: [maximum cpu usage per Container is 1, but limit is 2, maximum memory usage per Pod is 1Gi, but limit is 2Gi]',
  )
  const claim = {
    metadata: { name: 'd' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '3Gi' } } },
  }
  expect((await server.call('POST', `${ns}/persistentvolumeclaims`, claim)).body.message).toBe(
    'persistentvolumeclaims "d" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi',
  )
})

test('a pod takes over overhead and placement of its RuntimeClass; without one it is refused', async () => {
  await server.call('POST', '/apis/node.k8s.io/v1/runtimeclasses', {
    metadata: { name: 'vm' },
    handler: 'vm',
    overhead: { podFixed: { cpu: '250m' } },
    scheduling: { nodeSelector: { vm: 'yes' }, tolerations: [{ key: 'vm', operator: 'Exists' }] },
  })
  const { body } = await server.call(
    'POST',
    `${ns}/pods`,
    pod('a', { runtimeClassName: 'vm', nodeSelector: { disk: 'ssd' } }),
  )
  expect(body.spec).toMatchObject({ overhead: { cpu: '250m' }, nodeSelector: { disk: 'ssd', vm: 'yes' } })
  expect(body.spec.tolerations).toContainEqual({ key: 'vm', operator: 'Exists' })
  const refused = async (spec: object) => (await server.call('POST', `${ns}/pods`, pod('b', spec))).body.message
  expect(await refused({ runtimeClassName: 'none' })).toBe(
    'pods "b" is forbidden: pod rejected: RuntimeClass "none" not found',
  )
  expect(await refused({ overhead: { cpu: '1' } })).toBe(
    'pods "b" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead',
  )
  expect(await refused({ runtimeClassName: 'vm', nodeSelector: { vm: 'no' } })).toBe(
    'pods "b" is forbidden: conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no',
  )
})

test('claims get the newest default class and their finalizer; "" means no class', async () => {
  const mark = { 'storageclass.kubernetes.io/is-default-class': 'true' }
  await server.call('POST', '/apis/storage.k8s.io/v1/storageclasses', {
    metadata: { name: 'fast', annotations: mark },
    provisioner: 'x',
    allowVolumeExpansion: true,
  })
  const claim = (name: string, spec: object) => ({
    metadata: { name },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
  })
  const { body } = await server.call('POST', `${ns}/persistentvolumeclaims`, claim('a', {}))
  expect(body).toMatchObject({
    metadata: { finalizers: ['kubernetes.io/pvc-protection'] },
    spec: { storageClassName: 'fast' },
  })
  const none = await server.call('POST', `${ns}/persistentvolumeclaims`, claim('b', { storageClassName: '' }))
  expect(none.body.spec.storageClassName).toBe('')
  const grow = await server.call(
    'PATCH',
    `${ns}/persistentvolumeclaims/a`,
    { spec: { resources: { requests: { storage: '2Gi' } } } },
    merge,
  )
  expect(grow.body.reason).toMatch(/Forbidden|Invalid/)
})

test('nobody adds external IPs to a Service', async () => {
  const service = { metadata: { name: 's' }, spec: { ports: [{ port: 80 }], externalIPs: ['1.2.3.4'] } }
  expect((await server.call('POST', `${ns}/services`, service)).body.message).toBe(
    'services "s" is forbidden: Use of external IPs is denied by admission control',
  )
})

test('there is at most one PriorityClass for pods that name none', async () => {
  const classes = '/apis/scheduling.k8s.io/v1/priorityclasses'
  const make = (name: string) => server.call('POST', classes, { metadata: { name }, value: 5, globalDefault: true })
  expect((await make('one')).status).toBe(201)
  expect((await make('two')).body.message).toBe(
    'priorityclasses.scheduling.k8s.io "two" is forbidden: PriorityClass one is already marked as default. Only one default can exist',
  )
})

test('an owner that holds up its deletion is set only by those who may set its finalizers', async () => {
  const configMaps = { apiGroups: [''], resources: ['configmaps'], verbs: ['create', 'get', 'update', 'patch'] }
  await may('alice', [configMaps])
  const { body: owner } = await server.call('POST', `${ns}/secrets`, { metadata: { name: 'o' } })
  const ref = { apiVersion: 'v1', kind: 'Secret', name: 'o', uid: owner.metadata.uid, blockOwnerDeletion: true }
  const url = `${ns}/configmaps`
  const blocked = await as(alice, 'POST', url, { metadata: { name: 'c', ownerReferences: [ref] } })
  expect(blocked.body.message).toMatch(
    /^configmaps "c" is forbidden: cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: /,
  )
  const free = { ...ref, blockOwnerDeletion: false }
  expect((await as(alice, 'POST', url, { metadata: { name: 'c', ownerReferences: [free] } })).status).toBe(201)
  const taken = await as(
    alice,
    'PATCH',
    `${url}/c`,
    { metadata: { ownerReferences: [{ ...free, uid: 'other' }] } },
    merge,
  )
  expect(taken.body.message).toMatch(/cannot set an ownerRef on a resource you can't delete/)
})

test('requests for certificates say who asks, and none makes a master', async () => {
  const requests = '/apis/certificates.k8s.io/v1/certificatesigningrequests'
  await may('alice', [
    { apiGroups: ['certificates.k8s.io'], resources: ['certificatesigningrequests'], verbs: ['create', 'get'] },
    { apiGroups: ['certificates.k8s.io'], resources: ['certificatesigningrequests/approval'], verbs: ['update'] },
    { apiGroups: ['certificates.k8s.io'], resources: ['certificatesigningrequests/status'], verbs: ['update'] },
  ])
  const csr = async (name: string, organizations: string[]) => {
    const { request } = await createSigningRequest({ commonName: name, organizations })
    return {
      metadata: { name },
      spec: {
        request: Buffer.from(request).toString('base64'),
        signerName: 'kubernetes.io/kube-apiserver-client',
        usages: ['client auth'],
        username: 'somebody',
      },
    }
  }
  expect((await as(alice, 'POST', requests, await csr('root', ['system:masters']))).body.message).toBe(
    'certificatesigningrequests.certificates.k8s.io "root" is forbidden: use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed',
  )
  const made = await as(alice, 'POST', requests, await csr('mine', ['dev']))
  expect(made.body.spec).toMatchObject({ username: 'alice', groups: ['system:authenticated'] })
  const approved = {
    ...made.body,
    status: { conditions: [{ type: 'Approved', status: 'True', reason: 'r', message: 'm' }] },
  }
  expect((await as(alice, 'PUT', `${requests}/mine/approval`, approved)).body.message).toMatch(
    /user not permitted to approve requests with signerName "kubernetes.io\/kube-apiserver-client"$/,
  )
  const signed = {
    ...made.body,
    status: { certificate: Buffer.from('-----BEGIN CERTIFICATE-----').toString('base64') },
  }
  expect((await as(alice, 'PUT', `${requests}/mine/status`, signed)).body.message).toMatch(/user not permitted to sign/)
})

test('a node mirrors pods as its own, labels itself within bounds, and asks tokens for its own pods', async () => {
  const registered = await as(node, 'POST', '/api/v1/nodes', {
    metadata: { name: 'n1', labels: { 'kubernetes.io/os': 'linux', mine: 'x' } },
  })
  expect(registered.status).toBe(201)
  const label = (labels: object) => as(node, 'PATCH', '/api/v1/nodes/n1', { metadata: { labels } }, merge)
  expect((await label({ 'node-restriction.kubernetes.io/x': 'y' })).body.message).toBe(
    'nodes "n1" is forbidden: is not allowed to modify labels: node-restriction.kubernetes.io/x',
  )
  expect((await label({ 'node-role.kubernetes.io/control-plane': '' })).status).toBe(403)
  expect((await label({ 'node.kubernetes.io/anything': 'y' })).status).toBe(200)

  const owner = { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: registered.body.metadata.uid, controller: true }
  const mirror = (spec: object, ownerReferences: object[], annotations = { 'kubernetes.io/config.mirror': 'h' }) =>
    as(node, 'POST', `${ns}/pods`, pod('static', { nodeName: 'n1', ...spec }, { annotations, ownerReferences }))
  const refusals: [object, object[], RegExp][] = [
    [{}, [], /can only create pods with an owner reference set to itself/],
    [{}, [{ ...owner, controller: false }], /can only create pods with a controller owner reference/],
    [{}, [{ ...owner, uid: 'other' }], /node n1 UID mismatch: expected other got/],
    [{ nodeName: 'n2' }, [owner], /can only create pods with spec.nodeName set to itself/],
    [{ serviceAccountName: 'default' }, [owner], /a mirror pod may not reference service accounts/],
    [{ volumes: [{ name: 'v', secret: { secretName: 's' } }] }, [owner], /a mirror pod may not reference secrets/],
  ]
  for (const [spec, owners, why] of refusals) expect((await mirror(spec, owners)).body.message).toMatch(why)
  expect((await mirror({}, [owner])).status).toBe(201)

  const { body: mine } = await server.call('POST', `${ns}/pods`, pod('mine', { nodeName: 'n1' }))
  const token = (boundObjectRef?: object) =>
    as(node, 'POST', `${ns}/serviceaccounts/default/token`, { spec: { audiences: [], boundObjectRef } })
  expect((await token()).body.message).toMatch(/node requested token not bound to a pod/)
  expect((await token({ apiVersion: 'v1', kind: 'Pod', name: 'mine' })).body.message).toMatch(/without a uid/)
  expect((await token({ apiVersion: 'v1', kind: 'Pod', name: 'mine', uid: mine.metadata.uid })).status).toBe(201)
})

test('nothing is bound or evicted in a namespace that ends', async () => {
  await server.call('POST', '/api/v1/namespaces', { metadata: { name: 'gone' } })
  await server.call('POST', '/api/v1/namespaces/gone/pods', pod('a'))
  await server.call('DELETE', '/api/v1/namespaces/gone')
  const { status, body } = await server.call('POST', '/api/v1/namespaces/gone/pods/a/binding', {
    metadata: { name: 'a' },
    target: { kind: 'Node', name: 'n' },
  })
  expect([status, body.details.causes[0].reason]).toEqual([403, 'NamespaceTerminating'])
  const evicted = await server.call('POST', '/api/v1/namespaces/gone/pods/a/eviction', { metadata: { name: 'a' } })
  expect([evicted.status, evicted.body.details.causes[0].reason]).toEqual([403, 'NamespaceTerminating'])
  expect((await as(admin, 'POST', '/api/v1/namespaces/none/pods', { spec: {} })).body.message).toBe(
    'namespaces "none" not found',
  )
})

test('an admission plugin can be left out: a pod then gets no service account', async () => {
  await using without = await startTestServer({ tokenKeys, withoutAdmission: ['ServiceAccount'] })
  const pod = { metadata: { name: 'web' }, spec: { containers: [{ name: 'web', image: 'nginx' }] } }
  const accountOf = async ({ call }: TestServer) => (await call('POST', `${ns}/pods`, pod)).body.spec.serviceAccountName
  expect([await accountOf(without), await accountOf(server)]).toEqual([undefined, 'default'])
})
