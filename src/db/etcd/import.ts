import { mostChanges } from '../change.ts'
import { type Revision, StoreFailed, type Versioned } from '../store.ts'
import { fill, fillNewEtcd, firstRevision } from './fill.ts'
import type { Header, TxnRequest } from './messages.ts'
import type { EtcdConnection, EtcdRpc } from './rpc.ts'
import { sign } from './signed.ts'

interface Put {
  key: string
  value: Uint8Array
}

/**
 * Writes entries into an empty etcd so that each has the revisions that it had: etcd counts changes one by one, so those
 * in between are spent on a key that nobody sees. What was written at revision 1 is then of revision 2.
 * @throws StoreFailed if etcd is not new, or the revision too large
 */
export async function importEtcd(
  connection: EtcdConnection,
  entries: readonly Versioned[],
  revision: Revision,
  onProgress: (done: Revision) => void = () => {},
): Promise<void> {
  await fillNewEtcd(connection, revision, async rpc => {
    const plan = planOf(entries)
    let next = firstRevision
    for (const [at, puts] of [...plan].sort(([a], [b]) => (a < b ? -1 : 1))) {
      await fill(rpc, next, at, onProgress)
      await commit(rpc, puts, at)
      next = at + 1n
      onProgress(at)
    }
    if (next <= revision) await fill(rpc, next, revision + 1n, onProgress)
  })
}

/** As etcd shows an entry after its import. */
export function asImported(entry: Versioned): Versioned {
  const from = (r: Revision) => (r < firstRevision ? firstRevision : r)
  return { ...entry, revision: from(entry.revision), created: from(entry.created) }
}

/** What to write at each revision: a key when it was made, and again when it was last changed. */
function planOf(entries: readonly Versioned[]): Map<Revision, Put[]> {
  const plan = new Map<Revision, Put[]>()
  const add = (at: Revision, put: Put) => {
    const puts = plan.get(at)
    if (puts) puts.push(put)
    else plan.set(at, [put])
  }
  for (const entry of entries) {
    const { key, value, revision, created } = asImported(entry)
    if (created < revision) add(created, { key, value: new Uint8Array(0) })
    add(revision, { key, value })
  }
  return plan
}

async function commit(rpc: EtcdRpc, puts: Put[], at: Revision): Promise<void> {
  if (puts.length > mostChanges) throw new StoreFailed(`revision ${at} has ${puts.length} changes`)
  const request: TxnRequest = {
    compare: [],
    success: puts.map(({ key, value }) => ({ request_put: { key: Buffer.from(key), value: sign(value, undefined) } })),
    failure: [],
  }
  const { header } = await rpc.unary<{ header: Header }>('KV', 'Txn', request, false)
  if (BigInt(header.revision) !== at)
    throw new StoreFailed(`etcd is at revision ${header.revision} instead of ${at}: somebody else writes to it`)
}
