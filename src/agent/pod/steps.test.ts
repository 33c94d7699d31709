import { expect, it } from 'vitest'
import type { Pod } from '../../models/types/core-v1.ts'
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

it('a pod whose whole name is too long for a host name gets no sandbox, and an event that tells the name and the bound', async () => {
  const told: string[] = []
  const made: string[] = []
  const steps = new Steps({
    logFolder: '/logs',
    clusterDomain: 'cluster.local',
    clusterDns: [],
    hostDns: () => ({ servers: [], searches: [], options: [] }),
    objects: {},
    starts: { run: (work: () => Promise<string>) => work() },
    clock: { monotonicMs: () => 0 },
    events: { warning: (_: Pod, reason: string, message: string) => told.push(`${reason}: ${message}`) },
    runtime: {
      runSandbox: async ({ hostname }: { hostname: string }) => {
        made.push(hostname)
        return 'sandbox'
      },
    },
  } as unknown as NodeContext)
  const run = (hostname: string) =>
    steps.runSandbox(
      {
        metadata: { name: 'p', namespace: 'shop', uid: 'u' },
        spec: { containers: [], hostname, subdomain: 'all', setHostnameAsFQDN: true },
      } as unknown as Pod,
      0,
      new AbortController().signal,
    )
  const rest = '.all.shop.svc.cluster.local'
  const longest = 'x'.repeat(64 - rest.length)
  await run(longest)
  const why = `failed to construct FQDN from pod hostname and cluster domain, FQDN ${longest}x${rest} is too long (64 characters is the max, 65 characters requested)`
  await expect(run(`${longest}x`)).rejects.toMatchObject({ reason: 'CreatePodSandboxError', message: why })
  expect({ told, made }).toEqual({
    told: [`FailedCreatePodSandBox: Failed to create pod sandbox: ${why}`],
    made: [longest + rest],
  })
})
