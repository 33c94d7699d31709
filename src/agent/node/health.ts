import type { AgentOptions } from '../options.ts'
import type { RuntimeView } from '../runtime-view.ts'
import type { NodeHealth } from './node-status.ts'

/** Below these the node says that it is under pressure. */
const memoryBytesFree = 100 * 1024 * 1024
const diskShareFree = 0.1
const inodeShareFree = 0.05
const pidShareFree = 0.05

/** Looks at the machine and the runtime. */
export class Health {
  readonly #options: AgentOptions
  readonly #view: RuntimeView
  state: NodeHealth = {
    notReady: 'the node agent has just started',
    memoryPressure: false,
    diskPressure: false,
    pidPressure: false,
  }

  constructor(options: AgentOptions, view: RuntimeView) {
    this.#options = options
    this.#view = view
  }

  async look(): Promise<void> {
    const { simulated } = this.#options
    const pressure = simulated ? none : await this.#pressure()
    this.state = { notReady: await this.#notReady(), ...pressure }
  }

  async #notReady(): Promise<string | undefined> {
    if (this.#view.problem) return `container runtime is down: ${this.#view.problem}`
    try {
      const { runtimeReady, networkReady, message } = await this.#options.runtime.status()
      if (!runtimeReady) return `container runtime not ready: ${message}`
      return networkReady ? undefined : `container runtime network not ready: ${message}`
    } catch (error) {
      return `container runtime is down: ${(error as Error).message}`
    }
  }

  async #pressure(): Promise<Omit<NodeHealth, 'notReady'>> {
    const { disk, folder } = this.#options
    const [meminfo, space, loadavg, pidMax] = await Promise.all([
      disk.readText('/proc/meminfo').catch(() => ''),
      disk.space(folder).catch(() => undefined),
      disk.readText('/proc/loadavg').catch(() => ''),
      disk.readText('/proc/sys/kernel/pid_max').catch(() => ''),
    ])
    const availableKi = Number(/^MemAvailable:\s+(\d+) kB/m.exec(meminfo)?.[1] ?? Number.NaN)
    const tasks = Number(/\d+\/(\d+) /.exec(loadavg)?.[1] ?? 0)
    const limit = Number(pidMax.trim()) || Number.POSITIVE_INFINITY
    return {
      memoryPressure: availableKi * 1024 < memoryBytesFree,
      diskPressure: space
        ? space.freeBytes < space.totalBytes * diskShareFree ||
          (space.totalInodes > 0 && space.freeInodes < space.totalInodes * inodeShareFree)
        : false,
      pidPressure: tasks > limit * (1 - pidShareFree),
    }
  }
}

const none = { memoryPressure: false, diskPressure: false, pidPressure: false }
