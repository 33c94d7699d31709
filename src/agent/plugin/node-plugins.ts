import { join } from 'node:path'
import { explain } from '../../base/errors.ts'
import { CsiDrivers } from '../csi/csi-drivers.ts'
import { CsiVolumes } from '../csi/csi-volumes.ts'
import type { Registration } from '../node/registration.ts'
import type { ReferencedObjects } from '../objects.ts'
import type { AgentOptions } from '../options.ts'
import type { ServiceAccountTokens } from '../volume/service-account-tokens.ts'
import { PluginWatcher } from './plugin-watcher.ts'

/** The programs that extend this node, below kubelet's folder, where they look for it. */
export interface NodePlugins extends AsyncDisposable {
  csi: CsiVolumes
  /** Listens for plugins. */
  start(): Promise<void>
}

export function createNodePlugins(
  options: AgentOptions & { kubeletFolder: string },
  parts: { objects: ReferencedObjects; tokens: ServiceAccountTokens; registration: Registration },
): NodePlugins {
  const { kubeletFolder, log } = options
  const { objects, tokens, registration } = parts
  const drivers = new CsiDrivers(options)
  const csi = new CsiVolumes({
    ...options,
    drivers,
    objects,
    tokens,
    announce: names => registration.announceVolumes(names),
  })
  const watcher = new PluginWatcher({ ...options, folder: join(kubeletFolder, 'plugins_registry'), kinds: [drivers] })
  return {
    csi,
    async start() {
      await drivers.announce().catch(error => log.warn({ error: explain(error) }, 'CSINode not written'))
      await watcher.start()
    },
    async [Symbol.asyncDispose]() {
      await watcher.stop()
      drivers[Symbol.dispose]()
    },
  }
}
