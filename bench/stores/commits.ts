import { statSync } from 'node:fs'
import { join } from 'node:path'
import { compareTarget, equal } from '../../src/db/etcd/messages.ts'
import type { EtcdRpc } from '../../src/db/etcd/rpc.ts'
import { openSqliteStore, type Revision, type Store } from '../../src/db/index.ts'
import { ownProcessorMs } from '../support/process-use.ts'
import { median, percentile } from '../support/statistics.ts'
import { author, Concurrent, type Contender, folder, nextValue, text } from './load.ts'
import { RawSqlite } from './raw-sqlite.ts'
import { rawThread } from './raw-thread.ts'

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
    const thread = await rawThread(width, join(folder, `thread-${width}.db`))
    const hop = await rawThread(width)
    const raws = {
      'raw SQLite with the same rows': same,
      'the same on a thread behind messages': thread,
      'with a log of keys and values only': logOnly,
    }
    const line = await compare(ours, raws, turns)
    await hop.slice(turns.seconds)
    await store[Symbol.asyncDispose]()
    for (const raw of [same, thread, logOnly, hop]) await raw.close()
    const p50 = (all: number[]) => `${text(percentile(all, 0.5) * 1000)} µs`
    console.log(
      `bare,   ${String(width).padStart(3)} in flight: to a thread and back p50 ${p50(hop.latencies)}, ` +
        `with a bare commit there ${p50(thread.latencies)}`,
    )
    const bytes = statSync(path).size / ours.latencies.length
    console.log(`SQLite, ${String(width).padStart(3)} in flight: ${line}; ${text(bytes)} bytes of file per commit`)
  }
}

/** The same through the etcd engine and in bare gRPC calls of the same transactions to an etcd that nobody watches. */
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
  const all = new Measured(ours)
  const raw = Object.entries(raws).map(([name, contender]) => ({ name, measured: new Measured(contender) }))
  for (let i = 0; i < turns.slices; i++) {
    for (const { measured } of raw) await measured.slice(turns.seconds)
    await all.slice(turns.seconds)
  }
  const at = (share: number) => text(percentile(ours.latencies, share), 2)
  const reached = raw.map(({ name, measured }) => `${text(median(all.sharesOf(measured)))} % of ${name}`)
  const [first] = raw
  return (
    `${text(median(all.rates))}/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, worst ${at(1)} ms; ${reached.join(', ')}; ` +
    `processor time of a commit: main thread ${all.mainMicros} µs, other threads ${all.otherMicros} µs (${first!.name}: ${first!.measured.mainMicros} µs)`
  )
}

/** A contender, with what its slices took. */
class Measured {
  readonly rates: number[] = []
  readonly #contender: Contender
  #commits = 0
  #main = 0
  #others = 0

  constructor(contender: Contender) {
    this.#contender = contender
  }

  async slice(seconds: number): Promise<void> {
    const [before, start] = [ownProcessorMs(), performance.now()]
    const rate = await this.#contender.slice(seconds)
    const after = ownProcessorMs()
    this.rates.push(rate)
    this.#commits += (rate * (performance.now() - start)) / 1000
    this.#main += after.main - before.main
    this.#others += after.others - before.others
  }

  sharesOf(other: Measured): number[] {
    return this.rates.map((rate, i) => (rate / other.rates[i]!) * 100)
  }

  get mainMicros(): string {
    return text((this.#main / this.#commits) * 1000, 1)
  }

  get otherMicros(): string {
    return text((this.#others / this.#commits) * 1000, 1)
  }
}
