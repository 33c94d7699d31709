/**
 * What a create costs the processor without sockets and disk: the handler over a memory store, all admission.
 *   npx tsx bench/apiserver.ts [batches of 1,000, default 10]
 */
import { createApiServer } from '../src/apiserver/index.ts'
import { systemClock } from '../src/base/clock.ts'
import { silentLogger } from '../src/base/logger.ts'
import { systemRandom } from '../src/base/random.ts'
import { openMemoryStore } from '../src/db/index.ts'
import { largePod, type PodText, plainPod } from './support/pod-text.ts'
import { inFlight, median } from './support/statistics.ts'

// The system clock's timers do not keep a process alive; this one does.
setInterval(() => {}, 1_000)
const batches = Number(process.argv[2] ?? 10)
const store = await openMemoryStore()
const server = await createApiServer({ store, clock: systemClock, random: systemRandom, log: silentLogger })
const user = { username: 'admin', groups: ['system:masters'] }
const { signal } = new AbortController()
const headers = { 'content-type': 'application/json' }
let made = 0

async function create(text: PodText): Promise<void> {
  const body = Buffer.from(text(`p${made++}`))
  const request = { method: 'POST', url: '/api/v1/namespaces/default/pods', headers, user, signal, body }
  const { status } = await server.handler(request)
  if (status !== 201) throw new Error(`a create answered ${status}`)
}

async function measure(name: string, text: PodText): Promise<void> {
  const micros: number[] = []
  for (let batch = -2; batch < batches; batch++) {
    const before = process.cpuUsage()
    await inFlight(64, 1_000, () => create(text))
    const used = process.cpuUsage(before)
    if (batch >= 0) micros.push((used.user + used.system) / 1_000)
  }
  console.log(
    `a create of a ${name} pod in process, all threads: median ${median(micros).toFixed(0)} µs of processor time, best ${Math.min(...micros).toFixed(0)} µs`,
  )
}

await measure('plain', plainPod)
await measure('large', largePod)
process.exit(0)
