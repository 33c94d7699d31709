import { systemClock } from '../../base/clock.ts'
import { type Revision, StoreFailed } from '../store.ts'
import { everything } from './feed.ts'
import type { Header } from './messages.ts'
import { type EtcdConnection, EtcdRpc } from './rpc.ts'

/*
 * How a new etcd comes to a revision: it counts its changes one by one, so each revision costs a write.
 */

/** Where revisions that no longer matter are spent: a key of our own that is not shown. */
const fillKey = Buffer.from('\u0001fill')
/** In flight, where order does not matter. */
const fillers = 256
/** etcd has no other way to a revision than one write for each, some 10,000 a second: more than this takes more than some hours. */
const mostFilled = 100_000_000n
/** What was filled is forgotten on the way, so that etcd never has much of it on its disk. */
const compactEvery = 200_000n
/** etcd's first change has this revision. */
export const firstRevision = 2n

/**
 * Has a new etcd filled up to `revision`, all of whose past is forgotten then.
 * @throws StoreFailed if etcd is not new, or the revision too large
 */
export async function fillNewEtcd(
  connection: EtcdConnection,
  revision: Revision,
  write: (rpc: EtcdRpc) => Promise<void>,
): Promise<void> {
  checkReachable(revision)
  const rpc = new EtcdRpc(connection, systemClock)
  try {
    await checkNew(rpc)
    await write(rpc)
    await compact(rpc, revision < firstRevision ? firstRevision : revision)
  } finally {
    rpc.close()
  }
}

/** @throws StoreFailed if it would take longer than anybody waits */
function checkReachable(revision: Revision): void {
  if (revision > mostFilled)
    throw new StoreFailed(`the store is at revision ${revision}; only up to ${mostFilled} can be moved to etcd`, {
      hint: 'Create the objects anew in a cluster on etcd: "optiflow get … -o yaml", then apply.',
    })
}

/** @throws StoreFailed if etcd was used before */
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

/** Spends the revisions from `next` up to, but not including, `end`. */
export async function fill(
  rpc: EtcdRpc,
  next: Revision,
  end: Revision,
  onProgress: (done: Revision) => void,
): Promise<void> {
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
