import { systemClock } from '../../base/clock.ts'
import { mostChanges } from '../change.ts'
import { type Revision, StoreFailed, type Versioned } from '../store.ts'
import { everything } from './feed.ts'
import type { Header, TxnRequest } from './messages.ts'
import { type EtcdConnection, EtcdRpc } from './rpc.ts'
import { sign } from './signed.ts'

/** Where revisions that no longer matter are spent: a key of our own that is not shown. */
const fillKey = Buffer.from('\u0001fill')
/** In flight, where order does not matter. */
const fillers = 256
/** etcd has no other way to a revision than one write for each, some 10,000 a second: more than this takes more than some hours. */
const mostFilled = 100_000_000n
/** What was filled is forgotten on the way, so that etcd never has much of it on its disk. */
const compactEvery = 200_000n
/** etcd's first change has this revision. */
const firstRevision = 2n

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
  if (revision > mostFilled)
    throw new StoreFailed(`the store is at revision ${revision}; only up to ${mostFilled} can be moved to etcd`, {
      hint: 'Create the objects anew in a cluster on etcd: "optiflow get … -o yaml", then apply.',
    })
  const rpc = new EtcdRpc(connection, systemClock)
  try {
    await checkNew(rpc)
    const plan = planOf(entries)
    let next = firstRevision
    for (const [at, puts] of [...plan].sort(([a], [b]) => (a < b ? -1 : 1))) {
      await fill(rpc, next, at, onProgress)
      await commit(rpc, puts, at)
      next = at + 1n
      onProgress(at)
    }
    if (next <= revision) await fill(rpc, next, revision + 1n, onProgress)
    await compact(rpc, revision < firstRevision ? firstRevision : revision)
  } finally {
    rpc.close()
  }
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

async function checkNew(rpc: EtcdRpc): Promise<void> {
  const answer = await rpc.unary<{ header: Header; count: string }>(
    'KV',
    'Range',
    { ...everything, count_only: true },
    true,
  )
  if (Number(answer.count) > 0 || BigInt(answer.header.revision) >= firstRevision)
    throw new StoreFailed(`etcd at ${rpc.endpoint} was used before (revision ${answer.header.revision})`, {
      hint: 'Start a new etcd cluster with empty data folders: revisions can be kept only there.',
    })
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

/** Spends the revisions from `next` up to, but not including, `end`. */
async function fill(rpc: EtcdRpc, next: Revision, end: Revision, onProgress: (done: Revision) => void): Promise<void> {
  for (let at = next; at < end; ) {
    const count = end - at < compactEvery ? end - at : compactEvery
    await fillSome(rpc, Number(count))
    at += count
    onProgress(at - 1n)
    if (count === compactEvery) await compact(rpc, at - 1n)
  }
}

/** A member that has it already refuses, which is as well. */
async function compact(rpc: EtcdRpc, revision: Revision): Promise<void> {
  await rpc.unary('KV', 'Compact', { revision: `${revision}` }, true).catch(() => {})
}

async function fillSome(rpc: EtcdRpc, count: number): Promise<void> {
  let left = count
  const one = async () => {
    while (left > 0) {
      left--
      await rpc.unary('KV', 'Put', { key: fillKey, value: Buffer.alloc(0) }, false)
    }
  }
  await Promise.all(Array.from({ length: Math.min(fillers, left) }, one))
}
