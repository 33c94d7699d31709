import { statSync } from 'node:fs'
import { join } from 'node:path'
import { compareTarget, equal } from '../../src/db/etcd/messages.ts'
import type { EtcdRpc } from '../../src/db/etcd/rpc.ts'
import { openSqliteStore, type Revision, type Store } from '../../src/db/index.ts'
import { median, percentile } from '../support/statistics.ts'
import { author, Concurrent, type Contender, folder, nextValue, text } from './load.ts'
import { RawSqlite } from './raw-sqlite.ts'

const widths = [1, 64, 512]

export interface Turns {
  slices: number
  seconds: number
}

/**
 * Durable commits of 1.6 KB by a named author through the SQLite engine and in bare transactions of as many rows. They take turns in
 * short slices, since a shared machine is never equally fast for long; a share is the median over the slices.
 */
export async function sqliteCommits(turns: Turns): Promise<void> {
  for (const width of widths) {
    const path = join(folder, `store-${width}.db`)
    const store = await openSqliteStore({ path })
    const ours = new Concurrent(width, through(store))
    const [same, logOnly] = [new RawSqlite(width, true), new RawSqlite(width, false)]
    const raws = { 'raw SQLite with the same rows': same, 'with a log of keys and values only': logOnly }
    const line = await compare(ours, raws, turns)
    await store[Symbol.asyncDispose]()
    for (const raw of [same, logOnly]) raw.close()
    const bytes = statSync(path).size / ours.latencies.length
    console.log(`SQLite, ${String(width).padStart(3)} in flight: ${line}; ${text(bytes)} bytes of file per commit`)
  }
}

/** The same through the etcd engine and in bare gRPC calls of the same transactions. */
export async function etcdCommits(turns: Turns, store: Store, rpc: EtcdRpc): Promise<void> {
  for (const width of widths) {
    const prefixed = (prefix: string, commit: ReturnType<typeof through>) =>
      new Concurrent(width, (key, seen) => commit(`/${prefix}-${width}${key}`, seen))
    const ours = prefixed('ours', through(store))
    const line = await compare(ours, { 'raw etcd': prefixed('raw', bare(rpc)) }, turns)
    console.log(`etcd,   ${String(width).padStart(3)} in flight: ${line}`)
  }
}

function through(store: Store) {
  return (key: string, seen: Revision) => store.commit([{ key, value: nextValue() }], new Map([[key, seen]]), author)
}

function bare(rpc: EtcdRpc) {
  return async (name: string, seen: Revision): Promise<Revision> => {
    const key = Buffer.from(name)
    const compare =
      seen === 0n
        ? { result: equal, target: compareTarget.create, key, create_revision: '0' }
        : { result: equal, target: compareTarget.mod, key, mod_revision: `${seen}` }
    const request = { compare: [compare], success: [{ request_put: { key, value: nextValue() } }], failure: [] }
    const { header } = await rpc.unary<{ header: { revision: string } }>('KV', 'Txn', request, false)
    return BigInt(header.revision)
  }
}

async function compare(ours: Concurrent, raws: Record<string, Contender>, turns: Turns): Promise<string> {
  const rates: number[] = []
  const shares: Record<string, number[]> = {}
  for (let i = 0; i < turns.slices; i++) {
    const rawRates: [string, number][] = []
    for (const [name, raw] of Object.entries(raws)) rawRates.push([name, await raw.slice(turns.seconds)])
    const rate = await ours.slice(turns.seconds)
    rates.push(rate)
    for (const [name, raw] of rawRates) (shares[name] ??= []).push((rate / raw) * 100)
  }
  const { latencies, activeMs } = ours
  const at = (share: number) => text(percentile(latencies, share), 2)
  const reached = Object.entries(shares).map(([name, all]) => `${text(median(all))} % of ${name}`)
  return (
    `${text(median(rates))}/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, worst ${at(1)} ms; ${reached.join(', ')}; ` +
    `main thread ${text((activeMs * 1000) / latencies.length, 1)} µs`
  )
}
