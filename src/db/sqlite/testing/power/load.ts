/*
 * A process of its own whose writes are recorded: opens the store, writes from many sides at once, and says in the file
 * `acks` beside it what was acknowledged (A) and published (P), as lines `A key revision value`. Ends with kill -9 after
 * `limit` commits.   load.ts PATH LIMIT [WORKER]
 */
import { openSync, writeSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { openSqliteStore } from '../../sqlite-store.ts'

const [path, limit, worker] = process.argv.slice(2)
// Few pages between checkpoints, so that many of them are cut in the middle.
const store = await openSqliteStore({
  path: path!,
  checkpointPages: 60,
  reserveBytes: 0,
  ...(worker ? { worker: pathToFileURL(worker) } : {}),
})
const acks = openSync(`${path}.acks`, 'w')
const filler = 'x'.repeat(900)
let count = 0

async function watch(): Promise<void> {
  for await (const batch of store.watch('', 0n, new AbortController().signal))
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
await Promise.all(Array.from({ length: 8 }, (_, writer) => write(writer)))
process.kill(process.pid, 'SIGKILL')
