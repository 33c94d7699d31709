import { expect, test } from 'vitest'
import { createAuthority } from '../../base/certificates.ts'
import { systemClock } from '../../base/clock.ts'
import { openMemoryStore } from '../../db/index.ts'
import { createApiServer } from '../api-server.ts'
import { startTestServer } from '../testing/test-server.ts'

test('a webhook that is gone and fails closed for everything does not keep a server from starting again', async () => {
  const store = await openMemoryStore()
  const first = await startTestServer({ store })
  const everything = { apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'], operations: ['*'] }
  const webhook = {
    ...{ name: 'gone.k8s.io', failurePolicy: 'Fail', sideEffects: 'None', admissionReviewVersions: ['v1'] },
    clientConfig: { service: { namespace: 'default', name: 'gone' } },
    rules: [everything],
  }
  for (const kind of ['mutating', 'validating'])
    await first.call('POST', `/apis/admissionregistration.k8s.io/v1/${kind}webhookconfigurations`, {
      metadata: { name: 'gone' },
      webhooks: [webhook],
    })
  const map = { metadata: { name: 'a' } }
  expect((await first.call('POST', '/api/v1/namespaces/default/configmaps', map)).status).toBe(500)
  await first.api.close()
  // What it has to write now is new.
  const clientCa = (await createAuthority('clients', systemClock)).cert
  await using second = await createApiServer({ store, clientCa })
  await second.publish('10.1.2.3', 6443)
  const { core } = second
  const read = (plural: string, namespace: string, name: string) => {
    const kept = core.cache.get(core.resources.find('', 'v1', plural)!, namespace, name)
    return kept && core.shared(kept)
  }
  expect(read('configmaps', 'kube-system', 'extension-apiserver-authentication')?.['data']).toHaveProperty(
    'client-ca-file',
  )
  expect(read('endpoints', 'default', 'kubernetes')?.['subsets'][0].addresses).toEqual([{ ip: '10.1.2.3' }])
})
