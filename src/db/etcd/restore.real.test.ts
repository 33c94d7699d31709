import { expect, it } from 'vitest'
import { Compacted, type Versioned } from '../store.ts'
import { openEtcdStore } from './etcd-store.ts'
import { restoreEtcd } from './restore.ts'
import { EtcdCluster } from './testing/cluster.ts'

it('a restored etcd has every entry, goes on above the revision that it was given, and knows nothing before it', async () => {
  const cluster = await EtcdCluster.start(1)
  try {
    const revision = 3000n
    const entries: Versioned[] = Array.from({ length: 1000 }, (_, n) => ({
      key: `/registry/${String(n).padStart(4, '0')}`,
      value: new Uint8Array(Buffer.alloc(n === 7 ? 1_200_000 : 300, `${n} `)),
      revision: BigInt(n + 1),
      created: 1n,
    }))
    await restoreEtcd(cluster, entries, revision)
    await using store = await openEtcdStore({ endpoints: cluster.endpoints })
    const listing = await store.list('')
    expect(listing.revision).toBe(revision)
    const contents = (list: Versioned[]) => list.map(({ key, value }) => [key, Buffer.from(value).toString('latin1')])
    expect(contents(listing.entries)).toEqual(contents(entries))
    expect(listing.entries.every(e => e.revision > revision - 20n && e.revision <= revision)).toBe(true)
    await expect(store.list('', { at: revision - 1n })).rejects.toBeInstanceOf(Compacted)
    const next = await store.commit([{ key: '/new', value: new Uint8Array([1]) }], new Map([['/new', 0n]]))
    expect(next).toBe(revision + 1n)
    await expect(restoreEtcd(cluster, entries, revision)).rejects.toThrow('was used before')
  } finally {
    await cluster.stop()
  }
})
