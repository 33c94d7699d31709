import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Disk, systemDisk } from '../../base/disk.ts'
import { silentLogger } from '../../base/logger.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { kubeletProtocol, servePlugin } from '../../plugins/index.ts'
import { PluginWatcher } from './plugin-watcher.ts'

let folder: string
const ends: AsyncDisposable[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plugins-'))
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const plugin = async (path: string, name: string) => {
  const service = 'pluginregistration.Registration'
  const about = { type: 'Toy', name, endpoint: '', supported_versions: ['1'] }
  const methods = { GetInfo: () => about, NotifyRegistrationStatus: () => ({}) }
  const server = await servePlugin(join(folder, path), [{ protocol: kubeletProtocol, service, methods }])
  ends.push(server)
  return server
}

async function watch(disk: Disk, register: (name: string) => void = () => {}) {
  const clock = new VirtualClock()
  const told: string[] = []
  const kind = {
    type: 'Toy',
    async register({ name }: { name: string }) {
      told.push(`+${name}`)
      register(name)
    },
    deregister: ({ name }: { name: string }) => void told.push(`-${name}`),
  }
  let looks = 0
  const counted = { ...disk, list: (path: string) => (looks += Number(path === folder)) && disk.list(path) }
  const watcher = new PluginWatcher({ folder, kinds: [kind], disk: counted as Disk, clock, log: silentLogger })
  ends.push({ [Symbol.asyncDispose]: () => watcher.stop() })
  await watcher.start()
  /** A look that began after this call has ended. */
  const looked = async () => {
    await watcher.look()
    await watcher.look()
  }
  return { clock, told, looked, looks: () => looks }
}

/** A disk whose folders tell of changes when the test says so. */
function toldDisk() {
  const watched = new Map<string, () => void>()
  const disk: Disk = {
    ...systemDisk,
    async watch(path, onChange, signal) {
      watched.set(path, () => onChange(null))
      await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
      watched.delete(path)
    },
  }
  return { disk, watched }
}

it('plugins are known as soon as their folder tells of them, and folders are not looked over all the time', async () => {
  const { disk, watched } = toldDisk()
  const { clock, told, looked, looks } = await watch(disk)
  await plugin('one.sock', 'one')
  watched.get(folder)!()
  await looked()
  await disk.makeFolder(join(folder, 'deeper'))
  await looked()
  await plugin('deeper/two.sock', 'two')
  watched.get(join(folder, 'deeper'))!()
  await looked()
  expect(told).toEqual(['+one', '+two'])
  await rm(join(folder, 'deeper'), { recursive: true })
  await looked()
  expect([told.at(-1), [...watched.keys()]]).toEqual(['-two', [folder]])
  const before = looks()
  await clock.advance(59_000)
  expect(looks()).toBe(before)
})

it('what no folder told of is found a minute later; where none can be watched, after two seconds', async () => {
  for (const [disk, waitMs] of [
    [toldDisk().disk, 60_000],
    [{ ...systemDisk, watch: () => Promise.reject(new Error('no more watches')) }, 2_000],
  ] as const) {
    const { clock, told, looked } = await watch(disk)
    // A watch that is refused is known only after the first look.
    await looked()
    const server = await plugin('late.sock', 'late')
    await clock.advance(waitMs)
    await looked()
    expect(told).toEqual(['+late'])
    await server[Symbol.asyncDispose]()
    await rm(join(folder, 'late.sock'), { force: true })
  }
})

it('a plugin that is not taken is asked again, less and less often', async () => {
  let refused = 0
  const { clock, told, looked, looks } = await watch(toldDisk().disk, () => {
    if (++refused < 3) throw new Error('not yet')
  })
  await plugin('one.sock', 'one')
  await looked()
  const before = looks()
  await looked()
  expect([told.length, looks() - before]).toEqual([1, 2])
  for (const waitMs of [500, 1_000]) {
    await clock.advance(waitMs)
    await looked()
  }
  expect(told).toEqual(['+one', '+one', '+one'])
})
