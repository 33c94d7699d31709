/**
 * How many pods the scheduler places in a second: deciding alone, and end to end (pods made through the API, bound, seen by a
 * watcher). `npx tsx bench/scheduler.ts [alone|whole] [case]`
 */
import { createApiServer } from '../src/apiserver/index.ts'
import { systemClock } from '../src/base/clock.ts'
import { silentLogger } from '../src/base/logger.ts'
import { seededRandom, systemRandom } from '../src/base/random.ts'
import { createClient, createEventRecorder, createInformers, inProcessTransport } from '../src/client/index.ts'
import { openMemoryStore } from '../src/db/index.ts'
import { Node, Pod } from '../src/models/kinds/index.ts'
import { ClusterState, createScheduler, Decider, defaultProfile } from '../src/scheduler/index.ts'
import { makeNode, makePod, type PodSketch } from '../src/scheduler/testing/index.ts'

const zones = ['z1', 'z2', 'z3']
const requests = { cpu: '100m', memory: '500Mi' }
const green = { color: 'green' }
const term = (topologyKey: string) => ({ topologyKey, labelSelector: { matchLabels: green } })
const required = (kind: 'podAffinity' | 'podAntiAffinity', topologyKey: string): PodSketch => ({
  labels: green,
  requests,
  affinity: { [kind]: { requiredDuringSchedulingIgnoredDuringExecution: [term(topologyKey)] } },
})
const preferred = (kind: 'podAffinity' | 'podAntiAffinity'): PodSketch => ({
  labels: green,
  requests,
  affinity: {
    [kind]: {
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term('kubernetes.io/hostname') }],
    },
  },
})
const spread = (whenUnsatisfiable: 'DoNotSchedule' | 'ScheduleAnyway', topologyKey: string): PodSketch => ({
  labels: green,
  requests,
  topologySpreadConstraints: [{ topologyKey, maxSkew: 5, whenUnsatisfiable, labelSelector: { matchLabels: green } }],
})

interface Case {
  sketch(i: number): PodSketch
  pods?: number
}

const cases: Record<string, Case> = {
  basic: { sketch: () => ({ requests }), pods: 20_000 },
  'basic, every pod unlike the others': { sketch: i => ({ requests, labels: { serial: `${i}` } }), pods: 2_000 },
  'node affinity': {
    sketch: () => ({
      requests,
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['z1', 'z2'] }] }],
          },
        },
      },
    }),
  },
  'pod affinity (zone)': { sketch: () => required('podAffinity', 'zone') },
  'pod anti-affinity (host)': { sketch: () => required('podAntiAffinity', 'kubernetes.io/hostname'), pods: 900 },
  'preferred pod affinity (host)': { sketch: () => preferred('podAffinity') },
  'preferred pod anti-affinity (host)': { sketch: () => preferred('podAntiAffinity') },
  'topology spread (zone)': { sketch: () => spread('DoNotSchedule', 'zone') },
  'topology spread (host)': { sketch: () => spread('DoNotSchedule', 'kubernetes.io/hostname') },
  'preferred topology spread (zone)': { sketch: () => spread('ScheduleAnyway', 'zone') },
  daemonset: {
    sketch: i => ({
      requests,
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              { matchFields: [{ key: 'metadata.name', operator: 'In', values: [`node-${i % 1_000}`] }] },
            ],
          },
        },
      },
    }),
  },
  unschedulable: { sketch: () => ({ requests: { cpu: '1000' } }), pods: 5_000 },
}

const nodeOf = (i: number) =>
  makeNode(`node-${i}`, {
    labels: { zone: zones[i % 3]! },
    allocatable: { cpu: '32', memory: '256Gi', pods: '110' },
  })

