import { CpuManager } from '../cpu/cpu-manager.ts'
import { reservationOf } from '../node/reservation.ts'
import type { AgentOptions } from '../options.ts'
import type { RuntimeView } from '../runtime-view.ts'
import { type Numa, readNuma } from './numa.ts'
import { TopologyManager, type TopologyProvider } from './topology-manager.ts'

/** Who gives containers of this node something for themselves, and sees to it that what they get is near to each other. */
export class Shares {
  readonly cpus: CpuManager | undefined
  readonly numa: Numa | undefined
  readonly topology: TopologyManager | undefined
  readonly #providers: readonly TopologyProvider[]

  private constructor(options: AgentOptions, cpus: CpuManager | undefined, numa: Numa | undefined, devices: Devices) {
    this.cpus = cpus
    this.numa = numa
    this.#providers = [cpus, devices].filter(provider => provider !== undefined)
    const { metrics, clock } = options
    const told = metrics && { metrics, clock }
    if (numa) this.topology = new TopologyManager(options.topology!, numa, this.#providers, told)
  }

  /** @throws TopologyUnknown */
  static async open(options: AgentOptions, view: RuntimeView, devices: Devices): Promise<Shares> {
    const { cpuManagerPolicy, topology, simulated, disk } = options
    const reserved = reservationOf(options)
    const numa = topology && !simulated ? await readNuma(disk) : undefined
    const about = { view, reservedCpu: reserved['cpu'] ?? '0', ...(numa ? { numa } : {}) }
    const cpus = cpuManagerPolicy === 'static' ? await CpuManager.open({ ...options, ...about }) : undefined
    return new Shares(options, cpus, numa, devices)
  }

  /** All pods are known now: what others had is free again. */
  keepOnly(podUids: ReadonlySet<string>): void {
    this.cpus?.keepOnly(podUids)
  }

  /** What a pod had is free again. */
  release(podUid: string): void {
    for (const provider of this.#providers) provider.release(podUid)
  }
}

type Devices = TopologyProvider | undefined
