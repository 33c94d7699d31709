import { makeNode, makePod, type NodeSketch, type PodSketch } from '../../src/scheduler/testing/index.ts'

/** One workload of Kubernetes' scheduler_perf, as the file of thresholds describes it. */
export interface Case {
  name: string
  /** Pods per second that Kubernetes' own runs must reach. */
  threshold: number
  nodes: number
  node?: (i: number) => NodeSketch
  /** Namespaces of these names, with these labels. */
  namespaces?: Record<string, Record<string, string>>
  /** There before measuring begins, each made on a node. */
  placed?: Group
  /** There before measuring begins, placed by the scheduler. */
  scheduled?: Group
  /** There before measuring begins, and waiting. */
  waiting?: Group
  measured: Group
  /** Measured pods that are there at a time: each is deleted once it is bound. */
  steady?: number
  /** Each node has so many devices, and pods may have claims by the template `test`. */
  devices?: number
  /** Devices that are taken beforehand, on the nodes in turn. */
  takenClaims?: number
  /** What the scheduler placed before is being deleted while others are scheduled. */
  deletes?: boolean
  /** Each measured pod has a claim that is bound to a volume of this driver (CSI) or of old. */
  volumes?: 'csi' | 'in-tree' | 'migrated'
  /** A Service that selects the measured pods. */
  service?: Record<string, string>
  /** Nodes, pods and services come and go all the time. */
  churn?: boolean
}

type Sketch = PodSketch & { finalizers?: string[] }

export interface Group {
  pods: number
  sketch: (i: number) => Sketch
}

const requests = { cpu: '100m', memory: '500Mi' }
const plain: PodSketch = { requests }
const host = 'kubernetes.io/hostname'
const zone = 'topology.kubernetes.io/zone'
const labels = { color: 'green' }
const term = (topologyKey: string, more = {}) => ({ topologyKey, labelSelector: { matchLabels: labels }, ...more })
type Kind = 'podAffinity' | 'podAntiAffinity'
const needs = (kind: Kind, topologyKey: string, more = {}): PodSketch => ({
  ...plain,
  labels,
  affinity: { [kind]: { requiredDuringSchedulingIgnoredDuringExecution: [term(topologyKey, more)] } },
})
const likes = (kind: Kind, topologyKey: string, more = {}): PodSketch => ({
  ...plain,
  labels,
  affinity: {
    [kind]: {
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term(topologyKey, more) }],
    },
  },
})
const spread = (whenUnsatisfiable: 'DoNotSchedule' | 'ScheduleAnyway', more = {}): PodSketch => ({
  ...plain,
  labels,
  topologySpreadConstraints: [
    { topologyKey: zone, maxSkew: 5, whenUnsatisfiable, labelSelector: { matchLabels: labels }, ...more },
  ],
})
const byName = (i: number): PodSketch => ({
  ...plain,
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          { matchFields: [{ key: 'metadata.name', operator: 'In', values: [`node-${i % 15_000}`] }] },
        ],
      },
    },
  },
})
const inZones: PodSketch = {
  ...plain,
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: zone, operator: 'In', values: ['zone1', 'zone2'] }] }],
      },
    },
  },
}
const mixed = [
  plain,
  needs('podAffinity', zone),
  needs('podAntiAffinity', host),
  likes('podAffinity', host),
  likes('podAntiAffinity', host),
]
const teams = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`measure-${i}`, { team: 'devops' }]))
const inTeam = (sketch: PodSketch) => (i: number) => ({ ...sketch, namespace: `measure-${i % 100}` })
const byTeam = { namespaceSelector: { matchLabels: { team: 'devops' } } }
const big = () => ({ allocatable: { cpu: '10000', memory: '64Ti', pods: '90000' } })
const claiming: PodSketch = { ...plain, resourceClaims: [{ name: 'resource', resourceClaimTemplateName: 'test' }] }
const group = (pods: number, sketch: Sketch | ((i: number) => Sketch)): Group => ({
  pods,
  sketch: typeof sketch === 'function' ? sketch : () => sketch,
})

