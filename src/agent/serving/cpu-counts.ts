import type { ServedNode } from './served-node.ts'
import { single } from './text-form.ts'

/** What the static policy of processors has given away. */
export function cpuCountFamilies({ cpuCounts }: ServedNode): string[] {
  const counts = cpuCounts?.()
  if (!counts) return []
  const { exclusive, free } = counts
  return [
    ...single(
      'kubelet_cpu_manager_exclusive_cpu_allocation_count',
      'gauge',
      'Processors that containers have for themselves',
      exclusive,
    ),
    ...single(
      'kubelet_cpu_manager_shared_pool_size_millicores',
      'gauge',
      'Thousandths of processors that containers share and nobody has reserved',
      free * 1000,
    ),
  ]
}
