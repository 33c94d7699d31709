import { expect, test } from 'vitest'
import { startTestServer } from '../testing/test-server.ts'

const core = '/api/v1/namespaces/default'
const pod = (spec: object = {}) => ({
  ...{ kind: 'Pod', apiVersion: 'v1', metadata: { name: 'p' } },
  spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
})

test('a token volume that a pod brings along is the one that is mounted', async () => {
  await using server = await startTestServer()
  const path = { path: 'token', expirationSeconds: 3607 }
  const volume = { name: 'kube-api-access-abcde', projected: { sources: [{ serviceAccountToken: path }] } }
  const { body } = await server.call('POST', `${core}/pods`, pod({ volumes: [volume] }))
  expect(body.spec.volumes).toEqual([{ ...volume, projected: { ...volume.projected, defaultMode: 420 } }])
  expect(body.spec.containers[0].volumeMounts).toEqual([
    { name: volume.name, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
  ])
})

test('whoever newly enforces mountable secrets is warned', async () => {
  await using server = await startTestServer()
  const annotations = { 'kubernetes.io/enforce-mountable-secrets': 'true' }
  const account = { kind: 'ServiceAccount', apiVersion: 'v1', metadata: { name: 'a', annotations } }
  const made = await server.call('POST', `${core}/serviceaccounts`, account)
  expect(made.headers['warning']).toEqual([
    '299 - "metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"',
  ])
  const again = await server.call('PUT', `${core}/serviceaccounts/a`, account)
  expect(again.headers['warning']).toBeUndefined()
})

test('a refusal before a name is made up tells what it would have begun with', async () => {
  await using server = await startTestServer()
  const nameless = { ...pod({ serviceAccountName: 'none' }), metadata: { generateName: 'web-' } }
  const { body } = await server.call('POST', `${core}/pods`, nameless)
  expect(body).toMatchObject({ reason: 'Forbidden', details: { name: 'web-', kind: 'pods' } })
  expect(body.message).toBe(
    'pods "web-" is forbidden: error looking up service account default/none: serviceaccount "none" not found',
  )
})
