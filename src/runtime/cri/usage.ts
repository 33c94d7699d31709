import type { PodUsage } from '../runtime.ts'
import { CallFailed, type Connection } from './connection.ts'
import type { ContainerStats, PodSandboxStats } from './messages.ts'
import { criLabels } from './spec.ts'

/** What every pod uses now: by pods where the runtime counts so (with the network), else by containers. */
export async function readUsage(connection: Connection, owner: string | undefined): Promise<PodUsage[]> {
  const filter = owner ? { label_selector: { [criLabels.owner]: owner } } : {}
  try {
    const { stats } = await connection.runtime<{ stats: PodSandboxStats[] }>('ListPodSandboxStats', { filter })
    return stats.map(pod => {
      const network = pod.linux?.network?.default_interface
      return {
        uid: pod.attributes.metadata.uid,
        containers: (pod.linux?.containers ?? []).map(describe),
        ...(network
          ? { network: { rxBytes: network.rx_bytes?.value ?? 0, txBytes: network.tx_bytes?.value ?? 0 } }
          : {}),
      }
    })
  } catch (error) {
    if (!(error instanceof CallFailed)) throw error
    // Older runtimes have no pod statistics, and containerd 1.6 fails all of them when one sandbox ends meanwhile.
    return byContainers(connection)
  }
}

async function byContainers(connection: Connection): Promise<PodUsage[]> {
  const { stats } = await connection.runtime<{ stats: ContainerStats[] }>('ListContainerStats', { filter: {} })
  const pods = new Map<string, PodUsage>()
  for (const container of stats) {
    const uid = container.attributes.labels[criLabels.podUid]
    if (uid === undefined) continue
    const pod = pods.get(uid) ?? { uid, containers: [] }
    pod.containers.push(describe(container))
    pods.set(uid, pod)
  }
  return [...pods.values()]
}

function describe({ attributes, cpu, memory, writable_layer }: ContainerStats): PodUsage['containers'][number] {
  return {
    id: attributes.id,
    name: attributes.metadata.name,
    cpuNanoseconds: cpu?.usage_core_nano_seconds?.value ?? 0,
    memoryWorkingSetBytes: memory?.working_set_bytes?.value ?? 0,
    ...(memory?.usage_bytes ? { memoryUsageBytes: memory.usage_bytes.value } : {}),
    ...(memory?.rss_bytes ? { memoryRssBytes: memory.rss_bytes.value } : {}),
    ...(writable_layer?.used_bytes ? { filesystemUsedBytes: writable_layer.used_bytes.value } : {}),
    ...(writable_layer?.inodes_used ? { filesystemUsedInodes: writable_layer.inodes_used.value } : {}),
    atMs: Math.floor((cpu?.timestamp ?? 0) / 1e6),
  }
}
