import { clearKubeletFolder, forgetMemoryFolder, forgetShutdownDelay, removePodGroups } from '../agent/index.ts'
import { sleep } from '../base/clock.ts'
import { explain, OptiFlowError } from '../base/errors.ts'
import { removeAnnounced, removeServiceRules } from '../discovery/index.ts'
import { removeNetworkPolicies, removePodNetwork } from '../network/index.ts'
import { isMountPoint, mountPoints, type ObservedPod, type Runtime } from '../runtime/index.ts'
import { dnsIpOf } from './addresses.ts'
import { disableBoot } from './boot-unit.ts'
import { takeFromCaller } from './callers-kubeconfig.ts'
import { removeFromKubeconfig } from './kubeconfig.ts'
import { notedNode } from './node-note.ts'
import { placesOf } from './node-places.ts'
import { openNodeRuntime, runtimeLeftBehind, secretFolderOf } from './node-runtime.ts'
import type { OutsideWorld } from './outside.ts'
import { asPart, type Report } from './part.ts'
import {
  isRunning,
  type NotedProcess,
  readKubeconfigNote,
  readParts,
  readRunFile,
  removeParts,
  removeRunFile,
} from './run-file.ts'
import type { Settings } from './settings.ts'

export interface TearDownOptions {
  settings: Settings
  /** Delete all data too. */
  purge: boolean
  outside: OutsideWorld
  report: Report
}

/** A process or a pod did not end. */
export class StillRunning extends OptiFlowError {}

const patienceMs = 30_000

/** Stops what `up` started from this data folder: processes, containers, containerd, network. Nothing there is fine. */
export async function tearDown({ settings: given, purge, outside, report }: TearDownOptions): Promise<void> {
  const { disk, commands } = outside
  const settings = await notedNode(disk, given)
  const { dataDir } = settings
  const run = await readRunFile(disk, dataDir)
  await asPart(report, 'process', 'stopping', async () => {
    const ended: string[] = []
    for (const one of [...(run ? [run] : []), ...(await readParts(disk, dataDir))])
      ended.push(await endProcess(one, outside))
    return [undefined, ended.join(', ') || 'none was running']
  })

  const places = placesOf(dataDir)
  if (await runtimeLeftBehind(disk, dataDir)) {
    await asPart(report, 'containers', 'stopping', async () => {
      const opened = await openNodeRuntime({ settings, outside })
      let pods: StoppedPods | undefined
      try {
        pods = await stopPods(opened.runtime)
        // With a containerd of our own the rest ends by force, but only for those who want nothing back of it.
        if (pods.failed.length && !(purge && opened.containerd)) throw notStopped(pods)
      } finally {
        await opened.runtime[Symbol.asyncDispose]()
        await forgetMemoryFolder(disk, commands, secretFolderOf(opened.containerd, settings.nodeName))
        for (const folder of settings.kubeletFolders) await forgetPlugins(folder, outside)
        await opened.containerd?.[purge && pods ? 'purge' : 'stop']()
        for (const root of settings.cgroupRoots) await removePodGroups(disk, root)
      }
      await forgetShutdownDelay(disk)
      return [undefined, `${outcomeText(pods)}, containerd ended`]
    })
    await asPart(report, 'network', 'removing', async () => {
      await removeAnnounced(commands, disk, places.announced)
      await removeServiceRules(commands)
      await removeNetworkPolicies(commands)
      await removePodNetwork(commands, disk, {
        cniConfFolder: places.cniConf,
        ipamFolder: places.ipam,
        dnsIp: dnsIpOf(settings),
      })
      return [undefined, 'bridge, rules and routes removed']
    })
  }

  await removeRunFile(disk, dataDir)
  await removeParts(disk, dataDir)
  if (!purge) return
  const units = await disableBoot(outside, dataDir)
  if (units.length)
    await asPart(report, 'boot', 'taking away', async () => [undefined, `${units.join(', ')} taken away`])
  await asPart(report, 'data', 'deleting', async () => {
    const note = await readKubeconfigNote(disk, dataDir)
    if (note)
      await removeFromKubeconfig(disk, note.kubeconfig, note.context).catch(error =>
        outside.log.warn({ error: explain(error) }, 'kubeconfig left as it is'),
      )
    if (note?.callers)
      await takeFromCaller(disk, note.callers, note.context).catch(error =>
        outside.log.warn({ error: explain(error) }, 'kubeconfig left as it is'),
      )
    await unmountBelow(dataDir, outside)
    await disk.remove(dataDir)
    for (const folder of settings.kubeletFolders) await clearKubeletFolder(disk, folder)
    return [undefined, `${dataDir} deleted`]
  })
}

