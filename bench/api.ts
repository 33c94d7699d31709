/*
 * The API server over HTTPS with a durable store, as clients see it: creates (1.5 KB pods, 64 in flight), reads of one pod, a
 * list of 10,000, and how long an event takes to reach 1,000 watchers. The server is a process of its own; on two cores
 * it shares them with this client, so the server's CPU time per request is printed beside the rates.
 *   npx tsx bench/api.ts [seconds] [sqlite|memory]
 */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { Agent, type Dispatcher } from 'undici'
import { createApiServer } from '../src/apiserver/index.ts'
import { createAuthority, issueCertificate } from '../src/base/certificates.ts'
import { systemClock } from '../src/base/clock.ts'
import { openMemoryStore, openSqliteStore } from '../src/db/index.ts'

const token = 'bench'

async function serve(): Promise<void> {
  const folder = process.argv[2]!
  const ca = await createAuthority('bench', systemClock)
  const pair = await issueCertificate(ca, { commonName: 'api', ips: ['127.0.0.1'], usages: ['server'] }, systemClock)
  const store =
    process.argv[3] === 'memory' ? await openMemoryStore() : await openSqliteStore({ path: join(folder, 'x.db') })
  const api = await createApiServer({ store, tokens: { [token]: { username: 'bench', groups: ['system:masters'] } } })
  const { url } = await api.listen({ host: '127.0.0.1', port: 0, tls: { ...pair, clientCa: ca.cert } })
  process.on('message', message => {
    if (message === 'usage') process.send!({ cpu: process.cpuUsage(), rss: process.memoryUsage().rss })
    else
      void api
        .close()
        .then(() => store[Symbol.asyncDispose]())
        .then(() => process.exit(0))
  })
  process.send!({ url })
}

interface Usage {
  cpu: NodeJS.CpuUsage
  rss: number
}

function ask(child: ChildProcess, message?: string): Promise<any> {
  return new Promise(resolve => {
    child.once('message', resolve)
    if (message) child.send(message)
  })
}

const pod = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { generateName: 'bench-', labels: { app: 'bench', tier: 'web' }, annotations: { note: 'x'.repeat(700) } },
  spec: {
    containers: [
      {
        name: 'main',
        image: 'registry.local/app:v1',
        command: ['/bin/app', '--flag'],
        env: Array.from({ length: 8 }, (_, i) => ({ name: `E${i}`, value: `value-${i}` })),
        ports: [{ containerPort: 8080 }],
        resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '200m', memory: '128Mi' } },
        readinessProbe: { httpGet: { path: '/', port: 8080 } },
      },
    ],
    volumes: [{ name: 'tmp', emptyDir: {} }],
  },
})

async function measure(seconds: number, engine: string): Promise<void> {
  const folder = mkdtempSync(join(process.env['BENCH_FOLDER'] ?? tmpdir(), 'optiflow-bench-'))
  const child = fork(fileURLToPath(import.meta.url), [folder, engine])
  const { url } = (await ask(child)) as { url: string }
  const agent = new Agent({ connections: 64, pipelining: 1, connect: { rejectUnauthorized: false } })
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const call = async (method: Dispatcher.HttpMethod, path: string, body?: string) => {
    const reply = await agent.request({ origin: url, path, method, headers, body: body ?? null })
    const bytes = await reply.body.arrayBuffer()
    if (reply.statusCode >= 300) throw new Error(`${reply.statusCode} ${Buffer.from(bytes).toString().slice(0, 300)}`)
    return bytes
  }
  const pods = '/api/v1/namespaces/default/pods'
  try {
    const report = async (name: string, one: () => Promise<unknown>, warmUp = 1000) => {
      for (let i = 0; i < warmUp; i += 64) await Promise.all(Array.from({ length: 64 }, one))
      const before = (await ask(child, 'usage')) as Usage
      const times: number[] = []
      const end = performance.now() + seconds * 1000
      await Promise.all(
        Array.from({ length: 64 }, async () => {
          while (performance.now() < end) {
            const start = performance.now()
            await one()
            times.push(performance.now() - start)
          }
        }),
      )
      const after = (await ask(child, 'usage')) as Usage
      times.sort((a, b) => a - b)
      const cpu = (after.cpu.user + after.cpu.system - before.cpu.user - before.cpu.system) / times.length
      const at = (share: number) => times[Math.floor(times.length * share)]!.toFixed(1)
      console.log(
        `${name}: ${Math.round(times.length / seconds)}/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, server CPU ${Math.round(cpu)} µs each, rss ${after.rss >> 20} MiB`,
      )
    }
    await report(`creates (${engine}, ${pod.length} B)`, () => call('POST', pods, pod))
    const { items } = JSON.parse(Buffer.from(await call('GET', `${pods}?limit=1`)).toString())
    await report('gets', () => call('GET', `${pods}/${items[0].metadata.name}`))
    await listed(call, pods)
    await fanOut(url, headers, call)
  } finally {
    child.send('stop')
    await new Promise(resolve => child.once('exit', resolve))
    await agent.destroy()
    rmSync(folder, { recursive: true })
  }
}

type Call = (method: Dispatcher.HttpMethod, path: string, body?: string) => Promise<ArrayBuffer>

async function listed(call: Call, pods: string): Promise<void> {
  const times: number[] = []
  let bytes = 0
  for (let i = 0; i < 10; i++) {
    const start = performance.now()
    bytes = (await call('GET', `${pods}?limit=10000`)).byteLength
    times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)
  console.log(
    `list of up to 10,000: ${(bytes / 1e6).toFixed(1)} MB, median ${times[5]!.toFixed(0)} ms at the client, best ${times[0]!.toFixed(0)} ms`,
  )
}

async function fanOut(origin: string, headers: Record<string, string>, call: Call): Promise<void> {
  const watchers = 1000
  const maps = '/api/v1/namespaces/default/configmaps'
  const streams = new Agent({ connections: watchers, connect: { rejectUnauthorized: false }, bodyTimeout: 0 })
  const stop = new AbortController()
  let heard = 0
  let done = () => {}
  const path = `${maps}?watch=1&resourceVersion=${JSON.parse(Buffer.from(await call('GET', maps)).toString()).metadata.resourceVersion}`
  await Promise.all(
    Array.from({ length: watchers }, async () => {
      const reply = await streams.request({ origin, path, method: 'GET', headers, signal: stop.signal })
      reply.body.on('data', () => {
        if (++heard === watchers) done()
      })
      reply.body.on('error', () => {})
    }),
  )
  const times: number[] = []
  for (let i = 0; i < 10; i++) {
    heard = 0
    const all = new Promise<void>(resolve => {
      done = resolve
    })
    await call('POST', maps, JSON.stringify({ metadata: { generateName: 'fan-' }, data: { k: 'v' } }))
    const start = performance.now()
    await all
    times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)
  console.log(
    `one event to ${watchers} watchers: the last hears it ${times[5]!.toFixed(0)} ms (median) after the writer's answer`,
  )
  stop.abort()
  await streams.destroy()
}

if (process.send) await serve()
else await measure(Number(process.argv[2] ?? 5), process.argv[3] ?? 'sqlite')
