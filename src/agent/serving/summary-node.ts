import { timeText } from '../../base/clock.ts'
import type { MachineUsage } from './machine-usage.ts'
import { readHostInterfaces } from './pod-network.ts'
import type { ServedNode } from './served-node.ts'
import { cpuStats, fsStats, type ImageSpace, type Looked, type Space, swapStats } from './summary-parts.ts'
import type { PodLook } from './summary-pods.ts'

export interface LookedNode extends Looked {
  machine: MachineUsage | undefined
  looks: readonly PodLook[]
  cpuNanoseconds: number
}

/** NodeStats: the machine; of a node that has none, what its pods use together. */
export async function nodeStats(node: ServedNode, looked: LookedNode): Promise<object> {
  const { time, nanoCores, machine, disk, images, layers, cpuNanoseconds } = looked
  const runtimeFs = (space: ImageSpace | undefined) =>
    space && fsStats(time, space, { usedBytes: space.usedBytes, inodesUsed: space.usedInodes })
  return {
    nodeName: node.nodeName,
    ...(machine ? { systemContainers: [ownStats(node, time)] } : {}),
    startTime: timeText(machine?.bootedAtMs ?? node.startedAtMs),
    cpu: cpuStats(time, nanoCores.get('node') ?? 0, cpuNanoseconds),
    memory: memoryStats(looked),
    ...(machine ? swapStats(time, machine.swap.usedBytes, machine.swap.availableBytes) : {}),
    ...(await networkStats(node, time)),
    ...(disk ? { fs: fsStats(time, disk, usedOf(disk)) } : {}),
    ...(images ? { runtime: { imageFs: runtimeFs(images), containerFs: runtimeFs(layers) } } : {}),
    ...(machine ? { rlimit: { time, maxpid: machine.mostTasks, curproc: machine.tasks } } : {}),
  }
}

function memoryStats({ time, machine, looks }: LookedNode): object {
  if (!machine) return { time, workingSetBytes: looks.reduce((sum, look) => sum + look.workingSetBytes, 0) }
  const { memoryBytes: usageBytes, availableBytes, workingSetBytes, rssBytes, pageFaults, majorPageFaults } = machine
  return { time, availableBytes, usageBytes, workingSetBytes, rssBytes, pageFaults, majorPageFaults }
}

/** The agent is what is called kubelet. */
function ownStats({ clock }: ServedNode, time: string): object {
  const { user, system } = process.cpuUsage()
  const rss = process.memoryUsage.rss()
  return {
    name: 'kubelet',
    startTime: timeText(clock.now() - process.uptime() * 1000),
    cpu: { time, usageCoreNanoSeconds: (user + system) * 1000 },
    memory: { time, usageBytes: rss, workingSetBytes: rss, rssBytes: rss },
  }
}

async function networkStats({ disk }: ServedNode, time: string): Promise<object> {
  if (!disk) return {}
  const interfaces = (await readHostInterfaces(disk)).map(({ name, received, sent }) => ({
    name,
    rxBytes: received.bytes,
    rxErrors: received.errors,
    txBytes: sent.bytes,
    txErrors: sent.errors,
  }))
  const main = interfaces.find(({ name }) => name === 'eth0') ?? interfaces[0]
  return main ? { network: { time, ...main, interfaces } } : {}
}

const usedOf = ({ totalBytes, freeBytes, totalInodes, freeInodes }: Space) => ({
  usedBytes: totalBytes - freeBytes,
  inodesUsed: totalInodes - freeInodes,
})
