import type { PressureCondition } from '../eviction/pressure.ts'
import type { AgentOptions } from '../options.ts'
import type { RuntimeView } from '../runtime-view.ts'
import { canRecurse } from '../volume/recursive-read-only.ts'
import type { NodeHealth } from './node-status.ts'

/** Looks at the machine and the runtime. */
export class Health {
  readonly #options: AgentOptions
  readonly #view: RuntimeView
  readonly #pressure: () => readonly PressureCondition[]
  readonly #goingDown: () => boolean
  state: NodeHealth = {
    notReady: 'the node agent has just started',
    memoryPressure: false,
    diskPressure: false,
    pidPressure: false,
    handlers: [],
  }

  /** @param pressure what the node runs short of @param goingDown the machine is being switched off */
  constructor(
    options: AgentOptions,
    view: RuntimeView,
    pressure: () => readonly PressureCondition[],
    goingDown: () => boolean,
  ) {
    this.#options = options
    this.#view = view
    this.#pressure = pressure
    this.#goingDown = goingDown
  }

  /** Mounts inside read-only mounts can be read-only too, in pods without a RuntimeClass. */
  get canRecurse(): boolean {
    return canRecurse(this.state.handlers, '')
  }

  async look(): Promise<void> {
    const notReady = await this.#notReady()
    const pressure = this.#pressure()
    this.state = {
      notReady,
      memoryPressure: pressure.includes('MemoryPressure'),
      diskPressure: pressure.includes('DiskPressure'),
      pidPressure: pressure.includes('PIDPressure'),
      handlers: this.state.handlers,
    }
  }

  async #notReady(): Promise<string | undefined> {
    if (this.#goingDown()) return 'node is shutting down'
    if (this.#view.problem) return `container runtime is down: ${this.#view.problem}`
    try {
      const { runtimeReady, networkReady, message, handlers } = await this.#options.runtime.status()
      this.state.handlers = handlers
      if (!runtimeReady) return `container runtime not ready: ${message}`
      return networkReady ? undefined : `container runtime network not ready: ${message}`
    } catch (error) {
      return `container runtime is down: ${(error as Error).message}`
    }
  }
}
