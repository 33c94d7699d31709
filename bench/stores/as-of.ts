import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { createApiServer } from '../../src/apiserver/index.ts'
import { openSqliteStore } from '../../src/db/index.ts'
import { ownProcessorMs } from '../support/process-use.ts'
import { folder, text } from './load.ts'

const path = '/api/v1/namespaces/default/configmaps'
const user = { username: 'bench', groups: ['system:masters'] }
const goalMs = 50
const times = 5

/** Reads what it is told to on a thread of its own, so that reading takes nothing from the server's. */
const reader = `
const { parentPort, workerData } = require('node:worker_threads')
parentPort.on('message', path => require('node:http').get({ host: '127.0.0.1', port: workerData, path, headers: { authorization: 'Bearer bench' } }, reply => {
  let bytes = 0
  reply.on('data', chunk => (bytes += chunk.length))
  reply.on('end', () => parentPort.postMessage(bytes))
}))`

/** How long a list of the past through the API holds up everybody else: the longest stretch without a turn of the event loop. */
export async function asOfLists(objects: number, objectBytes: number): Promise<void> {
  await using store = await openSqliteStore({ path: join(folder, `as-of-${objectBytes}.db`) })
  const api = await createApiServer({ store, tokens: { bench: user } })
  const put = async (method: string, i: number, data: string) => {
    const body = Buffer.from(JSON.stringify({ metadata: { name: `map-${i}` }, data: { data } }))
    const headers = { 'content-type': 'application/json' }
    const url = method === 'PUT' ? `${path}/map-${i}` : path
    const { status } = await api.handler({ method, url, headers, body, user, signal: new AbortController().signal })
    if (status >= 300) throw new Error(`${method} ${url} answered ${status}`)
  }
  const filler = 'x'.repeat(objectBytes)
  for (let i = 0; i < objects; i += 100)
    await Promise.all(Array.from({ length: 100 }, (_, j) => put('POST', i + j, `${filler}${i + j}`)))
  const then = await store.revision()
  for (let i = 0; i < objects; i += 5) await put('PUT', i, 'later')
  const { port, close } = await api.listen({ host: '127.0.0.1', port: 0 })
  const client = new Worker(reader, { eval: true, workerData: port })
  const ask = () =>
    new Promise<number>(resolve => {
      client.once('message', resolve)
      client.postMessage(`${path}?asOf=${then}`)
    })
  const holds = new Holds()
  let bytes = 0
  for (let i = 0; i < times; i++) bytes = await ask()
  const { processorMs, wallMs } = holds.end()
  console.log(
    `list of ${text(objects)} objects of the past through the API, ${text(bytes / 1e6, 1)} MB, ${times} times: the event loop is ` +
      `held for at most ${text(processorMs, 1)} ms of processor time (goal ${goalMs}), ${text(wallMs, 1)} ms with what other programs took`,
  )
  await client.terminate()
  await close()
  await api.close()
}

/** The longest stretch between two turns of the event loop, until it ends. */
class Holds {
  #longest = { processorMs: 0, wallMs: 0 }
  #last = { processorMs: ownProcessorMs().main, wallMs: performance.now() }
  #ended = false

  constructor() {
    const turn = () => {
      const now = { processorMs: ownProcessorMs().main, wallMs: performance.now() }
      for (const kind of ['processorMs', 'wallMs'] as const)
        this.#longest[kind] = Math.max(this.#longest[kind], now[kind] - this.#last[kind])
      this.#last = now
      if (!this.#ended) setImmediate(turn)
    }
    setImmediate(turn)
  }

  end(): { processorMs: number; wallMs: number } {
    this.#ended = true
    return this.#longest
  }
}
