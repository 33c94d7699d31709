import { join } from 'node:path'
import type { Disk } from '../base/disk.ts'
import type { Disposal } from '../base/disposal.ts'
import {
  askPatiently,
  openContainerd,
  type Runtime,
  type SupervisedContainerd,
  superviseContainerd,
} from '../runtime/index.ts'
import { checkDemands } from './machine-demands.ts'
import { noteNode } from './node-note.ts'
import { placesOf } from './node-places.ts'
import type { OutsideWorld } from './outside.ts'
import { asPart, type Report } from './part.ts'
import { checkMachine } from './preflight.ts'
import type { Settings } from './settings.ts'

export interface NodeRuntime {
  runtime: Runtime
  /** Ours, unless the user's own endpoint is used. */
  containerd: SupervisedContainerd | undefined
}

/** Opens containerd: the user's own endpoint, or an instance of ours, started or adopted. @throws MachineNotReady, ContainerdFailed */
export async function openNodeRuntime({
  settings,
  outside,
}: {
  settings: Settings
  outside: OutsideWorld
}): Promise<NodeRuntime> {
  const { cniBinFolders } = await checkMachine(outside.disk, settings.network)
  await checkDemands(outside.disk, settings)
  const places = placesOf(settings.dataDir)
  const foreign = settings.network === 'cni'
  const endpoint = settings.containerRuntimeEndpoint?.replace(/^unix:\/\//, '')
  const containerd = endpoint
    ? undefined
    : await superviseContainerd({
        ...outside,
        folder: places.containerd,
        cniBinFolders: foreign ? [...new Set([settings.cniBinDir, ...cniBinFolders])] : cniBinFolders,
        cniConfFolder: foreign ? settings.cniConfDir : places.cniConf,
        registries: settings.registryMirrors.map(text => {
          const [host, url] = text.split('=') as [string, string | undefined]
          return { host, ...(url ? { server: url } : {}) }
        }),
      })
  // Beside the rest of what containerd holds open, so that a purge takes it too.
  const pipes = containerd ? { pipeFolder: join(containerd.stateFolder, 'exec') } : {}
  const runtime = await openContainerd({ ...outside, socket: endpoint ?? containerd!.socket, ...pipes } as any)
  return { runtime, containerd }
}

/** As a part of a node's start: one of ours is started again if it has just ended; somebody else's must be there. */
export async function startNodeRuntime(
  { settings, outside, report }: { settings: Settings; outside: OutsideWorld; report: Report },
  stack: Disposal,
): Promise<NodeRuntime> {
  const opened = await asPart(report, 'runtime', 'starting containerd', async () => {
    await noteNode(outside.disk, settings)
    const opened = await openNodeRuntime({ settings, outside })
    const { runtime, containerd } = opened
    const ask = () => runtime.version()
    const { name, version } = await (containerd ? askPatiently(outside.clock, ask) : ask())
    return [opened, `${name} ${version}${containerd?.adopted ? ', taken over as it was running' : ''}`]
  })
  stack.use(opened.runtime)
  if (opened.containerd) stack.use(opened.containerd)
  return opened
}

/** Where the pods of this node have their secrets and tokens: in memory, never on the disk. */
export function secretFolderOf(containerd: SupervisedContainerd | undefined, nodeName: string): string {
  return join(containerd?.stateFolder ?? `/run/optiflow/${nodeName}`, 'secrets')
}

/** True when a containerd of ours has run from this data folder: there may be pods. */
export async function runtimeLeftBehind(disk: Disk, dataDir: string): Promise<boolean> {
  return disk.exists(placesOf(dataDir).containerd)
}
