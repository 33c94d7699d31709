import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import { explain } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { gpuMilliResource, wholeDevice } from '../../models/gpu.ts'
import {
  DevicePlugin,
  type DevicePluginOptions,
  kubeletProtocol,
  PluginAway,
  servePlugin,
} from '../../plugins/index.ts'
import type { AgentMetrics } from '../metrics/agent-metrics.ts'
import type { RegisteredPlugin } from '../plugin/plugin-watcher.ts'
import type { DevicePool } from './device-choice.ts'
import { DeviceEndpoint, goneAfterMs } from './device-endpoint.ts'
import type { DeviceRecords } from './device-records.ts'

export interface DevicePluginsOptions {
  /** `<kubelet>/device-plugins` */
  folder: string
  /** The resource whose devices pods may share (`optiflow.dev/gpu-milli`); undefined: none are shared. */
  sharedResource?: string
  disk: Disk
  clock: Clock
  log: Logger
  /** What the node offers has changed. */
  onChange(): void
  /** Told of plugins that register and of what they hand out; absent: nobody is. */
  metrics?: AgentMetrics | undefined
}

/** By resource. */
export type DeviceOffers = Record<string, { capacity: string; allocatable: string }>

const version = 'v1beta1'
const none: Pick<DevicePool, 'ids' | 'healthy'> = { ids: [], healthy: new Set() }

/** The plugins that offer devices: how they come and go, and what there is by them. */
export class DevicePlugins implements AsyncDisposable {
  readonly #options: DevicePluginsOptions
  readonly #records: DeviceRecords
  readonly #endpoints = new Map<string, DeviceEndpoint>()
  readonly #startedAtMs: number
  /** Resources whose plugins were away for too long: the node says that it has none. */
  readonly #gone = new Set<string>()
  #server: AsyncDisposable | undefined

  constructor(options: DevicePluginsOptions, records: DeviceRecords) {
    this.#options = options
    this.#records = records
    this.#startedAtMs = options.clock.monotonicMs()
  }

