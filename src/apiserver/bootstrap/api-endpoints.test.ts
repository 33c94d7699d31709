import { expect, test } from 'vitest'
import type { Logger } from '../../base/logger.ts'
import { startTestServer } from '../testing/test-server.ts'

test('a server that says an address which no endpoint can have serves all the same, and logs it', async () => {
  const errors: unknown[] = []
  const log = {
    ...{ debug() {}, info() {}, warn() {} },
    error: (fields: object, message: string) => errors.push([message, (fields as { error: string }).error]),
    child: () => log,
  } as unknown as Logger
  await using server = await startTestServer({ log })
  await server.api.publish('127.0.0.1', 6443)
  expect(errors).toContainEqual([
    'the endpoints of Service default/kubernetes are invalid: advertise another address',
    expect.stringMatching(/^Endpoints "kubernetes" is invalid: subsets\[0\].addresses\[0\].ip: .* loopback range/),
  ])
  const found = async (path: string) => (await server.call('GET', path)).status
  expect(await found('/api/v1/namespaces/default/endpoints/kubernetes')).toBe(404)
  expect(await found('/api')).toBe(200)
  expect((await server.call('GET', '/api')).body.serverAddressByClientCIDRs[0].serverAddress).toBe('127.0.0.1:6443')
  await server.api.publish('10.0.0.9', 6443)
  expect(await found('/api/v1/namespaces/default/endpoints/kubernetes')).toBe(200)
})
