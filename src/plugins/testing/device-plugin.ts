import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../base/clock.ts'
import { servePlugin } from '../plugin-server.ts'
import { PluginSocket } from '../plugin-socket.ts'
import { kubeletProtocol } from '../protocols.ts'

export interface TestDevicePluginOptions {
  /** `<kubelet>/device-plugins` */
  folder: string
  resource: string
  ids: string[]
  preStart?: boolean
  /** Asks to be asked; takes the last ones. */
  prefers?: boolean
  /** The NUMA node that each of `ids` is near to. */
  numa?: number[]
  /** It cannot say how it wants to be asked: these words. */
  broken?: string
  /** Device nodes that every container gets. */
  nodes?: { host_path: string; container_path: string; permissions: string }[]
}

export interface TestDevicePlugin extends AsyncDisposable {
  /** `Allocate GPU-0,GPU-1`, in order. */
  calls: string[]
  setHealth(id: string, healthy: boolean): void
}

/** A device plugin that hands out imagined GPUs: the container is told their names. Registers itself with the node. */
export async function startTestDevicePlugin(options: TestDevicePluginOptions): Promise<TestDevicePlugin> {
  const { folder, resource, ids } = options
  await mkdir(folder, { recursive: true })
  const name = `${resource.replace('/', '-')}.sock`
  const socket = join(folder, name)
  await rm(socket, { force: true })
  const unhealthy = new Set<string>()
  const watchers = new Set<() => void>()
  const calls: string[] = []
  const near = (i: number) => (options.numa ? { topology: { nodes: [{ ID: options.numa[i]! }] } } : {})
  const devices = () => ({
    devices: ids.map((ID, i) => ({ ID, health: unhealthy.has(ID) ? 'Unhealthy' : 'Healthy', ...near(i) })),
  })
  const pluginOptions = {
    pre_start_required: options.preStart ?? false,
    get_preferred_allocation_available: options.prefers ?? false,
  }
  const server = await servePlugin(socket, [
    {
      protocol: kubeletProtocol,
      service: 'v1beta1.DevicePlugin',
      methods: {
        GetDevicePluginOptions() {
          if (options.broken) throw new Error(options.broken)
          return pluginOptions
        },
        ListAndWatch: (_: object, send: (reply: object) => void, gone: AbortSignal) => {
          const tell = () => send(devices())
          watchers.add(tell)
          gone.addEventListener('abort', () => watchers.delete(tell), { once: true })
          tell()
        },
        GetPreferredAllocation: ({ container_requests }: any) => ({
          container_responses: container_requests.map(({ available_deviceIDs, allocation_size }: any) => ({
            deviceIDs: available_deviceIDs.toSorted().slice(-allocation_size),
          })),
        }),
        Allocate: ({ container_requests }: any) => ({
          container_responses: container_requests.map(({ devices_ids }: { devices_ids: string[] }) => {
            calls.push(`Allocate ${devices_ids}`)
            return {
              envs: { VISIBLE_DEVICES: devices_ids.join(',') },
              mounts: [],
              devices: options.nodes ?? [],
              annotations: { 'gpu.test/devices': devices_ids.join(',') },
              cdi_devices: [],
            }
          }),
        }),
        PreStartContainer: ({ devices_ids }: any) => {
          calls.push(`PreStartContainer ${devices_ids}`)
          return {}
        },
      },
    },
  ])
  using kubelet = new PluginSocket(join(folder, 'kubelet.sock'), systemClock)
  const request = { version: 'v1beta1', endpoint: name, resource_name: resource, options: pluginOptions }
  try {
    await kubelet.call(kubeletProtocol, 'v1beta1.Registration', 'Register', request)
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
  return {
    calls,
    setHealth(id, healthy) {
      if (healthy) unhealthy.delete(id)
      else unhealthy.add(id)
      for (const tell of watchers) tell()
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await rm(socket, { force: true })
    },
  }
}
