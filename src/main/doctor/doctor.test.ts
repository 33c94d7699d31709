import { expect, it } from 'vitest'
import { execPipes } from './folder-checks.ts'
import type { Scene } from './leak.ts'
import { deadPortRules } from './network-checks.ts'

const listing = `-P PREROUTING ACCEPT
-N CNI-DN-aaa
-N CNI-DN-bbb
-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"optiflow\\" id: \\"0a1b\\"" -m multiport --dports 8080 -j CNI-DN-aaa
-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"optiflow\\" id: \\"2c3d\\"" -m multiport --dports 8081 -j CNI-DN-bbb
-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"podman\\" id: \\"4e5f\\"" -m multiport --dports 8082 -j CNI-DN-ccc
-A CNI-DN-aaa -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.244.0.5:80`

it('rules of host ports are dead when their sandbox is, and ours alone', () => {
  expect(deadPortRules(listing, 'optiflow', new Set(['2c3d']))).toEqual([
    {
      chain: 'CNI-DN-aaa',
      id: '0a1b',
      script: `*nat
-D CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"optiflow\\" id: \\"0a1b\\"" -m multiport --dports 8080 -j CNI-DN-aaa
-F CNI-DN-aaa
-X CNI-DN-aaa
COMMIT
`,
    },
  ])
})

it('pipes of exec are left behind once they are old and no process has them open', async () => {
  const folder = '/state/exec'
  const folders: Record<string, string[]> = {
    [folder]: ['exec-dead', 'exec-new', 'exec-used'],
    '/proc': ['7', '8', 'self'],
    '/proc/7/fd': ['0', '5'],
  }
  const links: Record<string, string> = { '/proc/7/fd/5': `${folder}/exec-used/stdin` }
  const removed: string[] = []
  const disk = {
    list: async (path: string) => folders[path]?.map(name => ({ name })) ?? Promise.reject(new Error('gone')),
    stat: async (path: string) => ({ mtimeMs: path.endsWith('new') ? 90_000 : 0 }),
    readlink: async (path: string) => links[path] ?? Promise.reject(new Error('gone')),
    remove: async (path: string) => void removed.push(path),
  }
  const scene = { disk, clock: { now: () => 100_000 }, places: { stateFolder: '/state' } } as unknown as Scene
  const leaks = await execPipes.find(scene)
  expect(leaks.map(({ what }) => what)).toEqual([`${folder}/exec-dead holds pipes that no process has open`])
  for (const leak of leaks) await leak.mend()
  expect(removed).toEqual([`${folder}/exec-dead`])
})
