import { expect, it } from 'vitest'
import type { NodeContext } from './node-context.ts'
import { Steps } from './steps.ts'

it('the folder of a pod stays as long as something holds on to its control group, for an agent after this one', async () => {
  const folders = new Set(['/node/pods/u'])
  let held = true
  const steps = new Steps({
    folder: '/node',
    groups: { remove: async () => !held },
    volumes: { tearDown: async (uid: string) => void folders.delete(`/node/pods/${uid}`) },
    disk: { makeFolder: async (path: string) => void folders.add(path) },
  } as unknown as NodeContext)
  await steps.tearDown('u')
  expect([...folders]).toEqual(['/node/pods/u'])
  held = false
  await steps.tearDown('u')
  expect([...folders]).toEqual([])
})
