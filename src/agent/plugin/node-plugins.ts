import { join } from 'node:path'
import { explain } from '../../base/errors.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import { CsiDrivers } from '../csi/csi-drivers.ts'
import { CsiVolumes } from '../csi/csi-volumes.ts'
import { Devices } from '../device/devices.ts'
import { servePodResources } from '../device/pod-resources.ts'
import { DeviceClaims } from '../dra/device-claims.ts'
import type { Registration } from '../node/registration.ts'
import type { ReferencedObjects } from '../objects.ts'
import type { AgentOptions } from '../options.ts'
import type { Numa } from '../topology/numa.ts'
import type { Shares } from '../topology/shares.ts'
import type { ServiceAccountTokens } from '../volume/service-account-tokens.ts'
import type { VolumeGrowth } from '../volume/volume-growth.ts'
import { PluginWatcher } from './plugin-watcher.ts'

/** The programs that extend this node, below kubelet's folder, where they look for it. */
export interface NodePlugins extends AsyncDisposable {
  csi: CsiVolumes
  devices: Devices
  claims: DeviceClaims
  /** Takes up what an agent before us has left. */
  restore(): Promise<void>
  /** Listens for plugins. */
  start(): Promise<void>
}

export function createNodePlugins(
  options: AgentOptions & { kubeletFolder: string },
  parts: {
    objects: ReferencedObjects
    tokens: ServiceAccountTokens
    growth: VolumeGrowth
    registration: Registration
    /** Undefined while they are not all known. */
    activePods(): Pod[] | undefined
    /** Undefined: nobody asks what devices are near to. */
    numa(): Numa | undefined
    /** Undefined: no container has anything for itself. */
    shares(): Shares | undefined
  },
): NodePlugins {
  const { kubeletFolder, log } = options
  const { objects, tokens, growth, registration, activePods } = parts
  const drivers = new CsiDrivers(options)
  const csi = new CsiVolumes({
    ...options,
    drivers,
    objects,
    tokens,
    growth,
    announce: names => registration.announceVolumes(names),
  })
  const devices = new Devices({
    ...options,
    folder: join(kubeletFolder, 'device-plugins'),
    activePods() {
      const pods = activePods()
      return pods && new Set(pods.map(p => p.metadata.uid!))
    },
    onChange: () => void registration.updateStatus(),
    numa: parts.numa,
  })
  const claims = new DeviceClaims({ ...options, objects })
  const watcher = new PluginWatcher({
    ...options,
    folder: join(kubeletFolder, 'plugins_registry'),
    kinds: [drivers, devices, claims],
  })
  let resources: AsyncDisposable | undefined
  return {
    csi,
    devices,
    claims,
    async restore() {
      await csi.start()
      await devices.restore()
      await claims.restore()
    },
    async start() {
      await drivers.announce().catch(error => log.warn({ error: explain(error) }, 'CSINode not written'))
      await devices.start()
      resources = await servePodResources(options.disk, kubeletFolder, {
        ...{ devices, claims, shares: parts.shares },
        pods: () => activePods() ?? [],
      })
      await watcher.start()
    },
    async [Symbol.asyncDispose]() {
      await watcher.stop()
      drivers[Symbol.dispose]()
      claims[Symbol.dispose]()
      await devices[Symbol.asyncDispose]()
      await resources?.[Symbol.asyncDispose]()
    },
  }
}
