/**
 * How many pods the scheduler places in a second: deciding alone, and end to end (pods made through the API over a durable
 * store, bound, seen by a watcher) in the workloads of Kubernetes' scheduler_perf, beside the rates that Kubernetes' own runs must reach.
 * `npx tsx bench/bundled.ts scheduler [alone|whole|growth] [case]`: put together and started as the program itself is.
 */
import { ClusterState, Decider, defaultProfile } from '../src/scheduler/index.ts'
import { makeNode, makePod, type PodSketch } from '../src/scheduler/testing/index.ts'
import { type Case as WholeCase, cases as wholeCases } from './scheduling/cases.ts'
import { runWhole } from './scheduling/whole.ts'
import { forgetWorlds } from './scheduling/worlds.ts'

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
  const decider = new Decider(defaultProfile, state)
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

async function whole(chosen: WholeCase[]): Promise<void> {
  const head =
    'end to end, durable | nodes | pods | threshold | pods/s | ratio | created/s | decision p99 ms | main µs/pod'
  console.log(`\n| ${head} |\n|---|---|---|---|---|---|---|---|---|`)
  const short: string[] = []
  for (const one of chosen) {
    const { podsPerSecond, createdPerSecond, decisionP99Ms, mainThreadMicros } = await runWhole(one)
    const ratio = one.threshold ? podsPerSecond / one.threshold : undefined
    if (ratio !== undefined && ratio < 1) short.push(one.name)
    const figures = [
      Math.round(podsPerSecond),
      ratio?.toFixed(2) ?? '–',
      Math.round(createdPerSecond),
      decisionP99Ms.toFixed(2),
      Math.round(mainThreadMicros),
    ]
    console.log(`| ${[one.name, one.nodes, one.measured.pods, one.threshold || '–', ...figures].join(' | ')} |`)
  }
  await forgetWorlds()
  console.log(`\nbelow their threshold: ${short.join(', ') || 'none'}`)
}

// The system clock's timers do not keep a process alive; this one does.
setInterval(() => {}, 1_000)
const [mode = '', only = ''] = process.argv.slice(2)
const chosen = Object.entries(cases).filter(([name]) => name.startsWith(only))
if (mode === '' || mode === 'alone') {
  console.log('| deciding alone | nodes | pods | placed | decisions/s | p99 ms |\n|---|---|---|---|---|---|')
  for (const [name, one] of chosen) alone(name, one, 5_000)
  if (!only) for (const nodes of [1_000, 15_000]) alone('basic', cases['basic']!, nodes)
}
if (mode === '' || mode === 'whole') await whole(wholeCases.filter(c => c.name.startsWith(only)))
if (mode === 'growth') await whole([1_000, 5_000, 15_000].map(nodes => ({ ...wholeCases[0]!, threshold: 0, nodes })))
process.exit(0)
