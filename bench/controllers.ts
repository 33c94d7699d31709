/*
 * How fast controllers are, with the API server on a store in memory and pods that become ready at once, in one process:
 * a full namespace is deleted, a large Deployment is rolled, nothing is to do.   npx tsx bench/controllers.ts [pods] [objects]
 */
import { createApiServer } from '../src/apiserver/index.ts'
import { systemClock } from '../src/base/clock.ts'
import { collectGarbage } from '../src/base/garbage.ts'
import { silentLogger } from '../src/base/logger.ts'
import { systemRandom } from '../src/base/random.ts'
import { createClient, createInformers, inProcessTransport } from '../src/client/index.ts'
import { simulateAgent } from '../src/controller/testing/simulated-agent.ts'
import { openMemoryStore } from '../src/db/index.ts'
import { startControllers } from '../src/main/controllers.ts'
import { allReconcilers } from '../src/main/reconcilers.ts'
import { ConfigMap, Deployment, Namespace, Node, Pod, Secret, ServiceAccount } from '../src/models/kinds/index.ts'

const pods = Number(process.argv[2] ?? 1_000)
const objects = Number(process.argv[3] ?? 10_000)
const clock = systemClock
const outside = { clock, random: systemRandom, log: silentLogger } as Parameters<typeof startControllers>[0]['outside']
const store = await openMemoryStore()
const api = await createApiServer({ store, ...outside })
const admin = { username: 'admin', groups: ['system:masters', 'system:authenticated'] }
const client = createClient(inProcessTransport(api.handler, admin))
const informers = createInformers({ client, ...outside })
simulateAgent({ client, informers, clock, nodes: 100, onError: () => {} })
for (let i = 1; i <= 100; i++) {
  await client.create(Node, { metadata: { name: `node-${i}` }, spec: {} })
  const status = { conditions: [{ type: 'Ready', status: 'True' }] }
  await client.patch(Node, { name: `node-${i}` }, { type: 'merge', body: { status } }, { subresource: 'status' })
}
const reconcilers = allReconcilers({ settings: { clusterCidr: '10.244.0.0/16' }, ca: 'PEM' })
// Nodes that never beat would be given up in the middle of a measurement.
const controllers = await startControllers({
  client,
  outside,
  reconcilers: reconcilers.filter(r => r.name !== 'node-lifecycle'),
})

// Our clock's timers do not keep a process alive.
const alive = setInterval(() => {}, 1_000)
const wait = (ms: number) => new Promise<void>(resolve => clock.schedule(ms, resolve))
/** How long it takes until it is so, and how much of a processor's time: the one that counts on a machine that is busy. */
async function until(isSo: () => Promise<boolean>): Promise<string> {
  const began = clock.monotonicMs()
  const before = process.cpuUsage()
  while (!(await isSo())) await wait(20)
  const { user, system } = process.cpuUsage(before)
  const seconds = (clock.monotonicMs() - began) / 1000
  return `${seconds.toFixed(1)} s (${((user + system) / 1e6).toFixed(1)} s of processor time)`
}
/** Processor time of this process over the time that passes, in percent of one core. */
async function use(seconds: number): Promise<number> {
  const before = process.cpuUsage()
  await wait(seconds * 1_000)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / seconds / 10_000
}
const many = async (count: number, make: (i: number) => Promise<unknown>) => {
  for (let i = 0; i < count; i += 100)
    await Promise.all(Array.from({ length: Math.min(100, count - i) }, (_, j) => make(i + j)))
}

await client.create(Namespace, { metadata: { name: 'full' }, spec: {} })
const inFull = (name: string) => ({ namespace: 'full', name })
await many(1_000, i => client.create(ConfigMap, { metadata: inFull(`c${i}`), data: { a: 'b' } }))
await many(500, i => client.create(Secret, { metadata: inFull(`s${i}`), stringData: { a: 'b' } }))
await many(400, i => client.create(ServiceAccount, { metadata: inFull(`a${i}`) }))
const container = { name: 'main', image: 'app:1' }
await many(100, i => client.create(Pod, { metadata: inFull(`p${i}`), spec: { containers: [container] } }))
await wait(1_000)
await client.delete(Namespace, { name: 'full' })
const isGone = () =>
  client.get(Namespace, { name: 'full' }).then(
    () => false,
    () => true,
  )
console.log(`a namespace with 2,000 objects is gone in ${await until(isGone)} (goal 5 s)`)

await client.create(Namespace, { metadata: { name: 'app' }, spec: {} })
const key = { namespace: 'app', name: 'web' }
const labels = { app: 'web' }
const template = (image: string) => ({ metadata: { labels }, spec: { containers: [{ ...container, image }] } })
await client.create(Deployment, {
  metadata: key,
  spec: { replicas: pods, selector: { matchLabels: labels }, template: template('app:1') },
})
const isRolled = async () => {
  const { metadata, status = {} } = await client.get(Deployment, key)
  const { observedGeneration, replicas, updatedReplicas, availableReplicas } = status
  return (
    observedGeneration === metadata.generation && [replicas, updatedReplicas, availableReplicas].every(n => n === pods)
  )
}
console.log(`a Deployment of ${pods} pods comes up in ${await until(isRolled)}`)
await client.patch(Deployment, key, { type: 'merge', body: { spec: { template: template('app:2') } } })
console.log(`and is rolled in ${await until(isRolled)} (goal 30 s)`)

await many(objects - pods, i =>
  client.create(ConfigMap, { metadata: { namespace: 'app', name: `c${i}` }, data: { a: 'b' } }),
)
// V8 collects what was made before up to half a minute later, which is no work of controllers.
await collectGarbage()
await wait(40_000)
console.log(
  `with ${objects} objects and nothing to do: ${(await use(20)).toFixed(2)} % of a core, API server included (goal 1)`,
)
await controllers[Symbol.asyncDispose]()
await informers[Symbol.asyncDispose]()
await api.close()
clearInterval(alive)
