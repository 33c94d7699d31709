import { expect, it } from 'vitest'
import { silentLogger } from '../base/logger.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { Chores } from './chores.ts'
import type { AgentOptions } from './options.ts'

const image = (name: string, more = {}) => ({
  ref: `sha256:${name}`,
  names: [`registry/${name}:1`],
  sizeBytes: 10,
  ...more,
})

function open(imageCollection: AgentOptions['imageCollection'], freeBytes = 90) {
  const clock = new VirtualClock()
  let images = [image('used'), image('one'), image('two'), image('pause', { pinned: true })]
  const used = new Set(['sha256:used'])
  const runtime = {
    images: async () => images,
    imageFilesystem: async () => ({ path: '/images' }),
    removeImage: async (ref: string) => void (images = images.filter(one => one.ref !== ref)),
  }
  const chores = new Chores({
    ...{ clock, runtime, log: silentLogger, workers: new Map(), ...(imageCollection ? { imageCollection } : {}) },
    disk: { space: async () => ({ totalBytes: 100, freeBytes }) },
    view: { all: () => [{ containers: [...used].map(imageRef => ({ imageRef, image: '' })) }] },
  } as never)
  const left = async () => {
    await chores.collectImages()
    return images.map(({ ref }) => ref.slice('sha256:'.length))
  }
  return { clock, used, left }
}

it('what is left of pods that are no more is taken out, their control groups too, once all pods are known', async () => {
  const torn: string[] = []
  const nothing = { list: async () => [], exists: async () => false }
  const chores = new Chores({
    ...{ disk: nothing, folder: '/node', log: silentLogger },
    volumes: { left: async () => ['works', 'runs', 'dead'] },
    workers: new Map([['works', {}]]),
    view: { get: (uid: string) => (uid === 'runs' ? {} : undefined) },
    tearDown: async (uid: string) => void torn.push(uid),
  } as never)
  await chores.sweep(false)
  expect(torn).toEqual([])
  await chores.sweep(true)
  expect(torn).toEqual(['dead'])
})

it('an image that was unused for longer than the greatest age goes though there is room', async () => {
  const { clock, used, left } = open({ maxAgeMs: 3_600_000 })
  expect(await left()).toHaveLength(4)
  await clock.advance(1_800_000)
  used.add('sha256:two')
  await left()
  used.delete('sha256:two')
  await clock.advance(1_800_001)
  expect(await left()).toEqual(['used', 'two', 'pause'])
  await clock.advance(1_800_000)
  expect(await left()).toEqual(['used', 'two', 'pause'])
  await clock.advance(1_800_001)
  expect(await left()).toEqual(['used', 'pause'])
})

it('without such an age images go only when the disk is full, none before its least age', async () => {
  const roomy = open(undefined)
  await roomy.left()
  await roomy.clock.advance(365 * 86_400_000)
  expect(await roomy.left()).toHaveLength(4)
  const full = open({ minAgeMs: 10_000 }, 10)
  expect(await full.left()).toHaveLength(4)
  await full.clock.advance(9_999)
  expect(await full.left()).toHaveLength(4)
  await full.clock.advance(1)
  expect(await full.left()).toEqual(['used', 'two', 'pause'])
})

it('a full disk costs containers that have ended: old ones, and all of pods that are over', async () => {
  const removed: string[] = []
  const freeRemoved = async () => void removed.push('free')
  const container = (id: string, state: string, attempt = 0) => ({ id, name: 'main', state, attempt })
  const pods = [
    { uid: 'runs', containers: [container('r1', 'running', 1), container('r0', 'exited')] },
    { uid: 'waits', containers: [container('w0', 'exited')] },
    { uid: 'over', containers: [container('o1', 'exited', 1), container('o0', 'exited')] },
    { uid: 'ends', containers: [container('e0', 'running')] },
  ]
  const runtime = { removeContainer: async (id: string) => void removed.push(id), images: async () => [], freeRemoved }
  const active = { runs: true, waits: true, over: false, ends: false }
  const chores = new Chores({
    ...{ clock: new VirtualClock(), runtime, log: silentLogger },
    workers: new Map(Object.entries(active).map(([uid, active]) => [uid, { active, pod: { spec: {} } }])),
    view: { all: () => pods, refresh: async () => {} },
  } as never)
  await chores.reclaimDisk({ containers: false, images: true })
  expect(removed).toEqual(['free'])
  await chores.reclaimDisk({ containers: true, images: false })
  expect(removed).toEqual(['free', 'r0', 'o1', 'o0', 'free'])
})
