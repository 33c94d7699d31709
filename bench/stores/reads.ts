import { join } from 'node:path'
import type { EtcdRpc } from '../../src/db/etcd/rpc.ts'
import { openSqliteStore, type Store } from '../../src/db/index.ts'
import { median } from '../support/statistics.ts'
import { folder, nextValue, text, timed } from './load.ts'
import { openSqlite } from './raw-rows.ts'

const listed = 10_000
const times = 5
const [first, afterFirst] = ['/registry/pods/n0/', '/registry/pods/n00']

async function fill(store: Store, count: number, from = 0): Promise<void> {
  const namespaces = Math.max(1, Math.floor(count / listed))
  for (let i = from; i < from + count; i += 500)
    await Promise.all(
      Array.from({ length: 500 }, (_, j) =>
        store.commit([{ key: `/registry/pods/n${(i + j) % namespaces}/pod-${i + j}`, value: nextValue() }], new Map()),
      ),
    )
}

async function turns(ways: Record<string, () => unknown>): Promise<string> {
  const all = Object.entries(ways).map(([name, work]) => ({ name, work, ms: [] as number[] }))
  for (let i = 0; i < times; i++) for (const { work, ms } of all) ms.push(await timed(work))
  return all.map(({ name, ms }) => `${name} ${text(median(ms), 1)} ms`).join(', ')
}

/** Lists of 10,000, now and as of 10,000 changes ago, and the start with all objects, beside the same reads in SQL. */
export async function sqliteReads(count: number): Promise<void> {
  const path = join(folder, 'reads.db')
  const store = await openSqliteStore({ path })
  await fill(store, count)
  const then = await store.revision()
  await fill(store, Math.min(count, 10_000))
  const raw = openSqlite(path)
  const sql = (where: string) => raw.prepare(`SELECT h.key, l.value FROM heads h JOIN log l USING (position) ${where}`)
  const range = sql('WHERE h.key >= ? AND h.key < ?')
  const lists = await turns({
    ours: () => store.list(first),
    'as of 10,000 changes ago': () => store.list(first, { at: then }),
    'raw SQLite': () => range.all(first, afterFirst),
  })
  console.log(`SQLite, list of ${text(Math.min(count, listed))} of ${text(count)}: ${lists}`)
  await store[Symbol.asyncDispose]()
  const starts = await turns({
    ours: async () => {
      await using again = await openSqliteStore({ path })
      await again.list('')
    },
    'raw SQLite reads them in': () => sql('').all(),
  })
  raw.close()
  console.log(`SQLite, start with ${text(count)} objects until all are read: ${starts}`)
}

/** The same lists on etcd, beside one bare Range. */
export async function etcdReads(store: Store, rpc: EtcdRpc): Promise<void> {
  await fill(store, listed)
  const then = await store.revision()
  await fill(store, 1000)
  const range = (more: object) =>
    rpc.unary('KV', 'Range', { key: Buffer.from(first), range_end: Buffer.from(afterFirst), ...more }, true)
  const lists = await turns({
    ours: () => store.list(first),
    'raw etcd': () => range({}),
    'ours as of 1,000 changes ago': () => store.list(first, { at: then }),
    'raw etcd then': () => range({ revision: `${then}` }),
  })
  console.log(`etcd,   list of ${text(listed)}: ${lists}`)
}
