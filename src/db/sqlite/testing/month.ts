/*
 * A process of its own that lives through weeks of a small cluster in a minute: nodes renew their Leases and write their statuses,
 * Events come and go, pods are made, changed and deleted; the clock is virtual, the file real. After each day it says how large
 * everything is, as a line of JSON.   month.ts PATH DAYS
 */
import { readdirSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { seededRandom } from '../../../base/random.ts'
import { VirtualClock } from '../../../base/virtual-clock.ts'
import { openSqliteStore, type SqliteStore } from '../sqlite-store.ts'

/** Sizes at the end of a day, in bytes. */
export interface Day {
  /** Everything that lies in the store's folder under its name, but the reserve. */
  files: Record<string, number>
  /** Pages in use and free ones inside the file. */
  used: number
  free: number
  /** Revisions that are kept. */
  kept: number
  memory: number
}

const nodes = 6
const pods = 60
const hourMs = 3_600_000
/** In an hour: renewals of each Lease, with every so manieth a Node's status too; Events; pods changed and deleted. */
const [renewals, statusEvery, events, changes, deletions] = [90, 8, 60, 10, 3]
const eventHours = 24
const names = 500

const [path = '', days = '1'] = process.argv.slice(2)
/** How long history is kept. */
const keptMs = 2 * 24 * hourMs
const clock = new VirtualClock()
const random = seededRandom(31)
// Upkeep rests for as long as it takes the processor, not for as long as its hour is.
const rested = {
  now: () => clock.now(),
  monotonicMs: () => Math.ceil(performance.now()),
  schedule: clock.schedule.bind(clock),
}
const store = await openSqliteStore({
  path,
  clock: rested,
  history: { ageMs: keptMs },
  checkpointPages: 500,
  reserveBytes: 0,
})
const text = (length: number) => Buffer.from(random.next().toString(36).repeat(length)).toString('base64', 0, length)
const [lease, status] = [text(500), text(3000)]

for (let day = 1; day <= Number(days); day++) {
  for (let hour = 0; hour < 24; hour++) {
    await live((day - 1) * 24 + hour)
    await clock.advance(hourMs)
    await whileTimePasses(store.swept())
  }
  process.stdout.write(`${JSON.stringify(await measure(store))}\n`)
}
await store[Symbol.asyncDispose]()

/** All that happens in an hour, some of it at once. */
async function live(hour: number): Promise<void> {
  const startMs = clock.now()
  const work: Promise<unknown>[] = []
  for (let n = 0; n < renewals; n++) {
    const now = startMs + (n * hourMs) / renewals
    work.push(...each(nodes, i => put(`/leases/node-${i}`, `${now} ${lease} ${now}`)))
    if (n % statusEvery === 0) work.push(...each(nodes, i => put(`/nodes/node-${i}`, `${now} ${status} ${now}`)))
  }
  work.push(
    ...each(events, n => put(`/events/${hour}-${n}`, text(700))),
    ...each(changes, () => put(`/pods/pod-${anyPod()}`, text(2000))),
    ...each(hour < eventHours ? 0 : events, n => remove(`/events/${hour - eventHours}-${n}`)),
    ...each(deletions, () => remove(`/pods/pod-${anyPod()}`)),
  )
  await Promise.all(work)
}

/** What upkeep waits for is virtual time. */
async function whileTimePasses(upkeep: Promise<void>): Promise<void> {
  let over = false
  const waited = upkeep.finally(() => {
    over = true
  })
  while (!over) await clock.advance(20)
  await waited
}

function anyPod(): number {
  return Math.floor(random.next() * pods)
}

function each(count: number, work: (i: number) => Promise<unknown>): Promise<unknown>[] {
  return Array.from({ length: count }, (_, i) => work(i))
}

/** By a few users who stay and many who come and go, as the service accounts of short-lived namespaces do. */
function put(key: string, value: string): Promise<unknown> {
  const user = `user-${Math.floor(random.next() * names)}`
  return store.commit([{ key, value: new Uint8Array(Buffer.from(value)) }], new Map(), { user, request: text(20) })
}

function remove(key: string): Promise<unknown> {
  return store.commit([{ key, value: undefined }], new Map())
}

async function measure(store: SqliteStore): Promise<Day> {
  const { usedBytes: used, freeBytes: free, oldest, revision } = await store.usage()
  const folder = dirname(path)
  const own = readdirSync(folder).filter(name => name.startsWith(basename(path)))
  const files = Object.fromEntries(own.map(name => [name, statSync(join(folder, name)).size]))
  gc?.()
  return { files, used, free, kept: revision - oldest, memory: process.memoryUsage().rss }
}
