/*
 * Reads of the past in a log of a million rows: 1,000 nodes' heartbeats, 10,000 objects that changed now and then, deletions among
 * them. Then lists of the past through the API, and how long they hold up others.   npx tsx bench/history.ts [rows]
 */
import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { seededRandom } from '../src/base/random.ts'
import { VirtualClock } from '../src/base/virtual-clock.ts'
import { openSqliteStore } from '../src/db/index.ts'
import { asOfLists } from './stores/as-of.ts'
import { folder } from './stores/load.ts'

const rows = Number(process.argv[2] ?? 1_000_000)
const [nodes, objects] = [1000, 10_000]
const random = seededRandom(4)
const below = (n: number) => Math.floor(random.next() * n)
const path = join(folder, 'state.db')
const clock = new VirtualClock()
const store = await openSqliteStore({ path, clock })
const filler = 'x'.repeat(1200)

function change(n: number) {
  const [key, size] = random.next() < 0.8 ? [`/leases/node-${n % nodes}`, 400] : [`/pods/pod-${below(objects)}`, 1200]
  const value =
    random.next() < 0.02 ? undefined : new Uint8Array(Buffer.from(`{"n":${n},"text":"${filler.slice(0, size)}"}`))
  return { key, value }
}

let began = performance.now()
const start = clock.now()
for (let n = 0; n < rows; n += 500) {
  await Promise.all(
    Array.from({ length: 500 }, (_, i) =>
      store.commit([change(n + i)], new Map(), { user: 'kubelet', request: `${n}` }),
    ),
  )
  // A thousand changes a second.
  await clock.advance(500)
}
const filledSeconds = (performance.now() - began) / 1000
const newest = Number(await store.revision())

async function median(count: number, read: () => Promise<unknown>): Promise<string> {
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    began = performance.now()
    await read()
    times.push(performance.now() - began)
  }
  times.sort((a, b) => a - b)
  return `${times[count >> 1]!.toFixed(2)} ms (worst ${times.at(-1)!.toFixed(1)})`
}

const anywhere = () => BigInt(1 + below(newest - 1))
console.log(
  `${rows.toLocaleString('en')} rows in ${filledSeconds.toFixed(1)} s, ${Math.round(statSync(path).size / 2 ** 20)} MiB`,
)
console.log(
  `get of a heartbeat as of any revision: ${await median(300, () => store.get(`/leases/node-${below(nodes)}`, anywhere()))}`,
)
console.log(
  `get of an object as of any revision: ${await median(300, () => store.get(`/pods/pod-${below(objects)}`, anywhere()))}`,
)
console.log(`revision of a time: ${await median(300, () => store.revisionAt(start + below(clock.now() - start)))}`)
console.log(
  `list of ${nodes} heartbeats as of any revision: ${await median(20, () => store.list('/leases/', { at: anywhere() }))}`,
)
console.log(
  `list of 500 objects as of any revision: ${await median(20, () => store.list('/pods/', { at: anywhere(), limit: 500 }))}`,
)
console.log(
  `list of all ${objects} objects as of the middle: ${await median(5, () => store.list('/pods/', { at: BigInt(newest >> 1) }))}`,
)
console.log(
  `last 100 changes of a heartbeat: ${await median(100, () => store.changes(`/leases/node-${below(nodes)}`, { limit: 100 }))}`,
)
console.log(`all changes of a heartbeat: ${await median(10, () => store.changes(`/leases/node-${below(nodes)}`))}`)
console.log(`all changes of an object: ${await median(100, () => store.changes(`/pods/pod-${below(objects)}`))}`)
await store[Symbol.asyncDispose]()
await asOfLists(10_000, 2000)
await asOfLists(10_000, 6000)
rmSync(folder, { recursive: true })
