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
        containers: newest((pod.linux?.containers ?? []).map(describe)),
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
  return [...pods.values()].map(pod => ({ ...pod, containers: newest(pod.containers) }))
}

/**
 * Of containers of one name the one that runs: runtimes go on telling of those that ended, which use nothing any more. Of several that
 * were looked at only the last counts, since who reads figures takes two of one name for a mistake.
 */
function newest(containers: readonly Usage[]): Usage[] {
  const byName = new Map<string, Usage>()
  for (const one of containers) {
    const other = byName.get(one.name)
    if (!other || isLater(one, other)) byName.set(one.name, one)
  }
  return [...byName.values()]
}

type Usage = PodUsage['containers'][number]

/** One that ended has no memory. */
const isLater = (one: Usage, other: Usage): boolean =>
  one.memoryWorkingSetBytes > 0 === other.memoryWorkingSetBytes > 0
    ? one.atMs > other.atMs
    : one.memoryWorkingSetBytes > 0

function describe({ attributes, cpu, memory, writable_layer }: ContainerStats): Usage {
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
