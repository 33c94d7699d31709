/*
 * A process of its own whose writes are recorded: opens the store, writes from many sides at once, and says in the file
 * `acks` beside it what was acknowledged (A) and published (P), as lines `A key revision value`. Ends with kill -9 after
 * `limit` commits.   load.ts PATH LIMIT WRITERS [WORKER]
 * With many writers it begins to count when the log is synced beside the writing.
 */
import { openSync, writeSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { openSqliteStore } from '../../sqlite-store.ts'

const [path, limit, writers, worker] = process.argv.slice(2)
// Few pages between checkpoints, and few changes until heads are filed, so that many of both are cut in the middle.
const store = await openSqliteStore({
  path: path!,
  checkpointPages: 60,
  reserveBytes: 0,
  headsBehind: 40,
  ...(worker ? { worker: pathToFileURL(worker) } : {}),
})
const acks = openSync(`${path}.acks`, 'w')
const filler = 'x'.repeat(900)
let count = 0

/** So many at once have a thread of its own sync the log. */
const many = 32
if (Number(writers) >= many)
  while (!store.overlapped)
    await Promise.all(
      Array.from({ length: many }, (_, i) =>
        store.commit([{ key: `/warm/${i}`, value: new Uint8Array(9) }], new Map()),
      ),
    )
const start = await store.revision()

async function watch(): Promise<void> {
  for await (const batch of store.watch('', start, new AbortController().signal))
    for (const { key, value } of batch.events)
      writeSync(acks, `P ${key} ${batch.revision} ${Buffer.from(value!).toString().split(' ')[0]}\n`)
}

async function write(writer: number): Promise<void> {
  for (let n = 0; count < Number(limit); n++) {
    const key = `/load/${writer}/${n % 20}`
    const value = `${writer}-${n}`
    // Every third is long and new, so that both differences and whole values are torn.
    const body = n % 3 ? filler : Buffer.from(`${key}${n}`).toString('base64').repeat(40)
    const revision = await store.commit([{ key, value: new Uint8Array(Buffer.from(`${value} ${body}`)) }], new Map())
    writeSync(acks, `A ${key} ${revision} ${value}\n`)
    count++
  }
}

watch().catch(() => {})
await Promise.all(Array.from({ length: Number(writers) }, (_, writer) => write(writer)))
process.kill(process.pid, 'SIGKILL')
