/*
 * A process of its own for tests: opens the store, writes from many sides at once and says on its standard output what
 * was acknowledged, as `key revision value` lines. Ends by itself after `limit` commits (0: never).
 * Usage: load.ts PATH ROUND LIMIT
 */
import { once } from 'node:events'
import { openSqliteStore } from '../sqlite-store.ts'

const [path, round, limit] = process.argv.slice(2)
const store = await openSqliteStore({ path: path! })
let count = 0
process.stdout.setMaxListeners(64)
/** So many at once have a thread of its own sync the log. */
const writers = 40
const filler = 'x'.repeat(1000)

async function write(writer: number): Promise<void> {
  for (let n = 0; limit === '0' || count < Number(limit); n++) {
    const key = `/load/${writer}/${n % 50}`
    const value = `${round}-${n}`
    const revision = await store.commit([{ key, value: Buffer.from(`${value} ${filler}`) }], new Map())
    count++
    // The reader may be slower than the store: a full pipe is waited for.
    if (!process.stdout.write(`${key} ${revision} ${value}\n`)) await once(process.stdout, 'drain')
  }
}

await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)))
await store[Symbol.asyncDispose]()
process.stdout.write('disposed\n')
