/**
 * What flow control costs a request that it lets in at once, beside the whole of a small GET by the same user.
 *   npx tsx bench/flow-control.ts
 */
import { Registry } from 'prom-client'
import { FlowControl } from '../src/apiserver/flow-control/flow-control.ts'
import { createApiServer } from '../src/apiserver/index.ts'
import { parseRequest } from '../src/apiserver/request-info.ts'
import { openMemoryStore } from '../src/db/index.ts'
import { median } from './support/statistics.ts'

const rounds = 15
const perRound = 5_000
const server = await createApiServer({ store: await openMemoryStore() })
const { signal } = new AbortController()
const user = { username: 'ann', groups: ['system:authenticated'] }
const url = '/version'
const info = parseRequest(url)
const flowControl = new FlowControl({ core: server.core, registry: new Registry() })
const attributes = { user, verb: 'get', path: url }

async function micros(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  for (let i = 0; i < perRound; i++) await work()
  const used = process.cpuUsage(before)
  return (used.user + used.system) / perRound
}

const get = () => server.handler({ method: 'GET', url, headers: {}, user, signal })
const works = { work: async () => 1, refused: () => 0 }
const alone = () => {
  const flow = flowControl.classify(attributes)!
  return flowControl.run(flow, attributes, info, { waitMs: 1_000, signal: () => signal }, works)
}
const [whole, part]: [number[], number[]] = [[], []]
for (let round = -3; round < rounds; round++) {
  const [a, b] = [await micros(get), await micros(alone)]
  if (round < 0) continue
  whole.push(a)
  part.push(b)
}
console.log(
  `flow control: median ${median(part).toFixed(1)} µs of processor time a request; a small GET with it ${median(whole).toFixed(1)} µs`,
)
process.exit(0)
