import { expect, it } from 'vitest'
import { CallFailed, type Connection } from './connection.ts'
import { networkNamespacesOf } from './network-namespace.ts'

it('a sandbox that cannot be read is not taken for one without a network; one that is gone is', async () => {
  const info = JSON.stringify({ runtimeSpec: { linux: { namespaces: [{ type: 'network', path: '/run/netns/a' }] } } })
  let code = 5
  const connection = {
    runtime: async (_: string, { pod_sandbox_id: id }: { pod_sandbox_id: string }) => {
      if (id === 'a') return { info: { info } }
      throw new CallFailed('PodSandboxStatus', code, 'no answer')
    },
  } as unknown as Connection
  expect(await networkNamespacesOf(connection, ['a', 'b'])).toEqual(['/run/netns/a'])
  code = 14
  await expect(networkNamespacesOf(connection, ['a', 'b'])).rejects.toThrow('no answer')
})
