import { createHmac } from 'node:crypto'
import { afterEach, expect, it } from 'vitest'
import { createTokenKey } from '../base/certificates.ts'
import { isNotFound } from '../models/api-error.ts'
import { secretText } from '../models/bootstrap-token.ts'
import { ConfigMap, Secret, ServiceAccount } from '../models/kinds/index.ts'
import { bootstrapSignerReconciler, tokenCleanerReconciler } from './bootstrap-token.ts'
import { serviceAccountTokenReconciler } from './service-account-token.ts'
import { startTestCluster, type TestCluster } from './testing/cluster.ts'

let cluster: TestCluster
afterEach(() => cluster?.[Symbol.asyncDispose]())
const namespace = 'kube-system'

const token = (id: string, more: Record<string, string>) =>
  cluster.client.create(Secret, {
    metadata: { namespace, name: `bootstrap-token-${id}` },
    type: 'bootstrap.kubernetes.io/token',
    stringData: { 'token-id': id, 'token-secret': '0123456789abcdef', ...more },
  })
const isGone = (name: string) =>
  cluster.client.get(Secret, { namespace, name }).then(
    () => false,
    error => isNotFound(error),
  )

it('a bootstrap token goes when its time is over, and the signature by it too', async () => {
  cluster = await startTestCluster({ reconcilers: [tokenCleanerReconciler(), bootstrapSignerReconciler()] })
  const info = { namespace: 'kube-public', name: 'cluster-info' }
  await cluster.client.create(ConfigMap, { metadata: info, data: { kubeconfig: 'text' } })
  const end = new Date(cluster.clock.now() + 60_000).toISOString()
  await token('aaaaaa', { 'usage-bootstrap-signing': 'true', expiration: end })
  await token('bbbbbb', { 'usage-bootstrap-signing': 'true' })
  await token('cccccc', {})
  const data = async () => (await cluster.client.get(ConfigMap, info)).data!
  await cluster.until(async () => Object.keys(await data()).length === 3)
  const [header, , signature] = (await data())['jws-kubeconfig-aaaaaa']!.split('.')
  expect(JSON.parse(Buffer.from(header!, 'base64url').toString())).toEqual({ alg: 'HS256', kid: 'aaaaaa' })
  const signed = `${header}.${Buffer.from('text').toString('base64url')}`
  expect(signature).toBe(createHmac('sha256', '0123456789abcdef').update(signed).digest('base64url'))
  await cluster.until(() => isGone('bootstrap-token-aaaaaa'), 120_000)
  await cluster.until(
    async () =>
      Object.keys(await data())
        .sort()
        .join() === 'jws-kubeconfig-bbbbbb,kubeconfig',
  )
  expect(await isGone('bootstrap-token-cccccc')).toBe(false)
})

it('a Secret that asks for a token of an account gets one, and goes with the account', async () => {
  const tokenKeys = await createTokenKey()
  cluster = await startTestCluster({ reconcilers: [serviceAccountTokenReconciler({ certificate: 'PEM' })], tokenKeys })
  const account = await cluster.client.create(ServiceAccount, { metadata: { namespace, name: 'robot' } })
  const annotations = { 'kubernetes.io/service-account.name': 'robot' }
  const key = { namespace, name: 'robot-token' }
  await cluster.client.create(Secret, {
    metadata: { ...key, annotations },
    type: 'kubernetes.io/service-account-token',
  })
  const secret = () => cluster.client.get(Secret, key)
  await cluster.until(async () => Boolean((await secret()).data?.['token']))
  const filled = await secret()
  expect(filled.metadata.annotations?.['kubernetes.io/service-account.uid']).toBe(account.metadata.uid)
  expect([secretText(filled, 'ca.crt'), secretText(filled, 'namespace')]).toEqual(['PEM', namespace])
  const claims = JSON.parse(Buffer.from(secretText(filled, 'token').split('.')[1]!, 'base64url').toString())
  expect(claims['kubernetes.io'].secret).toEqual({ name: key.name, uid: filled.metadata.uid })
  await cluster.client.delete(ServiceAccount, { namespace, name: 'robot' })
  await cluster.until(() => isGone(key.name))
})
