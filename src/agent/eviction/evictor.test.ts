import { describe, expect, it } from 'vitest'
import { silentLogger } from '../../base/logger.ts'
import { settle, VirtualClock } from '../../base/virtual-clock.ts'
import type { PodSpec } from '../../models/types/core-v1.ts'
import { Evictor } from './evictor.ts'
import { filesystemsOf, heldBy } from './filesystems.ts'
import type { EvictionSettings } from './thresholds.ts'

const apart = { imagesApart: true, layersApart: true }
const split = { imagesApart: true, layersApart: false }
const one = { imagesApart: false, layersApart: false }

describe('what takes room where a signal is measured', () => {
  const held = (logsAndVolumes: boolean, layers: boolean, images: boolean) => ({ logsAndVolumes, layers, images })
  it.each([
    ['all on one: everything', 'nodefs.available', one, held(true, true, true)],
    [
      'images and layers apart: of the node what pods log and keep',
      'nodefs.inodesFree',
      apart,
      held(true, false, false),
    ],
    ['of the images’ what containers write, and images', 'imagefs.available', apart, held(false, true, true)],
    ['only images apart: of the node all but them', 'nodefs.available', split, held(true, true, false)],
    ['of the images’ nothing of pods', 'imagefs.inodesFree', split, held(false, false, true)],
    ['memory: everything', 'memory.available', one, held(true, true, true)],
  ] as const)('%s', (_, signal, filesystems, expected) => expect(heldBy(signal, filesystems)).toEqual(expected))

  it.each([
    ['one', { '/node': 1, '/images': 1, '/layers': 1 }, one],
    ['apart', { '/node': 1, '/images': 2, '/layers': 2 }, apart],
    ['split', { '/node': 1, '/images': 2, '/layers': 1 }, split],
    ['what cannot be looked at is taken to be on the same', { '/node': 1 }, one],
  ] as const)('is told by devices: %s', async (_, devices, expected) => {
    const dev = async (path: string) => devices[path as '/node'] ?? Promise.reject(new Error('not there'))
    const disk = { stat: async (path: string) => ({ dev: await dev(path) }) } as never
    expect(await filesystemsOf(disk, '/node', { path: '/images', layers: { path: '/layers' } })).toEqual(expected)
  })

  it('is everything where the runtime does not tell where its images are', async () => {
    expect(await filesystemsOf({} as never, '/node', undefined)).toEqual(one)
  })
})

/** A node whose images and containers are on a disk of their own; `keeper` fills the node's, `writer` the other. */
function node(free: { node: number; images: number }, eviction: EvictionSettings, limits?: string, more = {}) {
  const clock = new VirtualClock()
  const evicted: string[] = []
  const reclaimed: object[] = []
  const worker = (name: string, spec: Partial<PodSpec>) => ({
    ...{ uid: name, active: true, ending: false },
    pod: { metadata: { name, namespace: 'a', uid: name }, spec: { containers: [{ name: 'main' }], ...spec } },
    evict: ({ message }: { message: string }) => void evicted.push(`${name}: ${message}`),
  })
  const resources = { limits: { 'ephemeral-storage': limits } }
  const workers = [
    worker('keeper', { volumes: [{ name: 'v', emptyDir: {} }] }),
    worker('writer', limits ? { containers: [{ name: 'main', resources }] as PodSpec['containers'] } : {}),
  ]
  const usage = (uid: string, filesystemUsedBytes: number) => ({
    uid,
    containers: [{ id: uid, name: 'main', memoryWorkingSetBytes: 0, filesystemUsedBytes }],
  })
  const images = { path: '/images', usedBytes: 0, usedInodes: 0 }
  const evictor = new Evictor({
    ...{ clock, log: silentLogger, folder: '/node', eviction, groups: undefined },
    events: { warning() {} },
    node: () => undefined,
    workers: new Map(workers.map(w => [w.uid, w])),
    reclaimDisk: async (what: object) => void reclaimed.push(what),
    runtime: {
      imageFilesystem: async () => ({ ...images, layers: images }),
      stats: async () => [usage('keeper', 1), usage('writer', 5_000)],
      ...more,
    },
    disk: {
      readText: async (path: string) => (path === '/proc/meminfo' ? meminfo : ''),
      list: async () => [],
      stat: async (path: string) => ({ dev: path === '/images' ? 2 : 1 }),
      space: async (path: string) => ({
        totalBytes: 100_000,
        freeBytes: path === '/images' ? free.images : free.node,
        totalInodes: 100,
        freeInodes: 100,
      }),
    },
    commands: {
      run: async (_: string, args: string[]) => ({
        stdout: args
          .slice(2)
          .map(path => `${path.includes('empty-dir') ? 9_000 : 10}\t${path}\n`)
          .join(''),
      }),
    },
  } as never)
  return { clock, evictor, evicted, reclaimed }
}

/** Half of its memory is free. */
const meminfo = 'MemTotal: 1000 kB\nMemAvailable: 500 kB\n'

const hard = 'nodefs.available<10%,imagefs.available<10%'

describe('a node whose images and containers have a disk of their own', () => {
  it('short of that one removes images and ends who has written most there', async () => {
    const { evictor, evicted, reclaimed } = node({ node: 90_000, images: 5_000 }, { hard })
    expect(await evictor.look()).toBe(true)
    expect(evictor.conditions).toEqual(['DiskPressure'])
    expect(reclaimed).toEqual([{ containers: true, images: true }])
    expect(evicted).toEqual([expect.stringMatching(/^writer: The node was low on resource: ephemeral-storage/)])
  })

  it('short of its own removes no image for it, and ends who has most of it', async () => {
    const { evictor, evicted, reclaimed } = node({ node: 5_000, images: 90_000 }, { hard })
    await evictor.look()
    expect(reclaimed).toEqual([])
    expect(evicted).toEqual([expect.stringMatching(/^keeper: /)])
  })

  it('counts what containers write there neither for the node nor against their limits', async () => {
    const { evictor, evicted } = node({ node: 90_000, images: 90_000 }, { hard }, '4k')
    await evictor.look()
    expect(evicted).toEqual([])
  })

  it('takes thresholds of containerfs as a kubelet does: those of the disk that it is on hold', async () => {
    const { evictor } = node(
      { node: 90_000, images: 9_000 },
      { hard: 'containerfs.available<50%,nodefs.available<10%' },
    )
    expect([await evictor.look(), evictor.conditions]).toEqual([false, []])
  })
})

it('a node that runs out of memory says so although its runtime hangs', async () => {
  const hung = () => new Promise(() => {})
  const settings = { hard: 'memory.available<600Ki' }
  const hangs = { imageFilesystem: hung, stats: hung }
  const { clock, evictor } = node({ node: 90_000, images: 90_000 }, settings, undefined, hangs)
  void evictor.look()
  await settle(20)
  await clock.advance(5_000)
  await settle(20)
  expect(evictor.conditions).toEqual(['MemoryPressure'])
})
