import type { Container } from '../../models/types/core-v1.ts'
import type { ClusterState } from '../cluster-state.ts'
import type { Devices } from '../gpu/device-ledger.ts'
import { deviceMilli, type GpuRequest, gpuMilliResource, gpuRequestOf, wholeGpuResources } from '../gpu/gpu-request.ts'
import { podRequests } from '../resource-table.ts'
import type { Refused } from './refusals.ts'
import type { Repair } from './repair.ts'

/** Thousandths: the largest request, smaller than this one, that the free devices would serve; 0 if there is none. */
export function largestServed({ free }: Devices, { devices, milliEach }: GpuRequest): number {
  let whole = 0
  let most = 0
  for (const milli of free) {
    if (milli >= deviceMilli) whole++
    if (milli > most) most = milli
  }
  return whole ? Math.min(whole * deviceMilli, devices * milliEach) : Math.min(most, devices * milliEach)
}

/** Asks for fewer devices, or for a smaller share of one, if one container alone asks for them. */
export function askForFewerDevices(repair: Repair, { node }: Refused, state: ClusterState): boolean {
  const { pod } = repair
  const devices = state.gpus.ledger.at(node.index)
  const request = gpuRequestOf(pod, podRequests(pod, state.resources), state.resources.names)
  if (!devices || !request || request.invalid) return false
  const asking = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].flatMap(asksFor)
  const [first] = asking
  if (!first || asking.length > 1) return false
  const { container, resource } = first
  const milli = largestServed(devices, request)
  const amount = resource === gpuMilliResource ? milli : Math.floor(milli / deviceMilli)
  if (!amount) return false
  const from = container.resources!.requests![resource]!
  setRequest(container, resource, `${amount}`)
  repair.requests.push({ container: container.name, resource, from, to: `${amount}` })
  repair.words.push(`${resource} ${from} → ${amount}`)
  repair.cost += Math.max(1 - milli / (request.devices * request.milliEach), 0.01)
  return true
}

function asksFor(container: Container): { container: Container; resource: string }[] {
  return [gpuMilliResource, ...wholeGpuResources]
    .filter(resource => container.resources?.requests?.[resource])
    .map(resource => ({ container, resource }))
}

/** Of what has a domain in its name, the limit must be what is requested. */
export function setRequest({ resources }: Container, resource: string, to: string): void {
  resources!.requests![resource] = to
  if (resource.includes('/') && resources!.limits?.[resource]) resources!.limits[resource] = to
}
