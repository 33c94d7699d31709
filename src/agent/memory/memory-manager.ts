import { join } from 'node:path'
import type { Disk } from '../../base/disk.ts'
import { explain } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { quantityToNumber } from '../../base/quantity.ts'
import type { Container, Pod } from '../../models/types/core-v1.ts'
import { KeptJson } from '../kept-json.ts'
import type { AgentMetrics } from '../metrics/agent-metrics.ts'
import type { Reservation } from '../node/reservation.ts'
import { handsOn, mostAtOnce } from '../pod/most-at-once.ts'
import { qosClassOf } from '../pod/qos.ts'
import type { Rejection } from '../pod/rejection.ts'
import type { Hints } from '../topology/hints.ts'
import { countOf, maskOf, type NodeMask, type Numa, nodesIn, subsetsOf } from '../topology/numa.ts'
import { giveToAll, type TopologyProvider } from '../topology/topology-manager.ts'
import {
  type Block,
  breaksGroups,
  isEnough,
  type MachineState,
  type MemoryHint,
  machineState,
  memoryHints,
} from './memory-tables.ts'
import { isMemory, type MemoryAmounts, type MemoryZones, readMemoryZones } from './memory-zones.ts'
import { type ReservedMemory, reservedByNode } from './reserved-memory.ts'

export interface MemoryManagerOptions {
  disk: Disk
  log: Logger
  /** Where is written down who has what: kubelet's `memory_manager_state`. */
  folder: string
  numa: Pick<Numa, 'nodes'>
  /** What each NUMA node keeps for the system. */
  reservedMemory: readonly ReservedMemory[]
  /** What is kept of the machine, in all. */
  kept: Reservation
  metrics?: AgentMetrics | undefined
}

type Entries = Record<string, Record<string, Block[]>>

/** What is on the disk. The tables are for people: they follow from the entries. */
interface Kept {
  policyName: 'Static'
  machineState: Record<string, unknown>
  /** By pod uid, by container name. */
  entries: Entries
}

/**
 * kubelet's static policy of memory: containers of Guaranteed pods have their memory and huge pages from as few NUMA nodes as
 * will do, and only from those.
 * @see https://kubernetes.io/docs/tasks/administer-cluster/memory-manager/
 */
export class MemoryManager implements TopologyProvider {
  readonly #options: MemoryManagerOptions
  readonly #zones: MemoryZones
  readonly #reserved: ReadonlyMap<number, MemoryAmounts>
  /** By pod uid, by container name. */
  readonly #given = new Map<string, Map<string, Block[]>>()
  readonly #kept: KeptJson<Kept>

