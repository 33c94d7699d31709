import type { Node, Pod, PodSpec } from '../../models/types/core-v1.ts'
import { ClusterState } from '../cluster-state.ts'
import { Decider } from '../decider.ts'
import { failureMessage } from '../fit-failure.ts'
import type { SchedulerPlugin } from '../plugin.ts'
import { defaultProfile, type Profile } from '../plugins/index.ts'
import { scoreNodes } from '../scoring.ts'
import { fillStorage, type StorageSketch } from './storage.ts'

export type Requests = Record<string, string>

export interface PodSketch extends Partial<Omit<PodSpec, 'containers'>> {
  namespace?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  requests?: Requests
  /** What the API wants beside requests that cannot be overcommitted; the scheduler does not look. */
  limits?: Requests
  /** Only where they are placed already. */
  on?: string
  image?: string
  hostPorts?: { port: number; ip?: string; protocol?: 'TCP' | 'UDP' }[]
  terminating?: boolean
  /** Made to end for a more important pod. */
  preempted?: boolean
  startTime?: string
  nominated?: string
  /** Before the container; `sidecar` stays beside it. */
  init?: { requests: Requests; sidecar?: boolean }[]
}

let serial = 0

/** A pod with one container, as little as a rule needs. */
export function makePod(name: string, sketch: PodSketch = {}): Pod {
  const {
    namespace = 'default',
    labels,
    annotations,
    requests,
    limits,
    on,
    image,
    hostPorts,
    terminating,
    preempted,
    startTime,
    nominated,
    init,
    ...spec
  } = sketch
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace,
      name,
      uid: `${name}-${++serial}`,
      resourceVersion: String(serial),
      ...(labels ? { labels } : {}),
      ...(annotations ? { annotations } : {}),
      ...(terminating ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    spec: {
      ...spec,
      ...(on ? { nodeName: on } : {}),
      ...(init
        ? {
            initContainers: init.map(({ requests, sidecar }, i) => ({
              name: `i${i}`,
              image: 'app:1',
              resources: { requests },
              ...(sidecar ? { restartPolicy: 'Always' as const } : {}),
            })),
          }
        : {}),
      containers: [
        {
          name: 'c',
          image: image ?? 'app:1',
          ...(requests ? { resources: { requests, ...(limits ? { limits } : {}) } } : {}),
          ...(hostPorts
            ? {
                ports: hostPorts.map(p => ({
                  containerPort: p.port,
                  hostPort: p.port,
                  ...(p.ip ? { hostIP: p.ip } : {}),
                  ...(p.protocol ? { protocol: p.protocol } : {}),
                })),
              }
            : {}),
        },
      ],
    },
    status: {
      ...(startTime ? { startTime } : {}),
      ...(nominated ? { nominatedNodeName: nominated } : {}),
      ...(preempted
        ? { conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' }] }
        : {}),
    },
  }
}

export interface NodeSketch {
  labels?: Record<string, string>
  taints?: { key: string; value?: string; effect: 'NoExecute' | 'NoSchedule' | 'PreferNoSchedule' }[]
  unschedulable?: boolean
  allocatable?: Requests
  images?: { names: string[]; sizeBytes: number }[]
}

export function makeNode(name: string, sketch: NodeSketch = {}): Node {
  const { labels, taints, unschedulable, allocatable, images } = sketch
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      uid: `node-${name}`,
      resourceVersion: String(++serial),
      labels: { 'kubernetes.io/hostname': name, ...labels },
    },
    spec: { ...(taints ? { taints } : {}), ...(unschedulable ? { unschedulable } : {}) },
    status: {
      allocatable: { cpu: '4', memory: '8Gi', pods: '110', 'ephemeral-storage': '100Gi', ...allocatable },
      ...(images ? { images } : {}),
    },
  }
}

export interface Scene extends Partial<StorageSketch> {
  nodes: Node[]
  pods?: Pod[]
  namespaces?: Record<string, Record<string, string>>
  profile?: Profile
}

/** A cluster to ask about pods, without API, queue or time. */
export function makeScene({ nodes, pods = [], namespaces = {}, profile = defaultProfile, ...storage }: Scene) {
  const state = new ClusterState()
  fillStorage(state.objects, storage)
  for (const [name, labels] of Object.entries(namespaces)) state.setNamespace(name, labels)
  for (const node of nodes) state.setNode(node)
  const place = (pod: Pod) => {
    const info = state.classes.admit(pod)
    state.addPod(info, pod.spec.nodeName!)
    return info
  }
  const placed = pods.map(place)
  const decider = new Decider(profile, state)
  return {
    state,
    decider,
    place,
    placed,
    /** The chosen node's name, or the message. */
    decide(pod: Pod): string {
      const decision = decider.decide(state.classes.admit(pod))
      return decision.node ? decision.node.name : failureMessage(decision.failure)
    },
    /** Each node's first refusal, `ok` where it fits. */
    verdicts(pod: Pod): Record<string, string> {
      const info = state.classes.admit(pod)
      return Object.fromEntries(state.nodes.map(n => [n.name, decider.check(info, n)?.join('; ') ?? 'ok']))
    },
    /** Scores of one plugin in 0 … 100, as they count if these nodes fit (all unless given). */
    scores(pod: Pod, plugin: string, among?: readonly string[]): Record<string, number> {
      return normalizedScores(state, profile, pod, plugin, among)
    },
  }
}

/** By the quick way, which must agree with the one that asks node by node. */
function normalizedScores(
  state: ClusterState,
  profile: Profile,
  pod: Pod,
  name: string,
  among?: readonly string[],
): Record<string, number> {
  const { plugin } = profile.plugins.find(p => p.plugin.name === name)!
  const prepared = plugin.prepare(pod, state, state.classes.admit(pod))
  if (prepared === undefined || plugin.scores?.(prepared) === false) return {}
  const nodes = among ? among.map(n => state.byName(n)!) : [...state.nodes]
  const told = ({ scoreRows, ...rest }: SchedulerPlugin, quickly: boolean) => {
    const scores = new Float64Array(nodes.length)
    const how = quickly && scoreRows ? { ...rest, scoreRows } : rest
    scoreNodes({ plugin: how, state: prepared, weight: 1 }, nodes, scores)
    return Object.fromEntries(nodes.map((n, i) => [n.name, scores[i]!]))
  }
  const slowly = told(plugin, false)
  if (JSON.stringify(told(plugin, true)) !== JSON.stringify(slowly))
    throw new Error(`${name}: score and scoreRows differ`)
  return slowly
}
