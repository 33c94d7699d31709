import type { Clock } from '../../base/clock.ts'
import { OptiFlowError } from '../../base/errors.ts'
import type { Container, Pod } from '../../models/types/core-v1.ts'
import type { AgentMetrics } from '../metrics/agent-metrics.ts'
import type { Rejection } from '../pod/rejection.ts'
import type { Hints } from './hints.ts'
import { mergeHints, type TopologyPolicy } from './merge.ts'
import type { NodeMask, Numa } from './numa.ts'

/** Who gives out something that is near to some NUMA nodes and far from others. */
export interface TopologyProvider {
  /** What may be done for containers that get their share from one place: all of a pod, or one. Undefined: no say. */
  hints(pod: Pod, containers: readonly Container[]): Hints | undefined
  /** Gives a container its share, from these nodes first. Again for the same one changes nothing. */
  give(pod: Pod, container: Container, nodes: NodeMask | undefined): Rejection | undefined
  /** Takes back what a pod that is refused was given. */
  release(podUid: string): void
}

/** Gives each container of a pod its share, from anywhere; one that is refused loses what the others got. Again for the same pod changes nothing. */
export function giveToAll(provider: Pick<TopologyProvider, 'give' | 'release'>, pod: Pod): Rejection | undefined {
  for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
    const refused = provider.give(pod, container, undefined)
    if (!refused) continue
    provider.release(pod.metadata.uid!)
    return refused
  }
  return undefined
}

export interface TopologySettings {
  policy: TopologyPolicy
  /** Whether the containers of a pod are placed each by itself or all together. */
  scope: 'container' | 'pod'
  /** Of sets of nodes of the same size the nearer to each other. */
  preferClosest?: boolean
  /** 8 unless said otherwise: the number of ways grows with each node. */
  mostNodes?: number
}

/** Who counts what is asked, and times it. */
interface Told {
  metrics: AgentMetrics
  clock: Clock
}

/** The machine cannot be placed on by this policy. */
export class TopologyUnknown extends OptiFlowError {}

const usualMostNodes = 8

/** kubelet's topology manager: what a container gets comes from NUMA nodes that are near to each other, or the pod is refused. */
export class TopologyManager {
  readonly #settings: TopologySettings
  readonly #numa: Numa
  readonly #providers: readonly TopologyProvider[]
  readonly #told: Told | undefined

  /** @throws TopologyUnknown */
  constructor(settings: TopologySettings, numa: Numa, providers: readonly TopologyProvider[], told?: Told) {
    const { mostNodes = usualMostNodes, preferClosest } = settings
    if (numa.nodes.length > mostNodes)
      throw new TopologyUnknown(`this machine has ${numa.nodes.length} NUMA nodes, more than ${mostNodes}`, {
        hint: `Allow them by the option max-allowable-numa-nodes=${numa.nodes.length}, or use the policy none.`,
      })
    if (preferClosest && numa.distances.size < numa.nodes.length)
      throw new TopologyUnknown('the kernel does not tell how far the NUMA nodes are from each other', {
        hint: 'Leave the option prefer-closest-numa-nodes out.',
      })
    this.#settings = settings
    this.#numa = numa
    this.#providers = providers
    this.#told = told
  }

  /** Gives the pod's containers what they ask for. */
  admit(pod: Pod): Rejection | undefined {
    const { clock, metrics } = this.#told ?? {}
    const began = clock?.monotonicMs() ?? 0
    const refused = this.#settings.scope === 'pod' ? this.#admitWhole(pod) : this.#admitEach(pod)
    metrics?.topologyAsked((clock?.monotonicMs() ?? 0) - began, refused !== undefined)
    if (refused) for (const provider of this.#providers) provider.release(pod.metadata.uid!)
    return refused
  }

  #admitWhole(pod: Pod): Rejection | undefined {
    const { nodes, admitted } = this.#place(pod, containersOf(pod))
    if (!admitted) return notNear
    const refused = firstOf(containersOf(pod), container => this.#give(pod, container, nodes))
    if (!refused) this.#aligned()
    return refused
  }

  #admitEach(pod: Pod): Rejection | undefined {
    return firstOf(containersOf(pod), container => {
      const { nodes, admitted } = this.#place(pod, [container])
      const refused = admitted ? this.#give(pod, container, nodes) : notNear
      if (!refused) this.#aligned()
      return refused
    })
  }

  /** By this policy alone all is sure to come from one node. */
  #aligned(): void {
    const { policy, scope } = this.#settings
    if (policy === 'single-numa-node') this.#told?.metrics.topologyAligned(scope)
  }

  #place(pod: Pod, containers: readonly Container[]) {
    const { policy, preferClosest = false } = this.#settings
    const hints = this.#providers.map(provider => provider.hints(pod, containers))
    return mergeHints({ policy, preferClosest, hints, numa: this.#numa })
  }

  #give(pod: Pod, container: Container, nodes: NodeMask | undefined): Rejection | undefined {
    return firstOf(this.#providers, provider => provider.give(pod, container, nodes))
  }
}

const notNear: Rejection = {
  reason: 'TopologyAffinityError',
  message: 'Pod was rejected: Resources cannot be allocated with Topology locality',
}

const containersOf = ({ spec }: Pod): Container[] => [...(spec.initContainers ?? []), ...spec.containers]

function firstOf<T, R>(all: readonly T[], of: (one: T) => R | undefined): R | undefined {
  for (const one of all) {
    const found = of(one)
    if (found !== undefined) return found
  }
  return undefined
}
