/*
 * A zone dies: how fast its pods come back elsewhere. The controllers, an API server on a store in memory and simulated nodes, on a
 * virtual clock, so that an hour takes seconds.   npx tsx bench/dead-zone.ts [pods] [nodes of the zone]
 */
import { microTimestamp, timestamp } from '../src/base/clock.ts'
import { nodeLifecycleReconciler, replicaSetReconciler, taintEvictionReconciler } from '../src/controller/index.ts'
import { startTestCluster, type TestCluster } from '../src/controller/testing/cluster.ts'
import { Lease, Node, Pod, ReplicaSet } from '../src/models/kinds/index.ts'
import { keyOf } from '../src/models/object.ts'

const podCount = Number(process.argv[2] ?? 10_000)
const nodeCount = Number(process.argv[3] ?? 100)
/** How often nodes say that they live. */
const beatMs = 10_000
/** Silence, and then what pods tolerate unless they say otherwise. */
const graceSeconds = 50
const toleratedSeconds = 300

interface Zone {
  name: string
  nodes: number
  /** How many of them fall silent. */
  dead: number
}

/** What becomes of one zone while another one lives. */
async function tell(zone: Zone, pods: number, seconds: number): Promise<void> {
  const cluster = await startTestCluster({
    reconcilers: [nodeLifecycleReconciler(), taintEvictionReconciler(), replicaSetReconciler()],
    // The placing and running of pods is done here.
    fate: () => 'pending',
  })
  const names = (of: string, count: number) => Array.from({ length: count }, (_, i) => `${of}-${i + 1}`)
  const hit = names(zone.name, zone.nodes)
  const safe = names('safe', 10)
  for (const name of hit) await addNode(cluster, name, zone.name)
  for (const name of safe) await addNode(cluster, name, 'safe')
  let targets = hit
  let placed = 0
  const place = async (pod: Pod) => {
    if (pod.spec.nodeName || pod.metadata.deletionTimestamp) return
    const target = { apiVersion: 'v1', kind: 'Node', name: targets[placed++ % targets.length]! }
    const key = keyOf(pod)
    await cluster.client.post(Pod, key, 'binding', { apiVersion: 'v1', kind: 'Binding', metadata: key, target })
  }
  cluster.informers.for(Pod).subscribe({ added: pod => void place(pod) })
  for (let left = pods, i = 1; left > 0; left -= 1_000, i++)
    await addReplicaSet(cluster, `app-${i}`, Math.min(left, 1_000))
  while (placed < pods) await cluster.pass(1_000)

  targets = safe
  placed = 0
  const dead = new Set(hit.slice(0, zone.dead))
  const lost = Math.round((pods * zone.dead) / zone.nodes)
  const tainted = () =>
    cluster.informers
      .for(Node)
      .list()
      .filter(n => n.spec?.taints?.some(t => t.effect === 'NoExecute')).length
  const counts: { nodes: number; pods: number }[] = []
  for (let passed = 0; passed < seconds * 1_000 && placed < lost; passed += beatMs) {
    for (const name of [...hit, ...safe]) if (!dead.has(name)) await beat(cluster, name)
    await cluster.pass(beatMs)
    counts.push({ nodes: tainted(), pods: placed })
  }
  report(zone, pods, counts)
  await cluster[Symbol.asyncDispose]()
}

function report({ nodes, dead }: Zone, pods: number, counts: { nodes: number; pods: number }[]): void {
  const perMinute = (of: 'nodes' | 'pods') => Math.max(...counts.map((now, i) => now[of] - (counts[i - 6]?.[of] ?? 0)))
  const seconds = (counts.length * beatMs) / 1_000
  const first = counts.findIndex(c => c.pods > 0)
  const began = first < 0 ? 'no pod was moved' : `the first pod elsewhere after ${((first + 1) * beatMs) / 1_000} s`
  console.log(
    `${dead} of ${nodes} nodes with ${pods} pods fall silent: ${began}, ${counts.at(-1)!.pods} pods after ${seconds} s, ` +
      `at most ${perMinute('nodes')} nodes given up and ${perMinute('pods')} pods moved in a minute`,
  )
}

async function addNode({ client, clock }: TestCluster, name: string, zone: string): Promise<void> {
  const now = timestamp(clock)
  await client.create(Node, { metadata: { name, labels: { 'topology.kubernetes.io/zone': zone } }, spec: {} })
  const conditions = [{ type: 'Ready', status: 'True', lastHeartbeatTime: now, lastTransitionTime: now }]
  await client.patch(Node, { name }, { type: 'merge', body: { status: { conditions } } }, { subresource: 'status' })
  const spec = { holderIdentity: name, renewTime: microTimestamp(clock) }
  await client.create(Lease, { metadata: { namespace: 'kube-node-lease', name }, spec })
}

async function beat({ client, clock }: TestCluster, name: string): Promise<void> {
  const body = { spec: { renewTime: microTimestamp(clock) } }
  await client.patch(Lease, { namespace: 'kube-node-lease', name }, { type: 'merge', body })
}

async function addReplicaSet({ client }: TestCluster, name: string, replicas: number): Promise<void> {
  const labels = { app: name }
  await client.create(ReplicaSet, {
    metadata: { namespace: 'default', name },
    spec: {
      ...{ replicas, selector: { matchLabels: labels } },
      template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'app:1' }] } },
    },
  })
}

const all = graceSeconds + toleratedSeconds + nodeCount * 10 + 120
console.log('at 0.1 nodes a second; in a large zone that is partly disrupted 0.01, in a small one none:')
await tell({ name: 'whole', nodes: nodeCount, dead: nodeCount }, podCount, all)
await tell({ name: 'large', nodes: 60, dead: 36 }, 600, 1_200)
await tell({ name: 'small', nodes: 40, dead: 30 }, 400, 1_200)
