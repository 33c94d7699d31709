import { join } from 'node:path'
import type { Commands } from '../../base/commands.ts'
import type { Disk } from '../../base/disk.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import type { PodUsage, Runtime } from '../../runtime/runtime.ts'
import { logFolderOf } from '../pod/container-spec.ts'
import { folderSizes } from '../volume/folder-sizes.ts'
import { emptyDirFolder } from '../volume/places.ts'
import type { Held } from './filesystems.ts'
import type { LocalUse } from './own-limits.ts'
import type { Candidate, PodUse } from './ranking.ts'

export interface Measured {
  disk: Disk
  commands: Commands
  runtime: Runtime
  folder: string
  logFolder: string
}

/** What each pod uses now, for the ranking. @param held what of it counts as use of the disk */
export async function usesOf(pods: readonly Pod[], tools: Measured, held: Held): Promise<Candidate[]> {
  const stats = await tools.runtime.stats().catch(() => [])
  const processes = await processesByContainer(tools.disk)
  return Promise.all(
    pods.map(async pod => {
      const usage = stats.find(s => s.uid === pod.metadata.uid)
      return { pod, use: usage && (await useOf(pod, usage, processes, tools, held)) }
    }),
  )
}

async function useOf(
  pod: Pod,
  usage: PodUsage,
  processes: ReadonlyMap<string, number>,
  tools: Measured,
  held: Held,
): Promise<PodUse> {
  const local = await localUse(pod, usage, tools, held)
  const emptyDirs = held.logsAndVolumes ? onDisk(pod) : []
  const volumes = await Promise.all(emptyDirs.map(name => inodesBelow(emptyDirOf(pod, name, tools), tools)))
  const sum = (numbers: Iterable<number>) => [...numbers].reduce((a, b) => a + b, 0)
  return {
    memoryBytes: sum(usage.containers.map(c => c.memoryWorkingSetBytes)),
    diskBytes: sum(local.containers.values()) + sum(local.emptyDirs.values()),
    inodes: (held.layers ? sum(usage.containers.map(c => c.filesystemUsedInodes ?? 0)) : 0) + sum(volumes),
    processes: sum(usage.containers.map(c => processes.get(c.id) ?? 0)),
    containers: usage.containers.map(c => ({
      name: c.name,
      memoryBytes: c.memoryWorkingSetBytes,
      diskBytes: local.containers.get(c.name) ?? 0,
    })),
  }
}

/** Local storage of one pod. @param usage of the runtime; undefined when it knows of none. @param held what of it counts */
export async function localUse(pod: Pod, usage: PodUsage | undefined, tools: Measured, held: Held): Promise<LocalUse> {
  const emptyDirs = new Map<string, number>()
  for (const name of held.logsAndVolumes ? onDisk(pod) : [])
    emptyDirs.set(name, await bytesBelow(emptyDirOf(pod, name, tools), tools))
  const containers = new Map<string, number>()
  const logs = logFolderOf(pod, tools.logFolder)
  for (const { name } of pod.spec.containers) {
    const layer = held.layers ? (usage?.containers.find(c => c.name === name)?.filesystemUsedBytes ?? 0) : 0
    containers.set(name, layer + (held.logsAndVolumes ? await bytesBelow(join(logs, name), tools) : 0))
  }
  return { emptyDirs, containers }
}

/** Those in memory are bounded by their own file system and count as memory. */
const onDisk = ({ spec }: Pod) =>
  (spec.volumes ?? []).flatMap(({ name, emptyDir }) => (emptyDir && emptyDir.medium !== 'Memory' ? [name] : []))

const emptyDirOf = (pod: Pod, name: string, { folder }: Measured) => emptyDirFolder(folder, pod.metadata.uid!, name)

const sizeOf = async (path: string, { commands }: Measured, measure: 'bytes' | 'inodes') =>
  (await folderSizes(commands, [path], measure)).get(path) ?? 0
const bytesBelow = (path: string, tools: Measured) => sizeOf(path, tools, 'bytes')
const inodesBelow = (path: string, tools: Measured) => sizeOf(path, tools, 'inodes')

/** Threads and processes count alike; the kernel's limit does too, but for a ranking processes tell enough. */
async function processesByContainer(disk: Disk): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>()
  for (const { name } of await disk.list('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue
    const groups = await disk.readText(`/proc/${name}/cgroup`).catch(() => '')
    const id = /[0-9a-f]{64}/.exec(groups)?.[0]
    if (id) counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  return counts
}
