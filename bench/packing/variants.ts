import { seededRandom } from '../../src/base/random.ts'
import type { Node, Pod } from '../../src/models/types/core-v1.ts'
import { gpuMilliResource, gpuModelLabels } from '../../src/scheduler/gpu/gpu-request.ts'
import { ClusterState, type PodInfo } from '../../src/scheduler/index.ts'
import { kindOf } from './replay.ts'
import type { Trace } from './trace.ts'

/** How a workload that nobody recorded is made of a recorded one: its pods drawn anew, with replacement. */
export interface Variant {
  name: string
  /** How often pods of a kind come, as a multiple of how often they came; 1 unless given. */
  weights?: Partial<Record<ReturnType<typeof kindOf>, number>>
  nodes?(nodes: readonly Node[]): Node[]
  /** Another pod in the place of the one that was drawn. @param chance uniform in [0, 1) */
  pod?(pod: Pod, chance: () => number, nodes: readonly Node[]): Pod
}

const devicesOf = ({ status }: Node) => Number(status?.allocatable?.[gpuMilliResource] ?? 0) / 1_000
const everyOther = (nodes: readonly Node[]) => nodes.filter((_, i) => i % 2 === 0)

function withCpu(part: number): Variant['nodes'] {
  return nodes =>
    nodes.map(node => {
      const { allocatable } = node.status!
      const cpu = `${Math.floor(part * Number.parseInt(allocatable!['cpu']!, 10))}m`
      return { ...node, status: { ...node.status, allocatable: { ...allocatable, cpu } } }
    })
}

const milliOf = (pod: Pod) => Number(pod.spec.containers[0]!.resources?.requests?.[gpuMilliResource] ?? 0)

function asking(pod: Pod, milli: number): Pod {
  const [first] = pod.spec.containers
  const requests = { ...first!.resources!.requests, [gpuMilliResource]: `${milli}` }
  return { ...pod, spec: { ...pod.spec, containers: [{ ...first!, resources: { requests } }] } }
}

/** So many of the pods with devices name a model, the more often the more devices it has. */
function naming(part: number): Variant['pod'] {
  return (pod, chance, nodes) => {
    if (!milliOf(pod) || chance() >= part) return pod
    const model = nodes[Math.floor(chance() * nodes.length)]!.metadata.labels![gpuModelLabels[0]!]!
    return { ...pod, spec: { ...pod.spec, nodeSelector: { [gpuModelLabels[0]!]: model } } }
  }
}

const isShare = (pod: Pod) => milliOf(pod) > 0 && milliOf(pod) < 1_000

export const variants: readonly Variant[] = [
  { name: 'drawn anew' },
  { name: 'twice the shares', weights: { share: 2 } },
  { name: 'five times the shares', weights: { share: 5 } },
  { name: 'no shares', weights: { share: 0 } },
  { name: 'four times the pods of several GPUs', weights: { 'several GPUs': 4 } },
  { name: 'six times the pods without GPU', weights: { 'no GPU': 6 } },
  { name: 'a fifth name a model', pod: naming(0.2) },
  { name: 'a third name a model', pod: naming(0.33) },
  {
    name: 'shares of any size',
    pod: (pod, chance) => (isShare(pod) ? asking(pod, 50 * (1 + Math.floor(19 * chance()))) : pod),
  },
  { name: 'shares of a third', pod: pod => (isShare(pod) ? asking(pod, 330) : pod) },
  { name: 'half the nodes', nodes: everyOther },
  { name: 'nodes of eight GPUs', nodes: nodes => nodes.filter(n => devicesOf(n) === 8) },
  { name: 'nodes of one and two GPUs', nodes: nodes => nodes.filter(n => devicesOf(n) <= 2) },
  { name: 'three quarters of the CPU', nodes: withCpu(0.75) },
  { name: 'half the CPU', nodes: withCpu(0.5) },
]

/** Pods come until 1.3 times as much is asked for as there is. */
const arrives = 1.3

/** One workload for each seed would differ in its pods: each has one seed only. */
export function variantOf(
  trace: Trace,
  { name, weights = {}, nodes: chosen, pod: altered }: Variant,
  seed: number,
): Trace {
  const random = seededRandom(seed)
  const chance = () => random.next()
  const { classes } = new ClusterState()
  const kinds = trace.pods.map(pod => kindOf(classes.admit(pod) as PodInfo))
  const nodes = chosen ? chosen(trace.nodes) : trace.nodes
  const capacity = 1_000 * nodes.reduce((sum, node) => sum + devicesOf(node), 0)
  const upTo: number[] = []
  let total = 0
  for (const kind of kinds) upTo.push((total += weights[kind] ?? 1))
  const pods: Pod[] = []
  for (let asked = 0; asked < arrives * capacity; ) {
    const at = chance() * total
    const drawn = trace.pods[lowest(upTo, at)]!
    const pod = altered ? altered(drawn, chance, nodes) : drawn
    pods.push(pod)
    asked += milliOf(pod)
  }
  const nodeRank = nodes.map((_, i) => i)
  return { name, nodes: [...nodes], pods, orders: new Map([[seed, { pods: pods.map((_, i) => i), nodeRank }]]) }
}

/** The first place whose number is above this one. */
function lowest(upTo: readonly number[], at: number): number {
  let low = 0
  let high = upTo.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (upTo[middle]! > at) high = middle
    else low = middle + 1
  }
  return low
}
