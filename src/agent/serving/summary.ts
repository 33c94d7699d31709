import { timeText } from '../../base/clock.ts'
import type { FilesystemUse } from '../../runtime/runtime.ts'
import type { CpuRates } from './cpu-rates.ts'
import type { LocalStorage } from './local-storage.ts'
import { readMachineUsage } from './machine-usage.ts'
import type { ServedNode } from './served-node.ts'
import { nodeStats } from './summary-node.ts'
import { lookAtPod, podStats } from './summary-pods.ts'
import type { VolumeUses } from './volume-uses.ts'

/** What is remembered of a node between two questions. */
export interface Remembered {
  rates: CpuRates
  volumes: VolumeUses
  storage: LocalStorage
}

/**
 * The body of /stats/summary.
 * @param brief nothing but processors and memory, which costs a fraction: of the disk nothing is asked
 * @see https://kubernetes.io/docs/reference/instrumentation/node-metrics/
 */
export async function summary(
  node: ServedNode,
  { rates, volumes, storage }: Remembered,
  brief = false,
): Promise<object> {
  const atMs = node.clock.now()
  const [usages, claims, folders, machine, disk, runtimeSpace] = await Promise.all([
    node.runtime.stats(),
    brief ? new Map() : volumes.take(),
    brief ? new Map() : storage.take(),
    readMachineUsage(node.disk),
    brief ? undefined : node.disk?.space(node.places.folder).catch(() => undefined),
    brief ? { images: undefined, layers: undefined } : imageSpace(node),
  ])
  const pods = new Map(node.pods().map(pod => [pod.metadata.uid!, pod]))
  const looks = await Promise.all(
    usages.flatMap(usage => {
      const pod = pods.get(usage.uid)
      return pod ? lookAtPod(node, pod, usage) : []
    }),
  )
  const sum = looks.reduce((total, look) => total + look.cpuNanoseconds, 0)
  const whole = { id: 'node', cpuNanoseconds: machine?.cpuNanoseconds ?? sum, atMs }
  const nanoCores = rates.take([whole, ...looks.flatMap(look => [look, ...look.usage.containers])])
  const shared = { time: timeText(atMs), atMs, nanoCores, folders, claims, disk, ...runtimeSpace }
  const ofNode = await nodeStats(node, { ...shared, machine, looks, cpuNanoseconds: whole.cpuNanoseconds })
  const ofPods = looks.map(look => podStats(node, look, shared))
  return brief ? { node: briefly(ofNode), pods: ofPods.map(briefly) } : { node: ofNode, pods: ofPods }
}

const inBrief = new Set(['nodeName', 'podRef', 'name', 'startTime', 'cpu', 'memory', 'systemContainers', 'containers'])

/** Processors and memory of it and of what is in it. */
function briefly(stats: object): object {
  const kept = Object.entries(stats).filter(([name]) => inBrief.has(name))
  return Object.fromEntries(kept.map(([name, value]) => [name, Array.isArray(value) ? value.map(briefly) : value]))
}

/** The file systems of images and of what containers write, mostly one; what each takes of it. */
async function imageSpace({ runtime, disk }: ServedNode) {
  const images = await runtime.imageFilesystem().catch(() => undefined)
  const spaceOf = async (own: FilesystemUse | undefined) => {
    const space = own && (await disk?.space(own.path).catch(() => undefined))
    return own && space && { ...space, usedBytes: own.usedBytes, usedInodes: own.usedInodes }
  }
  return { images: await spaceOf(images), layers: await spaceOf(images?.layers) }
}
