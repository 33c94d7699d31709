import type { Container, Pod } from '../../models/types/core-v1.ts'
import { CpuManager } from '../cpu/cpu-manager.ts'
import { MemoryManager } from '../memory/memory-manager.ts'
import { type Reservation, reservationOf } from '../node/reservation.ts'
import type { AgentOptions } from '../options.ts'
import type { Rejection } from '../pod/rejection.ts'
import type { RuntimeView } from '../runtime-view.ts'
import { type Numa, readNuma } from './numa.ts'
import { TopologyManager, type TopologyProvider } from './topology-manager.ts'

/** Who gives containers of this node something for themselves, and sees to it that what they get is near to each other. */
export class Shares {
  readonly cpus: CpuManager | undefined
  readonly memory: MemoryManager | undefined
  readonly numa: Numa | undefined
  readonly topology: TopologyManager | undefined
  readonly #providers: readonly TopologyProvider[]

  private constructor(options: AgentOptions, managers: Managers, numa: Numa | undefined, devices: Devices) {
    this.cpus = managers.cpus
    this.memory = managers.memory
    this.numa = numa
    this.#providers = [this.cpus, devices, this.memory].filter(provider => provider !== undefined)
    const { metrics, clock } = options
    const told = metrics && { metrics, clock }
    if (numa) this.topology = new TopologyManager(options.topology!, numa, this.#providers, told)
  }

  /** @param kept what pods may not request of the machine, in all. @throws TopologyUnknown, NothingReserved, BadReservedMemory */
  static async open(options: AgentOptions, view: RuntimeView, devices: Devices, kept: Reservation): Promise<Shares> {
    const { cpuManagerPolicy, memoryManager, topology, simulated, disk } = options
    const reserved = reservationOf(options)
    const parts = simulated || !(topology || memoryManager) ? undefined : await readNuma(disk)
    const numa = topology && parts
    const about = { view, reservedCpu: reserved['cpu'] ?? '0', ...(numa ? { numa } : {}) }
    const cpus = cpuManagerPolicy === 'static' ? await CpuManager.open({ ...options, ...about }) : undefined
    const memory =
      memoryManager && parts ? await MemoryManager.open({ ...options, ...memoryManager, numa: parts, kept }) : undefined
    return new Shares(options, { cpus, memory }, numa, devices)
  }

  /** Gives the pod what its containers have for themselves. @param known it was placed before: it keeps what it has */
  admit(pod: Pod, known: boolean): Rejection | undefined {
    if (this.topology && !known) return this.topology.admit(pod)
    const refused = this.cpus?.admit(pod)
    if (refused && !known) return refused
    const noMemory = this.memory?.admit(pod)
    if (noMemory && !known) this.cpus?.release(pod.metadata.uid!)
    return refused ?? noMemory
  }

  /** Where a container that starts now runs. */
  placeOf(pod: Pod, container: Container): { cpusetCpus?: string; cpusetMems?: string; ownCpus?: string } {
    const cpus = this.cpus?.cpusOf(pod, container)
    const nodes = this.memory?.nodesOf(pod.metadata.uid!, container.name) ?? []
    return {
      ...(cpus ? { cpusetCpus: cpus.cpus } : {}),
      ...(cpus?.own ? { ownCpus: cpus.cpus } : {}),
      ...(nodes.length ? { cpusetMems: nodes.join(',') } : {}),
    }
  }

  /** All pods are known now: what others had is free again. */
  keepOnly(podUids: ReadonlySet<string>): void {
    this.cpus?.keepOnly(podUids)
    this.memory?.keepOnly(podUids)
  }

  /** What a pod had is free again. */
  release(podUid: string): void {
    for (const provider of this.#providers) provider.release(podUid)
  }
}

interface Managers {
  cpus: CpuManager | undefined
  memory: MemoryManager | undefined
}

type Devices = TopologyProvider | undefined
