import type { NodeSelector, NodeSelectorRequirement } from '../../models/types/core-v1.ts'
import type {
  AllocationResult,
  DeviceAllocationConfiguration,
  DeviceClass,
  DeviceRequest,
  DeviceRequestAllocationResult,
  ResourceClaim,
} from '../../models/types/resource-v1beta1.ts'
import type { PooledDevice } from './pools.ts'

/** A device for a request. */
export interface Given {
  request: DeviceRequest
  device: PooledDevice
}

/** What is written to a claim that gets these devices on the node. */
export function allocationResult(
  claim: ResourceClaim,
  classes: { get(name: string): DeviceClass | undefined },
  given: readonly Given[],
  node: string,
): AllocationResult {
  const results: DeviceRequestAllocationResult[] = given.map(({ request, device: { driver, pool, device } }) => ({
    request: request.name,
    driver,
    pool,
    device: device.name,
    ...(request.adminAccess ? { adminAccess: true } : {}),
  }))
  const config = configOf(claim, classes)
  const selector = reach(
    given.map(g => g.device),
    node,
  )
  return {
    devices: { results, ...(config.length ? { config } : {}) },
    ...(selector ? { nodeSelector: selector } : {}),
  }
}

/** That of each class once, for all requests of that class; then the claim's own. */
function configOf(
  { spec }: ResourceClaim,
  classes: { get(name: string): DeviceClass | undefined },
): DeviceAllocationConfiguration[] {
  const requestsOf = new Map<string, string[]>()
  for (const { name, deviceClassName } of spec.devices?.requests ?? [])
    requestsOf.set(deviceClassName, [...(requestsOf.get(deviceClassName) ?? []), name])
  const fromClasses = [...requestsOf].flatMap(([name, requests]) =>
    (classes.get(name)?.spec.config ?? []).map(c => ({ source: 'FromClass', requests, ...c })),
  )
  const fromClaim = (spec.devices?.config ?? []).map(c => ({ source: 'FromClaim', ...c }))
  return [...fromClasses, ...fromClaim]
}

/** From where all of the devices can be used; undefined: from everywhere. */
function reach(devices: readonly PooledDevice[], node: string): NodeSelector | undefined {
  if (devices.some(d => d.slice.spec.nodeName))
    return { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }] }
  const terms = devices.flatMap(d => d.slice.spec.nodeSelector?.nodeSelectorTerms ?? [])
  const matchExpressions = distinct(terms.flatMap(t => t.matchExpressions ?? []))
  const matchFields = distinct(terms.flatMap(t => t.matchFields ?? []))
  if (!matchExpressions.length && !matchFields.length) return undefined
  return {
    nodeSelectorTerms: [
      { ...(matchExpressions.length ? { matchExpressions } : {}), ...(matchFields.length ? { matchFields } : {}) },
    ],
  }
}

/** Values are a set: their order says nothing. */
function distinct(requirements: readonly NodeSelectorRequirement[]): NodeSelectorRequirement[] {
  const keyOf = ({ key, operator, values = [] }: NodeSelectorRequirement) =>
    JSON.stringify([key, operator, [...new Set(values)].sort()])
  return [...new Map(requirements.toReversed().map(r => [keyOf(r), r])).values()].toReversed()
}
