import { afterEach, expect, it } from 'vitest'
import { createAuthority, createSigningRequest, signRequest } from '../base/certificates.ts'
import {
  CertificateSigningRequest,
  ClusterRole,
  ConfigMap,
  Namespace,
  Node,
  ServiceAccount,
} from '../models/kinds/index.ts'
import { certificateSigningRequestReconciler } from './certificate-signing-request.ts'
import { clusterRoleAggregationReconciler } from './cluster-role-aggregation.ts'
import { rootCaReconciler, serviceAccountReconciler } from './service-account.ts'
import { startTestCluster, type TestCluster } from './testing/cluster.ts'

let cluster: TestCluster
afterEach(() => cluster?.[Symbol.asyncDispose]())

it('every namespace has its account and the root certificate, also after they are deleted or changed', async () => {
  cluster = await startTestCluster({
    reconcilers: [serviceAccountReconciler(), rootCaReconciler({ certificate: 'PEM' })],
  })
  await cluster.client.create(Namespace, { metadata: { name: 'team' }, spec: {} })
  const namespace = 'team'
  const account = () =>
    cluster.client.get(ServiceAccount, { namespace, name: 'default' }).then(
      a => a.metadata.uid,
      () => undefined,
    )
  const root = () =>
    cluster.client.get(ConfigMap, { namespace, name: 'kube-root-ca.crt' }).then(
      c => c.data,
      () => undefined,
    )
  await cluster.until(async () => !!(await account()) && (await root())?.['ca.crt'] === 'PEM')
  const first = await account()
  await cluster.client.delete(ServiceAccount, { namespace, name: 'default' })
  await cluster.client.patch(
    ConfigMap,
    { namespace, name: 'kube-root-ca.crt' },
    { type: 'merge', body: { data: { 'ca.crt': 'forged', more: 'x' } } },
  )
  await cluster.until(async () => ![undefined, first].includes(await account()))
  await cluster.until(async () => JSON.stringify(await root()) === '{"ca.crt":"PEM"}')
})

it('an aggregated role has the rules of those it selects, each once, and follows them', async () => {
  cluster = await startTestCluster({ reconcilers: [clusterRoleAggregationReconciler()] })
  const rule = (resource: string) => ({ apiGroups: [''], resources: [resource], verbs: ['get'] })
  const part = (name: string, ...rules: ReturnType<typeof rule>[]) =>
    cluster.client.create(ClusterRole, { metadata: { name, labels: { 'to-view': 'true' } }, rules })
  await part('b', rule('pods'), rule('nodes'))
  await part('a', rule('pods'))
  const clusterRoleSelectors = [{ matchLabels: { 'to-view': 'true' } }]
  await cluster.client.create(ClusterRole, {
    metadata: { name: 'all', labels: { 'to-view': 'true' } },
    aggregationRule: { clusterRoleSelectors },
    rules: [],
  })
  const resources = async () =>
    (await cluster.client.get(ClusterRole, { name: 'all' })).rules?.map(r => r.resources![0]).join()
  await cluster.until(async () => (await resources()) === 'pods,nodes', 10_000, resources)
  await cluster.client.delete(ClusterRole, { name: 'b' })
  await cluster.until(async () => (await resources()) === 'pods', 10_000, resources)
  const { managedFields } = (await cluster.client.get(ClusterRole, { name: 'all' })).metadata
  const ofRules = managedFields?.filter(entry => 'f:rules' in (entry.fieldsV1 as object))
  expect(ofRules?.map(entry => `${entry.manager} ${entry.operation}`)).toContain(
    'clusterrole-aggregation-controller Apply',
  )
})

