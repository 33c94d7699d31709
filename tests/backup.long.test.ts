import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { EtcdCluster } from '../src/db/etcd/testing/cluster.ts'
import { openEtcdStore, openSqliteStore, type Store } from '../src/db/index.ts'
import { Cluster } from './support/cluster.ts'
import { configMap } from './support/manifests.ts'
import { onPath } from './support/processes.ts'

async function contents(store: Store) {
  const { entries } = await store.list('/registry/core/')
  const revision = await store.revision()
  await store[Symbol.asyncDispose]()
  return { keys: entries.map(e => e.key), revision }
}

it.skipIf(!onPath('etcd'))(
  'a backup is restored into a new etcd, which then moves to SQLite with every revision',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'optiflow-backup-'))
    const [file, key, dataDir] = ['a.backup', 'key', 'data'].map(name => join(folder, name)) as [string, string, string]
    const etcd = await EtcdCluster.start(1)
    const cluster = await Cluster.start({ nodes: 1 })
    const run = async (...args: string[]) => {
      const { code, out, err } = await cluster.optiflow(args, { timeoutMs: 600_000 })
      return { code, text: `${out}${err}` }
    }
    try {
      writeFileSync(key, 'a key file of the administrator')
      await run('apply', '-f', await cluster.file('map.json', JSON.stringify(configMap('kept', { n: '1' }))))
      await run('backup', file, '--key-file', key)
      const engine = `etcd=${etcd.endpoints.join(',')}`
      const restored = await run('restore', file, '--key-file', key, '--store', engine, '--data-dir', dataDir)
      expect(restored).toMatchObject({ code: 0, text: expect.stringContaining('revisions go on from') })
      const inEtcd = await contents(await openEtcdStore({ endpoints: etcd.endpoints }))
      expect(inEtcd.keys).toContain('/registry/core/configmaps/default/kept')
      expect(inEtcd.revision).toBeGreaterThan(50_000n)
      const moved = await run('store', 'migrate', '--from', engine, '--to', 'sqlite', '--data-dir', dataDir)
      expect(moved).toMatchObject({ code: 0, text: expect.stringContaining('SHA-256') })
      expect(await contents(await openSqliteStore({ path: join(dataDir, 'store/state.db') }))).toEqual(inEtcd)
    } finally {
      await cluster[Symbol.asyncDispose]()
      await etcd.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  },
)
