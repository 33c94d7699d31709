/*
 * Commits of 1.6 KB by a named author with a check of the seen revision, at 1, 64 and 512 in flight, and lists of 2,000, through our etcd
 * engine beside bare gRPC calls of the same transactions; in turns. Starts an etcd of its own on loopback.
 *   npx tsx bench/etcd.ts [slices] [seconds per slice]
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { systemClock } from '../src/base/clock.ts'
import { compareTarget, equal } from '../src/db/etcd/messages.ts'
import { EtcdRpc } from '../src/db/etcd/rpc.ts'
import { EtcdCluster } from '../src/db/etcd/testing/cluster.ts'
import { openEtcdStore, type Revision } from '../src/db/index.ts'

const slices = Number(process.argv[2] ?? 5)
const seconds = Number(process.argv[3] ?? 0.7)
const cluster = await EtcdCluster.start(1)
const store = await openEtcdStore({ endpoints: cluster.endpoints })
const rpc = new EtcdRpc({ endpoints: cluster.endpoints }, systemClock)
const value = new Uint8Array(randomBytes(1600))
const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!
const round = (n: number) => Math.round(n).toLocaleString('en')

type Commit = (key: string, seen: bigint) => Promise<Revision>
const author = { user: 'system:serviceaccount:kube-system:deployment-controller', request: randomUUID() }
const ours: Commit = (key, seen) => store.commit([{ key, value }], new Map([[key, seen]]), author)
const raw: Commit = async (name, seen) => {
  const key = Buffer.from(name)
  const compare =
    seen === 0n
      ? { result: equal, target: compareTarget.create, key, create_revision: '0' }
      : { result: equal, target: compareTarget.mod, key, mod_revision: `${seen}` }
  const request = { compare: [compare], success: [{ request_put: { key, value } }], failure: [] }
  const { header } = await rpc.unary<{ header: { revision: string } }>('KV', 'Txn', request, false)
  return BigInt(header.revision)
}

async function slice(commit: Commit, inFlight: number, prefix: string, seen: Map<string, bigint>): Promise<number[]> {
  const latencies: number[] = []
  const end = performance.now() + seconds * 1000
  await Promise.all(
    Array.from({ length: inFlight }, async (_, client) => {
      // Each has keys of its own: no key is in flight twice.
      for (let now = performance.now(), n = 0; now < end; n++) {
        const key = `/bench/${prefix}/${client + inFlight * (n % Math.ceil(2000 / inFlight))}`
        seen.set(key, await commit(key, seen.get(key) ?? 0n))
        latencies.push(performance.now() - now)
        now = performance.now()
      }
    }),
  )
  return latencies
}

for (const inFlight of [1, 64, 512]) {
  const shares: number[] = []
  const rates: number[] = []
  const times: number[] = []
  const seen = { ours: new Map<string, bigint>(), raw: new Map<string, bigint>() }
  for (let i = 0; i < slices; i++) {
    const bare = await slice(raw, inFlight, `raw-${inFlight}`, seen.raw)
    const through = await slice(ours, inFlight, `ours-${inFlight}`, seen.ours)
    shares.push((through.length / bare.length) * 100)
    rates.push(through.length / seconds)
    times.push(...through)
  }
  times.sort((a, b) => a - b)
  console.log(
    `${String(inFlight).padStart(3)} in flight: ${round(median(rates))}/s, p99 ${times[Math.floor(times.length * 0.99)]!.toFixed(1)} ms; ${round(median(shares))} % of raw etcd`,
  )
}
const lists = { ours: [] as number[], raw: [] as number[] }
for (let i = 0; i < 10; i++) {
  let start = performance.now()
  await store.list('/bench/ours-512/')
  lists.ours.push(performance.now() - start)
  start = performance.now()
  await rpc.unary(
    'KV',
    'Range',
    { key: Buffer.from('/bench/ours-512/'), range_end: Buffer.from('/bench/ours-5120') },
    true,
  )
  lists.raw.push(performance.now() - start)
}
console.log(`list of 2,000: median ${median(lists.ours).toFixed(1)} ms; raw ${median(lists.raw).toFixed(1)} ms`)
rpc.close()
await store[Symbol.asyncDispose]()
await cluster.stop()
