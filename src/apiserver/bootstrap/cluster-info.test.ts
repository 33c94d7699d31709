import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { startTestServer } from '../testing/test-server.ts'

test('cluster-info tells where the API is, and keeps what signs it', async () => {
  await using server = await startTestServer({ clientCa: 'PEM' })
  const url = '/api/v1/namespaces/kube-public/configmaps/cluster-info'
  await server.api.publish('10.0.0.1', 6443)
  const signature = { data: { 'jws-kubeconfig-abcdef': 'signed' } }
  await server.call('PATCH', url, signature, { 'content-type': 'application/merge-patch+json' })
  await server.api.publish('10.0.0.2', 6443)
  const { data } = (await server.call('GET', url)).body
  expect(Object.keys(data).sort()).toEqual(['jws-kubeconfig-abcdef', 'kubeconfig'])
  expect(parse(data.kubeconfig)).toMatchObject({
    ...{ apiVersion: 'v1', kind: 'Config', users: null },
    clusters: [{ name: '', cluster: { server: 'https://10.0.0.2:6443', 'certificate-authority-data': 'UEVN' } }],
  })
})
