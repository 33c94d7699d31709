import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, it } from 'vitest'
import { systemDisk } from '../../base/disk.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { workerFile } from '../../base/worker-file.ts'
import { Bell } from './bell.ts'
import { CommitQueue } from './commit-queue.ts'
import { Durable } from './durable.ts'
import { Lookout } from './lookout.ts'
import { Packer } from './packing.ts'
import type { CommitGroup, Committed } from './protocol.ts'
import { Thread } from './thread.ts'

/** Each look at it takes a tenth of a millisecond. */
const passing = () => {
  let nowMs = 0
  return { monotonicMs: () => (nowMs += 0.1) }
}

it('a bell is heard by another thread, also when it rang before that looked', async () => {
  const bell = new Bell()
  const ringer = `new Int32Array(require('node:worker_threads').workerData)[0]++`
  const worker = new Worker(ringer, { eval: true, workerData: bell.memory })
  expect(bell.awaitRing(0, () => false)).toBe(true)
  expect(bell.awaitRing(0, () => true)).toBe(true)
  expect(bell.awaitRing(bell.rings, () => true)).toBe(false)
  await worker.terminate()
})

it('a thread is not kept for what mostly comes too late, until that changes', () => {
  const bell = new Bell()
  const lookout = new Lookout(bell, passing())
  const tries = (came: boolean, count: number) => {
    let kept = 0
    for (let i = 0; i < count; i++) {
      const heard = came ? bell.rings - 1 : bell.rings
      if (lookout.keep(heard) === came && came) kept++
    }
    return kept
  }
  expect(tries(true, 100)).toBe(100)
  tries(false, 1000)
  expect(tries(true, 20)).toBeLessThan(2)
  tries(true, 1000)
  expect(tries(true, 100)).toBe(100)
})

it('a thread that had nothing to do for long does not expect anything soon', async () => {
  const clock = new VirtualClock()
  const lookout = new Lookout(new Bell(), clock)
  expect(lookout.soon).toBe(false)
  lookout.rest()
  expect(lookout.soon).toBe(true)
  await clock.advance(1)
  expect(lookout.soon).toBe(false)
})

function put(key: string): CommitGroup {
  const packer = new Packer()
  for (const number of [0, 1]) packer.number(number)
  packer.text(key)
  packer.value(new Uint8Array(3))
  packer.text('')
  packer.value(undefined)
  const { numbers, bytes, keys } = packer.finish()
  return { type: 'commit', commits: 1, keys, numbers, bytes, now: 5000 }
}

it('an answer that is looked out for is handed on without a turn of the event loop', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'optiflow-lookout-'))
  const { thread } = await Thread.start(await workerFile(new URL('./worker.ts', import.meta.url), systemDisk), {
    ...{ role: 'writer', path: join(folder, 'state.db'), checkpointPages: 1000, check: 'never' },
    ...{ durable: new Durable().memory, headsBehind: 10, looksOut: true },
  })
  const told: Committed[] = []
  thread.onCommitted = committed => told.push(committed)
  for (let sent = 1; sent <= 20; sent++) {
    thread.send(put(`/k/${sent}`), [])
    while (told.length < sent) thread.lookOut()
  }
  expect(told.map(({ first, results }) => [first, results[0]!.numbers[0]])).toEqual(
    Array.from({ length: 20 }, (_, i) => [i, i + 1]),
  )
  await thread.close()
  rmSync(folder, { recursive: true })
})

it('commits are looked out for when they come one by one, and nobody else waits', async () => {
  let handed = 0
  let looks = 0
  const answer = () => {
    const results = [{ commits: 1, numbers: new Float64Array([handed + 1, handed + 1]), failures: [] }]
    queue.committed({ type: 'committed', first: handed++, results })
  }
  const queue = new CommitQueue({
    clock: new VirtualClock(),
    writer: { send: () => {}, lookOut: () => void looks++, onCommitted: () => {} },
    toError: () => new Error(),
    onSent: () => {},
    overlapped: () => false,
    looksOut: true,
    onMany: () => {},
    publish: () => {},
  })
  const commit = (key: string) => queue.commit([{ key, value: new Uint8Array(1) }], new Map())
  const turn = async () => {
    for (let i = 0; i < 3; i++) await new Promise(resolve => setImmediate(resolve))
  }
  const alone = async () => {
    const done = commit('/a')
    await turn()
    const looked = looks
    answer()
    await done
    return looked
  }
  for (let i = 0; i < 4; i++) expect(await alone()).toBe(0)
  expect(await alone()).toBe(1)
  // One that waits behind it: then there is more to do than to look.
  const [first, second] = [commit('/a'), Promise.resolve().then(() => commit('/b'))]
  await turn()
  expect(looks).toBe(1)
  answer()
  await first
  await turn()
  answer()
  await second
  // And it has to be seen again that they come one by one.
  expect(await alone()).toBe(1)
})
