import { type Revision, StoreFailed, type Versioned } from '../store.ts'
import { fill, fillNewEtcd, firstRevision } from './fill.ts'
import type { TxnRequest } from './messages.ts'
import { newestRevision } from './reads.ts'
import type { EtcdConnection, EtcdRpc } from './rpc.ts'
import { sign } from './signed.ts'

/** etcd takes at most so many changes in one request, and 1.5 MB, unless told otherwise. */
const mostPuts = 128
const mostBytes = 1 << 20
/** In flight: their order does not matter. */
const writers = 16

/**
 * Writes entries into an empty etcd, many in one request, so that its newest revision is `revision`. Each then has a revision
 * near that: fine after a restore, when whoever had seen older ones lists again anyway. To keep each one's own see import.ts.
 * @throws StoreFailed if etcd is not new, or the revision too large
 */
export async function restoreEtcd(
  connection: EtcdConnection,
  entries: readonly Versioned[],
  revision: Revision,
  onProgress: (done: Revision) => void = () => {},
): Promise<void> {
  await fillNewEtcd(connection, revision, async rpc => {
    const batches = batchesOf(entries)
    await fill(rpc, firstRevision, revision + 1n - BigInt(batches.length), onProgress)
    await writeAll(rpc, batches)
    const newest = await newestRevision(rpc)
    if (newest !== revision)
      throw new StoreFailed(`etcd is at revision ${newest} instead of ${revision}: somebody else writes to it`)
    onProgress(revision)
  })
}

/** As many entries together as etcd takes in one request. */
export function batchesOf(entries: readonly Versioned[]): Versioned[][] {
  const batches: Versioned[][] = []
  let bytes = 0
  for (const entry of entries) {
    const size = entry.key.length + entry.value.length
    const last = batches.at(-1)
    if (last && last.length < mostPuts && bytes + size <= mostBytes) last.push(entry)
    else {
      batches.push([entry])
      bytes = 0
    }
    bytes += size
  }
  return batches
}

async function writeAll(rpc: EtcdRpc, batches: readonly Versioned[][]): Promise<void> {
  let next = 0
  const one = async () => {
    for (let batch = batches[next++]; batch; batch = batches[next++])
      await rpc.unary('KV', 'Txn', requestOf(batch), false)
  }
  await Promise.all(Array.from({ length: writers }, one))
}

function requestOf(batch: readonly Versioned[]): TxnRequest {
  const success = batch.map(({ key, value }) => ({
    request_put: { key: Buffer.from(key), value: sign(value, undefined) },
  }))
  return { compare: [], success, failure: [] }
}