function alone(name: string, { sketch, pods: count = 5_000 }: Case, nodes: number): void {
  const state = new ClusterState()
  for (let i = 0; i < nodes; i++) state.setNode(nodeOf(i))
  const decider = new Decider(defaultProfile, state, seededRandom(1))
  const pods = Array.from({ length: count }, (_, i) => makePod(`p${i}`, sketch(i)))
  const laps = new Float64Array(count)
  let placed = 0
  const began = performance.now()
  for (let i = 0; i < count; i++) {
    const from = performance.now()
    const info = state.classes.admit(pods[i]!)
    const { node } = decider.decide(info)
    if (node) {
      state.addPod(info, node.name)
      placed++
    }
    laps[i] = performance.now() - from
  }
  const seconds = (performance.now() - began) / 1_000
  laps.sort()
  const p99 = laps[Math.floor(count * 0.99)]!
  const row = [name, nodes, count, placed, Math.round(count / seconds), p99.toFixed(3)]
  console.log(`| ${row.join(' | ')} |`)
}

async function whole(name: string, { sketch, pods: count = 5_000 }: Case, nodes: number): Promise<void> {
  const clock = systemClock
  const random = systemRandom
  const log = silentLogger
  const store = await openMemoryStore()
  const server = await createApiServer({ store, clock, random, log })
  const client = createClient(inProcessTransport(server.handler, { username: 'admin', groups: ['system:masters'] }))
  const inBatches = async (n: number, one: (i: number) => Promise<unknown>) => {
    for (let i = 0; i < n; i += 100)
      await Promise.all(Array.from({ length: Math.min(100, n - i) }, (_, k) => one(i + k)))
  }
  await inBatches(nodes, async i => {
    const { metadata, spec, status } = nodeOf(i)
    const { name, labels } = metadata
    const node = await client.create(Node, { metadata: { name, ...(labels ? { labels } : {}) }, spec })
    await client.updateStatus(Node, { ...node, ...(status ? { status } : {}) })
    const fresh = await client.get(Node, { name })
    await client.update(Node, { ...fresh, spec: { ...fresh.spec, taints: [] } })
  })
  const informers = createInformers({ client, clock, random, log })
  const events = createEventRecorder({ client, clock, random, log, component: 'default-scheduler' })
  const scheduler = createScheduler({ client, informers, clock, random, log, events })
  await scheduler.start()

  const watcher = createInformers({ client, clock, random, log })
  let bound = 0
  const done = new Promise<void>(resolve => {
    const see = (pod: Pod, old?: Pod) => {
      const unfit = pod.status?.conditions?.some(c => c.type === 'PodScheduled' && c.status === 'False')
      const before = old?.spec.nodeName || old?.status?.conditions?.some(c => c.status === 'False')
      if ((pod.spec.nodeName || unfit) && !before && ++bound === count) resolve()
    }
    watcher.for(Pod).subscribe({ added: pod => see(pod), updated: see })
  })
  await watcher.ready()
  const began = performance.now()
  await inBatches(count, i => {
    const { metadata, spec } = makePod(`p${i}`, sketch(i))
    const { name, labels } = metadata
    return client.create(Pod, { metadata: { namespace: 'default', name, ...(labels ? { labels } : {}) }, spec })
  })
  const created = performance.now() - began
  await done
  const seconds = (performance.now() - began) / 1_000
  console.log(
    `| ${[name, nodes, count, Math.round(count / (created / 1_000)), Math.round(count / seconds)].join(' | ')} |`,
  )
  await scheduler.stop()
  await Promise.all([informers[Symbol.asyncDispose](), watcher[Symbol.asyncDispose]()])
  await server.close()
  await store[Symbol.asyncDispose]()
}

// The system clock's timers do not keep a process alive; this one does.
setInterval(() => {}, 1_000)
const [mode = '', only = ''] = process.argv.slice(2)
const chosen = Object.entries(cases).filter(([name]) => name.startsWith(only))
if (mode !== 'whole') {
  console.log('| deciding alone | nodes | pods | placed | decisions/s | p99 ms |\n|---|---|---|---|---|---|')
  for (const [name, one] of chosen) alone(name, one, 5_000)
  if (!only) for (const nodes of [1_000, 15_000]) alone('basic', cases['basic']!, nodes)
}
if (mode !== 'alone') {
  console.log('\n| end to end, in process, memory store | nodes | pods | created/s | bound/s |\n|---|---|---|---|---|')
  for (const [name, one] of chosen)
    if (!/unlike|daemonset/.test(name)) await whole(name, { ...one, pods: Math.min(one.pods ?? 5_000, 5_000) }, 1_000)
}
process.exit(0)
