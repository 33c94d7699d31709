import { expect, it } from 'vitest'
import { collectGarbage } from './garbage.ts'

/** @param code of the answer to the first call */
async function ask(code?: number): Promise<string[]> {
  const calls: string[] = []
  await collectGarbage({
    containerd: async (_: string, method: string, { sync }: { sync?: boolean }) => {
      calls.push(`${method}${sync ? ' and wait' : ''}`)
      if (code && method === 'Create') throw Object.assign(new Error('no'), { code })
    },
  } as never)
  return calls
}

it('containerd is asked by the end of a lease, also of one that was left; who has no leases is not', async () => {
  expect(await ask()).toEqual(['Create', 'Delete and wait'])
  expect(await ask(6)).toEqual(['Create', 'Delete and wait'])
  expect(await ask(12)).toEqual(['Create'])
  await expect(ask(14)).rejects.toThrow('no')
})
