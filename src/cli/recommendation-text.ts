import { compareQuantities } from '../base/quantity.ts'
import type { Container } from '../models/types/core-v1.ts'
import type { Recommendation } from '../models/types/optiflow-v1.ts'

/** Lines of the table: one for each container and resource. @param containers those of the workload's template */
export function recommendationRows(
  { metadata, spec, status }: Recommendation,
  containers: readonly Container[],
  withNamespace = false,
): string[][] {
  const workload = `${spec.targetRef?.kind?.toLowerCase()}/${spec.targetRef?.name}`
  const place = withNamespace ? [metadata.namespace ?? ''] : []
  return (status?.recommendation?.containerRecommendations ?? []).flatMap(one => {
    const asked = containers.find(c => c.name === one.containerName)?.resources?.requests ?? {}
    return ['cpu', 'memory'].map(resource => {
      const { [resource]: target = '' } = one.target ?? {}
      const { [resource]: uncapped = target } = one.uncappedTarget ?? {}
      const limited =
        uncapped && target && compareQuantities(uncapped, target) > 0 ? ` (${uncapped} without its limit)` : ''
      const bounds = [one.lowerBound?.[resource] ?? '', `${target}${limited}`, one.upperBound?.[resource] ?? '']
      return [...place, workload, one.containerName, resource, asked[resource] ?? '-', ...bounds]
    })
  })
}
