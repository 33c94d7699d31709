import { expect, test } from 'vitest'
import { startTestServer } from '../testing/test-server.ts'

const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json'

test('whoever prefers all groups at once gets them, unless the server has that switched off', async () => {
  await using server = await startTestServer()
  await using without = await startTestServer({ aggregatedDiscovery: false })
  const kindAt = async ({ call }: typeof server, path: string) =>
    (await call('GET', path, undefined, { accept })).body.kind
  expect([await kindAt(server, '/api'), await kindAt(server, '/apis')]).toEqual(Array(2).fill('APIGroupDiscoveryList'))
  expect([await kindAt(without, '/api'), await kindAt(without, '/apis')]).toEqual(['APIVersions', 'APIGroupList'])
})