  /** Listens for plugins. Those that were there before see the new socket and register again. */
  async start(): Promise<void> {
    const socket = join(this.#options.folder, 'kubelet.sock')
    await this.#options.disk.remove(socket)
    this.#server = await servePlugin(socket, [
      {
        protocol: kubeletProtocol,
        service: 'v1beta1.Registration',
        methods: {
          Register: (request: { version: string; endpoint: string; resource_name: string }) =>
            this.#registered(request),
        },
      },
    ])
  }

  async #registered(request: { version: string; endpoint: string; resource_name: string }): Promise<object> {
    if (request.version !== version)
      throw new Error(`device plugin speaks ${request.version}; this node speaks ${version}`)
    if (!/^[\w.-]+\/[\w.-]+$/.test(request.resource_name))
      throw new Error(`"${request.resource_name}" is no name of an extended resource`)
    const socket = join(this.#options.folder, request.endpoint)
    const options = await this.#optionsOf(socket)
    void this.#connect(request.resource_name, socket, options)
    return {}
  }

  /** Undefined: the plugin begins to serve only when it was told that it is registered. @throws Error when it serves and says no */
  async #optionsOf(socket: string): Promise<DevicePluginOptions | undefined> {
    using plugin = new DevicePlugin(socket, this.#options.clock)
    try {
      return await plugin.options()
    } catch (error) {
      if (error instanceof PluginAway) return undefined
      throw new Error(`failed to get device plugin options: ${explain(error)}`)
    }
  }

  async register({ name, endpoint, supported_versions }: RegisteredPlugin): Promise<void> {
    if (!supported_versions.includes(version))
      throw new Error(`device plugin speaks ${supported_versions}; this node speaks ${version}`)
    await this.#connect(name, endpoint)
  }

  deregister({ name }: RegisteredPlugin): void {
    const endpoint = this.#endpoints.get(name)
    if (endpoint) {
      endpoint.stop()
      endpoint.healthy = new Set()
      endpoint.awaySinceMs = this.#options.clock.monotonicMs()
    }
    this.#options.onChange()
  }

  async #connect(resource: string, socket: string, options?: DevicePluginOptions): Promise<void> {
    const { clock, log, metrics } = this.#options
    metrics?.devicePluginRegistered(resource)
    this.#endpoints.get(resource)?.stop()
    this.#gone.delete(resource)
    const endpoint = new DeviceEndpoint({ resource, socket, clock, log, onChange: () => this.#changed(endpoint) })
    this.#endpoints.set(resource, endpoint)
    try {
      await endpoint.start(options)
      log.info({ resource, devices: endpoint.ids.length }, 'device plugin registered')
    } catch (error) {
      log.warn({ resource, error: explain(error) }, 'device plugin not reached')
      endpoint.awaySinceMs ??= clock.monotonicMs()
    }
  }

  #changed(endpoint: DeviceEndpoint): void {
    if (this.#endpoints.get(endpoint.resource) !== endpoint) return
    if (endpoint.awaySinceMs === undefined) this.#remember(endpoint.resource, endpoint.ids)
    this.#options.onChange()
  }

  #remember(resource: string, ids: readonly string[] | undefined): void {
    this.#records
      .setKnown(resource, ids)
      .catch(error => this.#options.log.warn({ resource, error: explain(error) }, 'devices not written down'))
  }

  /** Who serves a resource, or did while this agent runs. */
  of(resource: string): DeviceEndpoint | undefined {
    return this.#endpoints.get(resource)
  }

  /**
   * What the node offers, by resource. None, said as 0, while no plugin has registered since this agent started and once one
   * was away for too long: an absent entry would read as a resource that no plugin of the node has ever had.
   */
  offers(): DeviceOffers {
    const offers: DeviceOffers = {}
    for (const resource of this.#resources()) {
      const pool = this.#pool(resource)
      const { ids, healthy } = pool && this.#endpoints.has(resource) ? pool : none
      offers[resource] = { capacity: String(ids.length), allocatable: String(healthy.size) }
      if (resource !== this.#options.sharedResource) continue
      offers[gpuMilliResource] = {
        capacity: String(ids.length * wholeDevice),
        allocatable: String(numbered({ ids, healthy }) * wholeDevice),
      }
    }
    return offers
  }

  #resources(): Set<string> {
    return new Set([...Object.keys(this.#records.known), ...this.#endpoints.keys(), ...this.#gone])
  }

  /** Null: its plugin has been away for too long. */
  #pool(resource: string): DevicePool | null {
    const endpoint = this.#endpoints.get(resource)
    const since = endpoint ? endpoint.awaySinceMs : this.#startedAtMs
    if (since !== undefined && this.#options.clock.monotonicMs() - since >= goneAfterMs) {
      this.#gone.add(resource)
      this.#remember(resource, undefined)
      return null
    }
    const ids = endpoint?.ids.length ? endpoint.ids : (this.#records.known[resource] ?? [])
    return { resource, ids, healthy: endpoint?.healthy ?? new Set() }
  }

  /** What there is, by resource. */
  pools(): Map<string, DevicePool> {
    const pools = new Map<string, DevicePool>()
    for (const resource of this.#resources()) {
      const pool = this.#pool(resource)
      if (pool) pools.set(resource, pool)
    }
    return pools
  }

  async [Symbol.asyncDispose]() {
    for (const endpoint of this.#endpoints.values()) endpoint.stop()
    await this.#server?.[Symbol.asyncDispose]()
  }
}

/** How many numbers the scheduler may use: up to the last healthy device, since numbers must not shift when one falls ill. */
function numbered({ ids, healthy }: Pick<DevicePool, 'ids' | 'healthy'>): number {
  for (let count = ids.length; count > 0; count--) if (healthy.has(ids[count - 1]!)) return count
  return 0
}