interface StoppedPods {
  stopped: number
  /** Why others were not. */
  failed: string[]
}

/** One pod that does not stop leaves no other running. */
async function stopPods(runtime: Runtime): Promise<StoppedPods> {
  const pods = await runtime.observe()
  const failed: string[] = []
  for (const pod of pods)
    await stopPod(runtime, pod).catch(error => failed.push(`${pod.namespace}/${pod.name}: ${explain(error)}`))
  return { stopped: pods.length - failed.length, failed }
}

const outcomeText = ({ stopped, failed }: StoppedPods): string =>
  `${stopped} pods stopped${failed.length ? `, ${failed.length} killed (${failed[0]})` : ''}`

function notStopped({ stopped, failed }: StoppedPods): StillRunning {
  const all = stopped + failed.length
  return new StillRunning(`${failed.length} of ${all} pods did not stop: ${failed.join('; ')}`, {
    hint: hintFor(failed),
  })
}

/** What the runtime says when the network plugin that made the pods' interfaces is gone is no help to anybody. Pure. */
export function hintFor(failed: readonly string[]): string {
  if (failed.every(text => text.includes('cni plugin not initialized')))
    return 'The CNI plugin that gave them their network is gone: put its configuration back into /etc/cni/net.d, and run the command again'
  return 'Mend what it says, and run the command again'
}

async function stopPod(runtime: Runtime, pod: ObservedPod): Promise<void> {
  await Promise.all(pod.containers.filter(c => c.state === 'running').map(c => runtime.stop(c.id, 2_000)))
  for (const sandbox of pod.sandboxes) {
    await runtime.stopSandbox(sandbox.id)
    await runtime.remove(sandbox.id)
  }
}

async function endProcess(run: NotedProcess, outside: OutsideWorld): Promise<string> {
  const { disk, clock } = outside
  if (!(await isRunning(disk, run))) return `process ${run.pid} had ended already`
  process.kill(run.pid, 'SIGTERM')
  const deadline = clock.monotonicMs() + patienceMs
  while (await isRunning(disk, run)) {
    if (clock.monotonicMs() > deadline) {
      process.kill(run.pid, 'SIGKILL')
      await sleep(clock, 500)
      if (await isRunning(disk, run))
        throw new StillRunning(`process ${run.pid} does not end`, {
          hint: `See what it waits for: cat /proc/${run.pid}/stack`,
        })
      return `process ${run.pid} killed: it did not end within ${patienceMs / 1000} s`
    }
    await sleep(clock, 50)
  }
  return `process ${run.pid} stopped`
}

/** Volumes of CSI drivers that nobody uses any more, and the mount that shares kubelet's folder. */
async function forgetPlugins(folder: string, outside: OutsideWorld): Promise<void> {
  await unmountBelow(folder, outside)
  const { disk, commands } = outside
  // Lazily: a plugin that still runs has its socket there.
  if (await isMountPoint(disk, folder)) await commands.run('umount', ['-l', folder])
}

/** Pods' volumes in memory are mounts; removing the folder above them would fail. */
async function unmountBelow(folder: string, { disk, commands }: OutsideWorld): Promise<void> {
  if (process.platform !== 'linux') return
  const points = await mountPoints(disk)
  for (const { path } of points.reverse())
    if (path.startsWith(`${folder}/`)) await commands.run('umount', ['-l', path], { allowFailure: true })
}
