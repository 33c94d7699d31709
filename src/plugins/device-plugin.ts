import type { Clock } from '../base/clock.ts'
import { PluginSocket } from './plugin-socket.ts'
import { kubeletProtocol } from './protocols.ts'

export interface PluginDevice {
  ID: string
  /** `Healthy` or `Unhealthy`. */
  health: string
  /** NUMA nodes that it is near to, where the plugin knows. */
  topology?: { nodes?: { ID: string | number }[] } | null
}

export interface DevicePluginOptions {
  pre_start_required: boolean
  get_preferred_allocation_available: boolean
}

/** What a container needs to use its devices. */
export interface DeviceGrant {
  envs: Record<string, string>
  mounts: { container_path: string; host_path: string; read_only: boolean }[]
  devices: { container_path: string; host_path: string; permissions: string }[]
  annotations: Record<string, string>
  cdi_devices: { name: string }[]
}

const service = 'v1beta1.DevicePlugin'
const askTimeoutMs = 10_000

/** A device plugin at its socket. @throws PluginAway, PluginRefused */
export class DevicePlugin implements Disposable {
  readonly #socket: PluginSocket

  constructor(socket: string, clock: Clock) {
    this.#socket = new PluginSocket(socket, clock)
  }

  options(): Promise<DevicePluginOptions> {
    return this.#call('GetDevicePluginOptions', {})
  }

  /** All devices, each time anything about one has changed. Ends when the plugin goes away. */
  async *watch(signal: AbortSignal): AsyncGenerator<PluginDevice[], void, undefined> {
    const replies = this.#socket.stream<{ devices: PluginDevice[] }>(
      kubeletProtocol,
      service,
      'ListAndWatch',
      {},
      signal,
    )
    for await (const { devices } of replies) yield devices
  }

  /** Which of the available ones the plugin would take. */
  async prefer(available: readonly string[], size: number): Promise<string[]> {
    const request = {
      available_deviceIDs: [...available],
      must_include_deviceIDs: [],
      allocation_size: size,
    }
    const { container_responses } = await this.#call<{ container_responses: { deviceIDs: string[] }[] }>(
      'GetPreferredAllocation',
      { container_requests: [request] },
    )
    return container_responses[0]?.deviceIDs ?? []
  }

  async allocate(ids: readonly string[]): Promise<DeviceGrant> {
    const { container_responses } = await this.#call<{ container_responses: DeviceGrant[] }>('Allocate', {
      container_requests: [{ devices_ids: [...ids] }],
    })
    return container_responses[0] ?? { envs: {}, mounts: [], devices: [], annotations: {}, cdi_devices: [] }
  }

  async beforeStart(ids: readonly string[]): Promise<void> {
    await this.#call('PreStartContainer', { devices_ids: [...ids] })
  }

  [Symbol.dispose]() {
    this.#socket[Symbol.dispose]()
  }

  #call<T>(name: string, request: object): Promise<T> {
    return this.#socket.call<T>(kubeletProtocol, service, name, request, askTimeoutMs)
  }
}