export const cases: Case[] = [
  {
    name: 'SchedulingBasic',
    threshold: 680,
    nodes: 5_000,
    placed: group(1_000, plain),
    measured: group(10_000, plain),
  },
  {
    name: 'SchedulingBasic 50k',
    threshold: 810,
    nodes: 5_000,
    placed: group(5_000, plain),
    measured: group(50_000, plain),
  },
  { name: 'SchedulingDaemonset', threshold: 1_100, nodes: 15_000, measured: group(30_000, byName) },
  {
    name: 'PreemptionAsync',
    threshold: 570,
    nodes: 5_000,
    placed: group(20_000, {
      requests: { cpu: '900m', memory: '500Mi' },
      priority: 0,
      terminationGracePeriodSeconds: 0,
    }),
    measured: group(5_000, { requests: { cpu: '3', memory: '500Mi' }, priorityClassName: 'high' }),
  },
  {
    name: 'Unschedulable 100',
    threshold: 590,
    nodes: 5_000,
    waiting: group(100, { requests: { cpu: '9' } }),
    measured: group(10_000, plain),
  },
  {
    name: 'Unschedulable 20k',
    threshold: 600,
    nodes: 5_000,
    waiting: group(20_000, { requests: { cpu: '9' } }),
    measured: group(10_000, plain),
  },
  { name: 'SchedulingWithMixedChurn', threshold: 710, nodes: 5_000, churn: true, measured: group(10_000, plain) },
  {
    name: 'SchedulingWhileGated',
    threshold: 910,
    nodes: 1,
    node: big,
    waiting: group(10_000, { schedulingGates: [{ name: 'x.io/wait' }] }),
    measured: group(20_000, { requests: { cpu: '1m', memory: '1Mi' } }),
  },
  {
    name: 'SchedulingDeletedPodsWithFinalizers',
    threshold: 830,
    nodes: 5_000,
    scheduled: group(5_000, { ...plain, finalizers: ['x.io/keep'] }),
    deletes: true,
    measured: group(5_000, plain),
  },
  {
    name: 'SchedulingWithExtendedResource',
    threshold: 180,
    nodes: 5_000,
    node: () => ({ allocatable: { 'x.io/foo': '1' } }),
    measured: group(5_000, { requests: { 'x.io/foo': '1' }, limits: { 'x.io/foo': '1' } }),
  },
  {
    name: 'TopologySpreading',
    threshold: 460,
    nodes: 5_000,
    placed: group(5_000, plain),
    measured: group(5_000, spread('DoNotSchedule')),
  },
  {
    name: 'PreferredTopologySpreading',
    threshold: 340,
    nodes: 5_000,
    placed: group(5_000, plain),
    measured: group(5_000, spread('ScheduleAnyway')),
  },
  {
    name: 'DefaultTopologySpreading',
    threshold: 160,
    nodes: 5_000,
    placed: group(5_000, plain),
    measured: group(50_000, { ...plain, labels }),
    service: labels,
  },
  {
    name: 'SchedulingWithNodeInclusionPolicy',
    threshold: 270,
    nodes: 5_000,
    node: i => (i < 1_000 ? { taints: [{ key: 'foo', effect: 'NoSchedule' }] } : {}),
    measured: group(4_000, spread('DoNotSchedule', { topologyKey: host, maxSkew: 1, nodeTaintsPolicy: 'Honor' })),
  },
  {
    name: 'SchedulingPodAntiAffinity',
    threshold: 60,
    nodes: 5_000,
    placed: group(1_000, needs('podAntiAffinity', host)),
    measured: group(2_000, needs('podAntiAffinity', host)),
  },
  {
    name: 'SchedulingPodMatchingAntiAffinity',
    threshold: 595,
    nodes: 5_000,
    placed: group(1_000, needs('podAntiAffinity', host)),
    measured: group(5_000, { ...plain, labels }),
  },
  {
    name: 'SchedulingPodAffinity',
    threshold: 35,
    nodes: 5_000,
    placed: group(5_000, needs('podAffinity', zone)),
    measured: group(5_000, needs('podAffinity', zone)),
  },
  {
    name: 'SchedulingPreferredPodAffinity',
    threshold: 90,
    nodes: 5_000,
    placed: group(5_000, likes('podAffinity', host)),
    measured: group(5_000, likes('podAffinity', host)),
  },
  {
    name: 'SchedulingPreferredPodAntiAffinity',
    threshold: 90,
    nodes: 5_000,
    placed: group(5_000, likes('podAntiAffinity', host)),
    measured: group(5_000, likes('podAntiAffinity', host)),
  },
  {
    name: 'SchedulingNodeAffinity',
    threshold: 220,
    nodes: 5_000,
    placed: group(5_000, inZones),
    measured: group(10_000, inZones),
  },
  {
    name: 'MixedSchedulingBasePod',
    threshold: 140,
    nodes: 5_000,
    placed: group(10_000, i => mixed[i % 5]!),
    measured: group(5_000, plain),
  },
  {
    name: 'SchedulingRequiredPodAntiAffinityWithNSSelector',
    threshold: 24,
    nodes: 6_000,
    namespaces: teams,
    placed: group(4_000, inTeam(needs('podAntiAffinity', host, byTeam))),
    measured: group(2_000, inTeam(needs('podAntiAffinity', host, byTeam))),
  },
  {
    name: 'SchedulingPreferredAntiAffinityWithNSSelector',
    threshold: 55,
    nodes: 5_000,
    namespaces: teams,
    placed: group(4_000, inTeam(likes('podAntiAffinity', host, byTeam))),
    measured: group(2_000, inTeam(likes('podAntiAffinity', host, byTeam))),
  },
  {
    name: 'SchedulingRequiredPodAffinityWithNSSelector',
    threshold: 35,
    nodes: 5_000,
    namespaces: teams,
    placed: group(5_000, inTeam(needs('podAffinity', zone, byTeam))),
    measured: group(2_000, inTeam(needs('podAffinity', zone, byTeam))),
  },
  {
    name: 'SchedulingPreferredAffinityWithNSSelector',
    threshold: 90,
    nodes: 5_000,
    namespaces: teams,
    placed: group(5_000, inTeam(likes('podAffinity', host, byTeam))),
    measured: group(5_000, inTeam(likes('podAffinity', host, byTeam))),
  },
  {
    name: 'SchedulingGatedPodsWithPodAffinityImpactForThroughput',
    threshold: 110,
    nodes: 1,
    node: big,
    waiting: group(10_000, { ...needs('podAffinity', host), schedulingGates: [{ name: 'x.io/wait' }] }),
    measured: group(20_000, { requests: { cpu: '1m', memory: '1Mi' } }),
  },
  {
    name: 'SchedulingSecrets',
    threshold: 790,
    nodes: 5_000,
    placed: group(1_000, plain),
    measured: group(10_000, { ...plain, volumes: [{ name: 's', secret: { secretName: 's' } }] }),
  },
  {
    name: 'SchedulingInTreePVs',
    threshold: 290,
    nodes: 5_000,
    volumes: 'in-tree',
    placed: group(1_000, plain),
    measured: group(2_000, plain),
  },
  {
    name: 'SchedulingCSIPVs',
    threshold: 100,
    nodes: 5_000,
    volumes: 'csi',
    placed: group(5_000, plain),
    measured: group(5_000, plain),
  },
  {
    name: 'SchedulingMigratedInTreePVs',
    threshold: 100,
    nodes: 5_000,
    volumes: 'migrated',
    placed: group(5_000, plain),
    measured: group(5_000, plain),
  },
  {
    name: 'SchedulingWithResourceClaimTemplate',
    threshold: 56,
    nodes: 500,
    devices: 10,
    scheduled: group(2_500, claiming),
    measured: group(2_500, claiming),
  },
  {
    name: 'SteadyStateClusterResourceClaimTemplate',
    threshold: 60,
    nodes: 500,
    devices: 10,
    takenClaims: 4_990,
    steady: 10,
    measured: group(1_000, claiming),
  },
  {
    name: 'every pod unlike the others',
    threshold: 0,
    nodes: 5_000,
    measured: group(5_000, i => ({ ...plain, labels: { serial: `${i}` } })),
  },
]

export const nodeOf = ({ node }: Case, i: number) => {
  const sketch = node?.(i) ?? {}
  return makeNode(`node-${i}`, {
    ...sketch,
    labels: { [zone]: `zone${(i % 3) + 1}` },
    allocatable: { cpu: '4', memory: '32Gi', pods: '110', ...sketch.allocatable },
  })
}

export const podOf = (name: string, { finalizers, ...sketch }: Sketch) => {
  const { metadata, spec } = makePod(name, sketch)
  const { namespace, labels: own } = metadata
  return {
    metadata: {
      ...{ namespace: namespace ?? 'default', name },
      ...(own ? { labels: own } : {}),
      ...(finalizers ? { finalizers } : {}),
    },
    spec,
  }
}
