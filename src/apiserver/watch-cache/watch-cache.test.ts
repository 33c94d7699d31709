import { expect, test } from 'vitest'
import { silentLogger } from '../../base/logger.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { openMemoryStore } from '../../db/index.ts'
import type { Resource } from '../resources.ts'
import { WatchCache } from './watch-cache.ts'

test('changes stay in memory for minutes, not until others come', async () => {
  const clock = new VirtualClock()
  await using store = await openMemoryStore({ clock })
  const cache = new WatchCache({ store, clock, log: silentLogger })
  await cache.start()
  const bucket = cache.bucket({ prefix: '/registry/core/pods/', namespaced: true } as Resource)
  const write = async (name: string) => {
    const value = Buffer.from(JSON.stringify({ kind: 'Pod', apiVersion: 'v1', metadata: { name } }))
    const revision = await store.commit([{ key: `/registry/core/pods/a/${name}`, value }], new Map())
    expect(await cache.reached(Number(revision))).toBe(true)
    return Number(revision)
  }
  const first = await write('p')
  await clock.advance(4 * 60_000)
  const second = await write('q')
  await clock.advance(30_000)
  expect(bucket.since(0)).toHaveLength(2)
  await clock.advance(2 * 60_000)
  expect(bucket.since(first - 1)).toBeUndefined()
  expect(bucket.since(second - 1)).toHaveLength(1)
  await clock.advance(60 * 60_000)
  expect(bucket.since(second - 1)).toBeUndefined()
  expect(bucket.since(second)).toEqual([])
  await cache.close()
})
