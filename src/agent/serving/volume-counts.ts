import type { Pod, Volume } from '../../models/types/core-v1.ts'
import { pluginOf } from '../volume/plugin-name.ts'
import { usedVolumes } from '../volume/used-volumes.ts'
import type { ServedNode } from './served-node.ts'
import { family, labelText } from './text-form.ts'

const name = 'volume_manager_total_volumes'

/** Volumes that the pods of the node want, and those that they have: a pod's are there before its sandbox is. */
export function volumeCountFamily(node: ServedNode): string[] {
  const counts = new Map<string, number>()
  for (const pod of node.pods()) {
    const phase = pod.status?.phase
    const has = (node.observed(pod.metadata.uid!)?.sandboxes.length ?? 0) > 0
    const wants = phase !== 'Succeeded' && phase !== 'Failed'
    for (const volume of usedVolumes(pod as Pod)) {
      if (wants) count(counts, volume, 'desired_state_of_world')
      if (has) count(counts, volume, 'actual_state_of_world')
    }
  }
  const lines = [...counts].map(([labels, value]) => `${name}${labels} ${value}`)
  return family(name, 'gauge', 'Volumes of pods, wanted and there', lines)
}

function count(counts: Map<string, number>, volume: Volume, state: string): void {
  const labels = labelText({ plugin_name: pluginOf(volume), state })
  counts.set(labels, (counts.get(labels) ?? 0) + 1)
}