it('a node’s requests are approved and signed, anybody else’s are left to a person', async () => {
  const authority = await createAuthority('test', {
    now: () => Date.UTC(2026, 0, 1),
    monotonicMs: () => 0,
    schedule: () => () => {},
  })
  cluster = await startTestCluster({
    reconcilers: [
      certificateSigningRequestReconciler({
        signer: {
          sign: (pem, { usages, seconds }) =>
            signRequest(authority, pem, { usages, days: seconds / 86_400 }, cluster.clock),
        },
        mayRequest: async request => request.metadata.name.startsWith('node'),
      }),
    ],
  })
  await cluster.client.create(Node, { metadata: { name: 'n1' }, spec: {} })
  const addresses = [{ type: 'InternalIP' as const, address: '192.0.2.1' }]
  await cluster.client.patch(
    Node,
    { name: 'n1' },
    { type: 'merge', body: { status: { addresses } } },
    { subresource: 'status' },
  )
  const ask = async (
    name: string,
    signerName: string,
    usage: 'client auth' | 'server auth',
    subject: Parameters<typeof createSigningRequest>[0],
  ) => {
    const { request } = await createSigningRequest(subject)
    await cluster.client.create(CertificateSigningRequest, {
      metadata: { name },
      spec: { request: Buffer.from(request).toString('base64'), signerName, usages: ['digital signature', usage] },
    })
  }
  const node = { commonName: 'system:node:n1', organizations: ['system:nodes'] }
  await ask('node-client', 'kubernetes.io/kube-apiserver-client-kubelet', 'client auth', node)
  await ask('stranger', 'kubernetes.io/kube-apiserver-client-kubelet', 'client auth', node)
  await ask('node-admin', 'kubernetes.io/kube-apiserver-client-kubelet', 'client auth', {
    commonName: 'admin',
    organizations: ['system:masters'],
  })
  await ask('node-serving-strange', 'kubernetes.io/kubelet-serving', 'server auth', { ...node, ips: ['192.0.2.99'] })
  const get = (name: string) => cluster.client.get(CertificateSigningRequest, { name })
  // Signing is real cryptography on threads of its own: give it turns of the event loop, not virtual time.
  for (let i = 0; i < 400 && !(await get('node-client')).status?.certificate; i++) await cluster.pass(10)
  const signed = await get('node-client')
  expect(signed.status!.conditions).toMatchObject([{ type: 'Approved', status: 'True', reason: 'AutoApproved' }])
  expect(Buffer.from(signed.status!.certificate!, 'base64').toString()).toContain('BEGIN CERTIFICATE')
  for (const name of ['stranger', 'node-admin', 'node-serving-strange'])
    expect((await get(name)).status ?? {}).toEqual({})
  // Approved by somebody who may approve for this signer: it still gives nobody else's name away.
  const foul = await get('node-admin')
  const condition = { type: 'Approved', status: 'True', reason: 'Trusted', message: 'me' }
  const approved = { ...foul, status: { conditions: [condition] } }
  await cluster.client.update(CertificateSigningRequest, approved, { subresource: 'approval' })
  for (let i = 0; i < 400 && (await get('node-admin')).status!.conditions!.length < 2; i++) await cluster.pass(10)
  const { status } = await get('node-admin')
  expect([status!.certificate, status!.conditions![1]]).toMatchObject([
    undefined,
    { type: 'Failed', reason: 'SignerValidationFailure', message: 'subject organization is not system:nodes' },
  ])
  await cluster.pass(3_700_000)
  expect((await cluster.client.list(CertificateSigningRequest)).items.map(r => r.metadata.name).sort()).toEqual([
    'node-serving-strange',
    'stranger',
  ])
})

it('who may ask for certificates of nodes by the roles of the cluster gets them, whatever groups it is in', async () => {
  cluster = await startTestCluster({
    reconcilers: [certificateSigningRequestReconciler({ signer: { sign: async () => 'PEM' } })],
  })
  const { request } = await createSigningRequest({ commonName: 'system:node:n1', organizations: ['system:nodes'] })
  const [name, signerName] = ['joining', 'kubernetes.io/kube-apiserver-client-kubelet']
  await cluster.client.create(CertificateSigningRequest, {
    metadata: { name },
    spec: {
      ...{ request: Buffer.from(request).toString('base64'), signerName },
      usages: ['digital signature', 'client auth'],
    },
  })
  const conditions = async () =>
    (await cluster.client.get(CertificateSigningRequest, { name })).status?.conditions?.map(c => c.message)
  for (let i = 0; i < 400 && !(await conditions()); i++) await cluster.pass(10)
  expect(await conditions()).toEqual(['Auto approving kubelet client certificate after SubjectAccessReview.'])
})