  private constructor(
    options: MemoryManagerOptions,
    zones: MemoryZones,
    reserved: ReadonlyMap<number, MemoryAmounts>,
    kept: KeptJson<Kept>,
  ) {
    this.#options = options
    this.#zones = zones
    this.#reserved = reserved
    this.#kept = kept
    for (const [uid, containers] of Object.entries(kept.value.entries ?? {}))
      for (const [container, blocks] of Object.entries(containers))
        if (blocks.every(block => this.#exists(block))) this.#note(uid, container, blocks)
        else options.log.warn({ pod: uid, container }, 'memory was given from NUMA nodes that are no more')
  }

  /** Reads what memory there is, and from the disk what of it is given. @throws BadReservedMemory */
  static async open(options: MemoryManagerOptions): Promise<MemoryManager> {
    const { disk, folder, log, numa, reservedMemory } = options
    const zones = await readMemoryZones(disk, numa.nodes)
    const reserved = reservedByNode(reservedMemory, zones, options.kept)
    const nothing: Kept = { policyName: 'Static', machineState: {}, entries: {} }
    const kept = new KeptJson<Kept>(disk, join(folder, 'memory_manager_state'), nothing)
    await kept.read().catch(error => {
      log.warn({ error: explain(error) }, 'who has memory of which NUMA nodes was not read; it is given anew')
    })
    return new MemoryManager(options, zones, reserved, kept)
  }

  /** Gives the pod's containers their memory. Again for the same pod changes nothing. */
  admit(pod: Pod): Rejection | undefined {
    return giveToAll(this, pod)
  }

  hints(pod: Pod, containers: readonly Container[]): Hints | undefined {
    if (qosClassOf(pod.spec) !== 'Guaranteed') return undefined
    const types = new Set(containers.flatMap(container => Object.keys(wantedBy(container))))
    const wanted: Record<string, number> = {}
    for (const type of types) wanted[type] = mostAtOnce(pod, containers, one => wantedBy(one)[type] ?? 0)
    const before = containers.map(({ name }) => this.blocksOf(pod.metadata.uid!, name)).find(blocks => blocks.length)
    const ways = before
      ? [{ nodes: maskOf(before[0]!.numaAffinity), preferred: true }]
      : this.#ways(pod, wanted, this.#state())
    return Object.fromEntries([...types].map(type => [type, ways]))
  }

  give(pod: Pod, container: Container, nodes: NodeMask | undefined): Rejection | undefined {
    if (qosClassOf(pod.spec) !== 'Guaranteed') return undefined
    const { metrics } = this.#options
    metrics?.memoryWanted()
    const uid = pod.metadata.uid!
    if (this.#given.get(uid)?.has(container.name)) return undefined
    const wanted = wantedBy(container)
    const chosen = this.#choose(pod, wanted, nodes)
    if (typeof chosen === 'string') {
      metrics?.memoryNotGiven()
      return {
        reason: 'UnexpectedAdmissionError',
        message: `Pod was rejected: Allocate failed due to [memorymanager] ${chosen}, which is unexpected`,
      }
    }
    const numaAffinity = nodesIn(this.#options.numa, chosen)
    const blocks = Object.entries(wanted).map(([type, size]) => ({ numaAffinity, type, size }))
    for (const block of blocks) this.#takeOver(pod, container, block)
    this.#note(uid, container.name, blocks)
    this.#keep()
    return undefined
  }

  /** The nodes that it is served from, or in upstream's words why there are none. */
  #choose(pod: Pod, wanted: MemoryAmounts, nodes: NodeMask | undefined): NodeMask | string {
    const state = this.#state()
    let chosen = nodes
    if (chosen === undefined) chosen = bestOf(this.#ways(pod, wanted, state))
    if (chosen === undefined)
      return 'failed to get the default NUMA affinity, no NUMA nodes with enough memory is available'
    // What all who give something have in common may be less than the memory needs.
    if (!isEnough(state, chosen, wanted)) {
      const common = chosen
      chosen = bestOf(this.#ways(pod, wanted, state).filter(way => (way.nodes & common) === common))
    }
    if (chosen === undefined) return 'failed to find NUMA nodes to extend the current topology hint'
    return breaksGroups(state, chosen) ? 'preferred hint violates NUMA node allocation' : chosen
  }

  #ways(pod: Pod, wanted: MemoryAmounts, state: MachineState): MemoryHint[] {
    const reusable = (mask: NodeMask, type: string) =>
      this.#reusable(pod, mask, type).reduce((sum, block) => sum + block.size, 0)
    return memoryHints(state, subsetsOf(this.#options.numa.nodes), wanted, reusable)
  }

  /** What init containers of the pod have, which end before others of it start. */
  #reusable(pod: Pod, mask: NodeMask, type: string, before?: Container): Block[] {
    const inits = pod.spec.initContainers ?? []
    const end = before ? inits.findIndex(({ name }) => name === before.name) : -1
    return inits
      .slice(0, end < 0 ? inits.length : end)
      .filter(init => handsOn(pod, init))
      .flatMap(({ name }) => this.blocksOf(pod.metadata.uid!, name))
      .filter(block => block.type === type && maskOf(block.numaAffinity) === mask)
  }

  /** The sum of a pod's blocks stays what it uses: those whose memory a container takes over shrink. */
  #takeOver(pod: Pod, container: Container, { numaAffinity, type, size }: Block): void {
    let missing = size
    for (const block of this.#reusable(pod, maskOf(numaAffinity), type, container)) {
      const taken = Math.min(block.size, missing)
      block.size -= taken
      missing -= taken
    }
  }

  /** Nothing of the pod runs any more. */
  release(uid: string): void {
    if (this.#given.delete(uid)) this.#keep()
  }

  /** All pods are known now: what others had is free again. */
  keepOnly(uids: ReadonlySet<string>): void {
    for (const uid of this.#given.keys()) if (!uids.has(uid)) this.release(uid)
  }

  blocksOf(podUid: string, container: string): readonly Block[] {
    return this.#given.get(podUid)?.get(container) ?? []
  }

  /** The NUMA nodes whose memory a container may have, ascending; none: any. */
  nodesOf(podUid: string, container: string): number[] {
    const all = this.blocksOf(podUid, container).flatMap(({ numaAffinity }) => numaAffinity)
    return [...new Set(all)].sort((a, b) => a - b)
  }

  /** What containers may have, whoever has it now. */
  get allocatable(): Block[] {
    const empty = machineState(this.#zones, this.#reserved, [])
    return [...empty].flatMap(([node, { memoryMap }]) =>
      Object.entries(memoryMap).flatMap(([type, { allocatable }]) =>
        allocatable ? [{ numaAffinity: [node], type, size: allocatable }] : [],
      ),
    )
  }

  #note(uid: string, container: string, blocks: Block[]): void {
    if (!this.#given.has(uid)) this.#given.set(uid, new Map())
    this.#given.get(uid)!.set(container, blocks)
  }

  #exists({ numaAffinity, type }: Block): boolean {
    return numaAffinity.length > 0 && numaAffinity.every(node => this.#zones.get(node)?.[type] !== undefined)
  }

  #state(): MachineState {
    const all = [...this.#given.values()].flatMap(pod => [...pod.values()].flat())
    return machineState(this.#zones, this.#reserved, all)
  }

  #keep(): void {
    const entries: Entries = Object.fromEntries([...this.#given].map(([uid, pod]) => [uid, Object.fromEntries(pod)]))
    this.#kept
      .set({ policyName: 'Static', machineState: Object.fromEntries(this.#state()), entries })
      .catch(error => this.#options.log.warn({ error: explain(error) }, 'who has which memory was not written down'))
  }
}

/** Bytes by kind of memory. */
function wantedBy({ resources }: Container): MemoryAmounts {
  const asked = { ...resources?.limits, ...resources?.requests }
  const memory = Object.entries(asked).filter(([name]) => isMemory(name))
  return Object.fromEntries(memory.map(([name, amount]) => [name, quantityToNumber(amount)]))
}

/** The first of the preferred ones with the fewest nodes. */
function bestOf(ways: readonly MemoryHint[]): NodeMask | undefined {
  const rank = ({ preferred, nodes }: MemoryHint) => (preferred ? 0 : 64) + countOf(nodes)
  return [...ways].sort((a, b) => rank(a) - rank(b))[0]?.nodes
}
