import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { silentLogger } from '../base/logger.ts'
import { EtcdCluster } from '../db/etcd/testing/cluster.ts'
import { Compacted, openEtcdStore, openSqliteStore, pagesOf, type Store, type Versioned } from '../db/index.ts'
import { systemOutside } from './outside.ts'
import { resolveSettings } from './settings.ts'
import { sqlitePathOf } from './store.ts'
import { moveStore } from './store-migration.ts'

const folder = mkdtempSync(join(tmpdir(), 'optiflow-move-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const outside = systemOutside(silentLogger)

function settings(store: string, dataDir: string) {
  const machine = { root: false, containerd: false, hostname: 'test' }
  return resolveSettings({ flags: { store, 'data-dir': join(folder, dataDir) }, env: {}, machine })
}

async function entriesOf(store: Store): Promise<Versioned[]> {
  const all: Versioned[] = []
  for await (const page of pagesOf(store, await store.revision())) all.push(...page)
  await store[Symbol.asyncDispose]()
  return all
}

it('a store moves from SQLite to etcd and back, and every object keeps its revisions', async () => {
  const cluster = await EtcdCluster.start(1)
  try {
    const first = await openSqliteStore({ path: sqlitePathOf(join(folder, 'first')) })
    const commit = (key: string, text: string | undefined) =>
      first.commit([{ key, value: text === undefined ? undefined : new Uint8Array(Buffer.from(text)) }], new Map())
    await commit('/cluster/id', 'x')
    for (let i = 0; i < 3000; i++) await commit(`/registry/core/pods/default/p${i % 400}`, `state ${i}`)
    for (let i = 0; i < 400; i += 7) await commit(`/registry/core/pods/default/p${i}`, undefined)
    const revision = await first.revision()
    const before = await entriesOf(first)

    const etcd = `etcd=${cluster.endpoints.join(',')}`
    const there = await moveStore(settings('sqlite', 'first'), settings(etcd, 'first'), outside)
    expect(there).toMatchObject({ entries: before.length, revision })
    const moved = await openEtcdStore({ endpoints: cluster.endpoints })
    expect(await moved.revision()).toBe(revision)
    await expect(moved.get('/cluster/id', revision - 1n)).rejects.toBeInstanceOf(Compacted)
    const next = await moved.commit([{ key: '/new', value: new Uint8Array([1]) }], new Map([['/new', 0n]]))
    expect(next).toBe(revision + 1n)
    const inEtcd = await entriesOf(moved)
    // etcd begins with revision 2.
    expect(inEtcd.filter(e => e.revision > 2n && e.key !== '/new')).toEqual(before.filter(e => e.revision > 1n))
    await expect(moveStore(settings('sqlite', 'first'), settings(etcd, 'first'), outside)).rejects.toThrow(
      'was used before',
    )

    const back = await moveStore(settings(etcd, 'second'), settings('sqlite', 'second'), outside)
    expect(back.revision).toBe(next)
    expect(await entriesOf(await openSqliteStore({ path: sqlitePathOf(join(folder, 'second')) }))).toEqual(inEtcd)
  } finally {
    await cluster.stop()
  }
})
