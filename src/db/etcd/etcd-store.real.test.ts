import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { storeConformance } from '../conformance/index.ts'
import { type Revision, type Store, type StoreEvent, StoreFailed } from '../store.ts'
import { openEtcdStore } from './etcd-store.ts'
import { EtcdRpc } from './rpc.ts'
import { EtcdCluster, wipe } from './testing/cluster.ts'

function put(store: Store, key: string, value: string, seen?: Revision): Promise<Revision> {
  return store.commit([{ key, value: Buffer.from(value) }], new Map(seen === undefined ? [] : [[key, seen]]))
}

for (const size of [1, 3]) {
  describe(`an etcd cluster of ${size}`, () => {
    let cluster: EtcdCluster
    beforeAll(async () => {
      cluster = await EtcdCluster.start(size)
    })
    afterAll(() => cluster?.stop())
    storeConformance(
      'etcd',
      async clock => {
        await wipe(cluster.endpoints)
        return openEtcdStore({ endpoints: cluster.endpoints, clock, bufferedEvents: 64 })
      },
      { runs: 15 },
    )
  })
}

describe('a cluster of three whose members are killed', () => {
  it('loses nothing acknowledged, and no watcher misses or repeats anything', async () => {
    const cluster = await EtcdCluster.start(3)
    const store = await openEtcdStore({ endpoints: cluster.endpoints })
    const stop = new AbortController()
    const start = await store.revision()
    const seen: StoreEvent[] = []
    const watching = (async () => {
      for await (const batch of store.watch('/w/', start, stop.signal)) seen.push(...batch.events)
    })()
    let writing = true
    let failures = 0
    const acknowledged: { key: string; revision: Revision; value: string }[] = []
    const writers = Array.from({ length: 8 }, async (_, w) => {
      for (let i = 0; writing; i++) {
        const key = `/w/${w}`
        const value = `${i}`
        await put(store, key, value).then(
          revision => acknowledged.push({ key, revision, value }),
          error => {
            expect(error).toBeInstanceOf(StoreFailed)
            failures++
          },
        )
      }
    })
    const enough = async (count: number) => {
      while (acknowledged.length < count) await new Promise(resolve => setTimeout(resolve, 20))
    }
    try {
      await enough(100)
      // The one that is asked, and the other two in turn.
      for (const i of [0, 1, 2]) {
        await cluster.kill(i)
        await enough(acknowledged.length + 150)
        await cluster.restart(i)
      }
      writing = false
      await Promise.all(writers)
      const last = await put(store, '/w/last', 'x')
      while (seen.at(-1)?.revision !== last) await new Promise(resolve => setTimeout(resolve, 20))
      const byRevision = new Map(seen.map(e => [e.revision, e]))
      expect(byRevision.size).toBe(seen.length)
      expect(seen.map(e => e.revision)).toEqual([...seen.map(e => e.revision)].sort((a, b) => (a < b ? -1 : 1)))
      const lost = acknowledged.filter(a => {
        const event = byRevision.get(a.revision)
        return event?.key !== a.key || Buffer.from(event.value!).toString() !== a.value
      })
      expect(lost).toEqual([])
      // Writes whose answer was lost may be there too, but no others.
      expect(seen.length).toBeLessThanOrEqual(acknowledged.length + failures + 1)
    } finally {
      writing = false
      await Promise.all(writers)
      stop.abort()
      await watching
      await store[Symbol.asyncDispose]()
      await cluster.stop()
    }
  })
})

describe('an etcd that cannot be used', () => {
  it('is named, with one thing to do, when nobody answers', async () => {
    const failure = await openEtcdStore({ endpoints: ['http://127.0.0.1:1'] }).catch(e => e)
    expect(failure).toBeInstanceOf(StoreFailed)
    expect(failure.message).toContain('http://127.0.0.1:1')
    expect(failure.hint).toBe('Start etcd, or correct its address in --store.')
  })

  it('lets in who has the password, and nobody else', async () => {
    const cluster = await EtcdCluster.start(1)
    try {
      const admin = new EtcdRpc({ endpoints: cluster.endpoints }, systemClock)
      await admin.unary('Auth', 'UserAdd', { name: 'root', password: 'secret' }, false)
      await admin.unary('Auth', 'RoleAdd', { name: 'root' }, false)
      await admin.unary('Auth', 'UserGrantRole', { user: 'root', role: 'root' }, false)
      await admin.unary('Auth', 'AuthEnable', {}, false)
      admin.close()
      const { endpoints } = cluster
      await expect(openEtcdStore({ endpoints })).rejects.toThrow('does not let us in')
      await expect(openEtcdStore({ endpoints, username: 'root', password: 'wrong' })).rejects.toThrow(
        'does not let us in',
      )
      const store = await openEtcdStore({ endpoints, username: 'root', password: 'secret' })
      const stop = new AbortController()
      const watch = store.watch('', await store.revision(), stop.signal)[Symbol.asyncIterator]()
      const revision = await put(store, '/a', '1', 0n)
      expect((await watch.next()).value?.revision).toBe(revision)
      await store[Symbol.asyncDispose]()
    } finally {
      await cluster.stop()
    }
  })
})
