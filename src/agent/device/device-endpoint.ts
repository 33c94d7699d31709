import { type Clock, sleep } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { DevicePlugin, type DevicePluginOptions } from '../../plugins/index.ts'

export interface DeviceEndpointOptions {
  resource: string
  socket: string
  clock: Clock
  log: Logger
  /** The devices have changed, or the plugin has gone. */
  onChange(): void
}

/** A plugin that is away for so long is taken to be gone: its devices are offered no more. As long as kubelet waits. */
export const goneAfterMs = 300_000
const firstListMs = 5_000

/** One device plugin and what it says of its devices. While it is away all of them count as unhealthy. */
export class DeviceEndpoint {
  readonly resource: string
  readonly plugin: DevicePlugin
  ids: readonly string[] = []
  healthy: ReadonlySet<string> = new Set()
  /** NUMA nodes that devices are near to, of those whose plugin knows. */
  nodes: ReadonlyMap<string, readonly number[]> = new Map()
  options: DevicePluginOptions = { pre_start_required: false, get_preferred_allocation_available: false }
  /** In monotonic milliseconds; undefined while it is there. */
  awaySinceMs: number | undefined
  readonly #options: DeviceEndpointOptions
  readonly #stop = new AbortController()

  constructor(options: DeviceEndpointOptions) {
    this.#options = options
    this.resource = options.resource
    this.plugin = new DevicePlugin(options.socket, options.clock)
  }

  /** Resolves with its first list of devices. @param options if it was asked for them already */
  async start(options?: DevicePluginOptions): Promise<void> {
    this.options = options ?? (await this.plugin.options())
    let listed!: () => void
    const first = new Promise<void>(resolve => {
      listed = resolve
    })
    void this.#watch(listed)
    await Promise.race([first, sleep(this.#options.clock, firstListMs, this.#stop.signal).catch(() => {})])
  }

  async #watch(listed: () => void): Promise<void> {
    const { clock, log, onChange } = this.#options
    try {
      for await (const devices of this.plugin.watch(this.#stop.signal)) {
        // The order by which the scheduler numbers them must not depend on the plugin's mood.
        this.ids = devices.map(d => d.ID).sort(byNumber)
        this.healthy = new Set(devices.filter(d => d.health === 'Healthy').map(d => d.ID))
        this.nodes = new Map(devices.flatMap(({ ID, topology }) => nearTo(ID, topology?.nodes ?? [])))
        listed()
        onChange()
      }
    } catch (error) {
      log.warn({ resource: this.resource, error: explain(error) }, 'device plugin gone')
    }
    listed()
    if (this.#stop.signal.aborted) return
    this.healthy = new Set()
    this.awaySinceMs = clock.monotonicMs()
    onChange()
  }

  stop(): void {
    this.#stop.abort()
    this.plugin[Symbol.dispose]()
  }
}

/** GPU-2 before GPU-10. */
function byNumber(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true }) || (a < b ? -1 : 1)
}

const nearTo = (id: string, nodes: { ID: string | number }[]): [string, number[]][] =>
  nodes.length ? [[id, nodes.map(node => Number(node.ID))]] : []
