import { describe, expect, it } from 'vitest'
import type { Commands } from '../../base/commands.ts'
import { systemDisk } from '../../base/disk.ts'
import { silentLogger } from '../../base/logger.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { openCredentialProviders } from './credential-providers.ts'

const apiVersion = 'credentialprovider.kubelet.k8s.io/v1'
const provider = (more: object = {}) => ({
  ...{ name: 'cloud', apiVersion, matchImages: ['*.cloud.test', 'hub.test/team'] },
  ...{ defaultCacheDuration: '10m', args: ['get'], env: [{ name: 'ZONE', value: 'a' }], ...more },
})
const answer = (more: object = {}) => ({
  ...{ kind: 'CredentialProviderResponse', apiVersion, cacheKeyType: 'Registry' },
  ...{ auth: { '*.cloud.test': { username: 'node', password: 'secret' } }, ...more },
})

async function open(config: object, say: (image: string) => unknown = () => answer()) {
  const clock = new VirtualClock()
  const asked: string[] = []
  const runs: unknown[] = []
  const commands = {
    async run(file: string, args: string[], { stdin, env }: { stdin: string; env: object }) {
      const { image, ...request } = JSON.parse(stdin)
      asked.push(image)
      runs.push([file, args, env, request])
      return { code: 0, stdout: JSON.stringify(say(image)), stderr: '' }
    },
  } as unknown as Commands
  const text = JSON.stringify({ kind: 'CredentialProviderConfig', ...config })
  const disk = {
    ...systemDisk,
    readText: async () => text,
    exists: async (path: string) => path === '/bin/cloud',
  }
  const all = { configFile: '/c.yaml', folder: '/bin', disk, commands, clock, log: silentLogger }
  const providers = await openCredentialProviders(all)
  const credentials = async (image: string) =>
    (await providers.for(image, new AbortController().signal)).map(c => ('username' in c ? c.username : 'token'))
  return { clock, asked, runs, credentials }
}

describe('a program that knows credentials', () => {
  it('is asked for images that fit, as a kubelet asks', async () => {
    const { runs, asked, credentials } = await open({ providers: [provider()] })
    expect(await credentials('eu.cloud.test/app:1')).toEqual(['node'])
    expect(await credentials('other.test/app:1')).toEqual([])
    // It says nothing of this registry.
    expect(await credentials('hub.test/team/app')).toEqual([])
    expect(asked).toEqual(['eu.cloud.test/app:1', 'hub.test/team/app'])
    const request = { kind: 'CredentialProviderRequest', apiVersion }
    expect(runs[0]).toEqual(['/bin/cloud', ['get'], { ZONE: 'a' }, request])
  })

  it.each([
    ['Image', 3],
    ['Registry', 2],
    ['Global', 1],
  ] as const)('is not asked again for what its answer holds for: %s', async (cacheKeyType, times) => {
    const { clock, asked, credentials } = await open({ providers: [provider()] }, () => answer({ cacheKeyType }))
    const all = async () => {
      for (const image of ['a.cloud.test/x', 'a.cloud.test/y', 'b.cloud.test/x', 'a.cloud.test/x'])
        await credentials(image)
    }
    await all()
    expect(asked).toHaveLength(times)
    await clock.advance(599_999)
    await all()
    expect(asked).toHaveLength(times)
    await clock.advance(1)
    await all()
    expect(asked).toHaveLength(2 * times)
  })

  it('says itself how long its answer holds, and pods that start together ask once', async () => {
    const { asked, credentials } = await open({ providers: [provider()] }, () => answer({ cacheDuration: '0s' }))
    await Promise.all([credentials('a.cloud.test/x'), credentials('a.cloud.test/x')])
    expect(asked).toHaveLength(1)
    await credentials('a.cloud.test/x')
    expect(asked).toHaveLength(2)
  })

  it('that answers something else is passed over', async () => {
    for (const wrong of [{ kind: 'Other' }, { cacheKeyType: 'Never' }, { apiVersion: 'v0' }]) {
      const { credentials } = await open({ providers: [provider()] }, () => answer(wrong))
      expect(await credentials('a.cloud.test/x')).toEqual([])
    }
    const { credentials } = await open({ providers: [provider()] }, () => {
      throw new Error('no')
    })
    expect(await credentials('a.cloud.test/x')).toEqual([])
  })
})

it.each<[object, string]>([
  [{ kind: 'Pod' }, '/c.yaml: kind is Pod, not CredentialProviderConfig'],
  [{ providers: [] }, 'providers names no provider'],
  [{ providers: [provider({ name: '../sh' })] }, 'providers[0].name is "../sh", not the name of a program'],
  [{ providers: [provider(), provider()] }, "providers[1].name is cloud, as another's"],
  [{ providers: [provider({ name: 'gone' })] }, 'providers[0]: there is no program /bin/gone'],
  [{ providers: [provider({ matchImages: [] })] }, 'providers[0].matchImages is empty'],
  [{ providers: [provider({ apiVersion: 'v2' })] }, 'providers[0].apiVersion is v2, not one of'],
  [{ providers: [provider({ defaultCacheDuration: undefined })] }, 'providers[0].defaultCacheDuration is undefined'],
])('a configuration that cannot be used is refused: %j', async (config, message) => {
  await expect(open(config)).rejects.toThrow(message)
})
