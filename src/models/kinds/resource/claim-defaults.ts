import type { ResourceClaimSpec } from '../../types/resource-v1beta1.ts'

/** One device a request, unless it says how many. */
export function defaultClaimSpec(spec: ResourceClaimSpec | undefined): void {
  for (const request of spec?.devices?.requests ?? []) {
    request.allocationMode ||= 'ExactCount'
    if (request.allocationMode === 'ExactCount') request.count ||= 1
  }
}
