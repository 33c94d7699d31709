import type { VolumeUse } from '../volume/volume-use.ts'
import { certificateFamilies } from './certificate-metrics.ts'
import { cpuCountFamilies } from './cpu-counts.ts'
import { podCountFamilies } from './pod-counts.ts'
import { policyFamilies } from './policy-metrics.ts'
import { processFamilies } from './process-metrics.ts'
import type { ServedNode } from './served-node.ts'
import { startupFamilies } from './startup-metrics.ts'
import { family, labelText, single, talliedFamily } from './text-form.ts'
import { volumeCountFamily } from './volume-counts.ts'
import type { VolumeUses } from './volume-uses.ts'

const families: readonly [name: string, figure: Exclude<keyof VolumeUse, 'name' | 'claim'>, help: string][] = [
  ['kubelet_volume_stats_available_bytes', 'availableBytes', 'Bytes that are free in the volume'],
  ['kubelet_volume_stats_capacity_bytes', 'capacityBytes', 'Size of the volume in bytes'],
  ['kubelet_volume_stats_inodes', 'inodes', 'Inodes that the volume has'],
  ['kubelet_volume_stats_inodes_free', 'inodesFree', 'Inodes that are free in the volume'],
  ['kubelet_volume_stats_inodes_used', 'inodesUsed', 'Inodes in use in the volume'],
  ['kubelet_volume_stats_used_bytes', 'usedBytes', 'Bytes in use in the volume'],
]

/**
 * The body of /metrics, in Prometheus' text form: what the agent counted as it worked, pods and containers that run, how full
 * claimed volumes are, and what network policies see.
 */
export async function nodeMetrics(node: ServedNode, volumes: VolumeUses): Promise<string> {
  const [uses, policies, startup, own] = await Promise.all([
    volumes.take(),
    node.network?.policies(),
    startupFamilies(node),
    processFamilies(node.disk, node.clock),
  ])
  const counted = (node.metrics?.families ?? []).map(talliedFamily)
  const states = new Map<string, number>()
  let running = 0
  let ephemeral = 0
  const claims = new Map<string, VolumeUse>()
  for (const { metadata, spec } of node.pods()) {
    ephemeral += spec?.ephemeralContainers?.length ?? 0
    const observed = node.observed(metadata.uid!)
    if (observed?.sandboxes.some(sandbox => sandbox.state === 'ready')) running++
    for (const { state } of observed?.containers ?? []) states.set(state, (states.get(state) ?? 0) + 1)
    // A claim that pods share is one volume.
    for (const use of uses.get(metadata.uid!) ?? [])
      claims.set(`namespace="${metadata.namespace}",persistentvolumeclaim="${use.claim}"`, use)
  }
  const lines = families.flatMap(([name, figure, help]) => {
    const values = [...claims].filter(([, use]) => use[figure] !== undefined)
    return family(
      name,
      'gauge',
      help,
      values.map(([labels, use]) => `${name}{${labels}} ${use[figure]}`),
    )
  })
  const seenAtMs = node.seenAtMs()
  const containers = [...states].map(
    ([state, count]) => `kubelet_running_containers{container_state="${state}"} ${count}`,
  )
  return `${[
    ...family('kubelet_node_name', 'gauge', 'The name of the node; the count is always 1', [
      `kubelet_node_name{node="${node.nodeName}"} 1`,
    ]),
    ...family('kubelet_running_containers', 'gauge', 'Containers of this node by their state', containers),
    ...family('kubelet_running_pods', 'gauge', 'Pods that have a running sandbox', [`kubelet_running_pods ${running}`]),
    ...family('kubernetes_build_info', 'gauge', 'Version of the agent; the value is always 1', [
      `kubernetes_build_info${labelText({ git_version: node.version ?? '', major: '1', minor: '32', platform: 'linux' })} 1`,
    ]),
    ...single('kubelet_cgroup_version', 'gauge', 'Version of control groups', node.groups()?.version),
    ...single(
      'kubelet_first_network_pod_start_sli_duration_seconds',
      'gauge',
      'How long the first pod with a network of its own took to start, less the pulls of its images',
      node.metrics?.firstOnNetworkSeconds,
    ),
    ...family('kubelet_managed_ephemeral_containers', 'gauge', 'Ephemeral containers of pods of this node', [
      `kubelet_managed_ephemeral_containers ${ephemeral}`,
    ]),
    ...startup,
    ...podCountFamilies(node.workedPods(), node.mirrorPods()),
    ...single('kubelet_pleg_last_seen_seconds', 'gauge', 'When the runtime was last seen, since 1970', seenAtMs / 1000),
    ...counted.flat(),
    ...volumeCountFamily(node),
    ...cpuCountFamilies(node),
    ...lines,
    ...certificateFamilies(node),
    ...own,
    ...policyFamilies(policies ?? []),
  ].join('\n')}\n`
}
