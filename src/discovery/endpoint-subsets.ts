import { canonicalJson, sameMeaning } from '../base/equality.ts'
import { isPodReady } from '../models/pod-state.ts'
import type {
  EndpointAddress,
  EndpointPort,
  EndpointSubset,
  Pod,
  Service,
  ServicePort,
} from '../models/types/core-v1.ts'
import { addressTypes, hostnameOf, isHeadless, podAddresses, targetPortOf, targetRefOf } from './service-pods.ts'

/** More addresses than this are left out of one Endpoints object. */
export const capacity = 1000

interface Placed {
  address: EndpointAddress
  ready: boolean
  ports: EndpointPort[]
}

/** The subsets of a Service's Endpoints: addresses with the same ports together. */
export function subsetsOf(service: Service, pods: readonly Pod[]): EndpointSubset[] {
  const placed = new Map<string, Placed>()
  const lenient = service.spec?.publishNotReadyAddresses ?? false
  for (const pod of pods) {
    const ip = podAddresses(pod, addressTypes(service)[0]!)[0]
    if (!ip) continue
    const ready = lenient || isPodReady(pod)
    const ports = portsOf(service, pod)
    if (!ports) continue
    const hostname = hostnameOf(pod, service)
    const address: EndpointAddress = {
      ip,
      ...(hostname ? { hostname } : {}),
      ...(pod.spec?.nodeName ? { nodeName: pod.spec.nodeName } : {}),
      targetRef: targetRefOf(pod),
    }
    placed.set(`${ip} ${pod.metadata.uid}`, { address, ready, ports })
  }
  return pack([...placed.values()])
}

/** The pod's ports; undefined when it has none of those that the Service names. */
function portsOf(service: Service, pod: Pod): EndpointPort[] | undefined {
  const wanted = service.spec?.ports ?? []
  if (!wanted.length) return isHeadless(service) ? [] : undefined
  const ports = wanted.flatMap(port => {
    const target = targetPortOf(pod, port)
    return target === undefined ? [] : [endpointPort(port, target)]
  })
  return ports.length ? ports : undefined
}

export function endpointPort(port: ServicePort, target: number): EndpointPort {
  return {
    ...(port.name ? { name: port.name } : {}),
    port: target,
    protocol: port.protocol ?? 'TCP',
    ...(port.appProtocol ? { appProtocol: port.appProtocol } : {}),
  }
}

/** The same, said once: an address that stands in several subsets has the ports of all of them. */
export function repacked(subsets: readonly EndpointSubset[]): EndpointSubset[] {
  const placed = new Map<string, Placed>()
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of subsets)
    for (const [list, ready] of [
      [addresses, true],
      [notReadyAddresses, false],
    ] as const)
      for (const address of list) {
        const key = `${ready} ${addressText(address)}`
        const known = placed.get(key)
        if (known) known.ports.push(...ports.filter(p => !known.ports.some(k => sameMeaning(k, p))))
        else placed.set(key, { address, ready, ports: [...ports] })
      }
  return pack([...placed.values()])
}

function pack(placed: readonly Placed[]): EndpointSubset[] {
  const groups = new Map<string, Placed[]>()
  for (const one of placed) {
    one.ports.sort((a, b) => (portText(a) < portText(b) ? -1 : 1))
    const key = canonicalJson(one.ports)
    groups.set(key, [...(groups.get(key) ?? []), one])
  }
  return [...groups.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, members]) => {
      const addresses = sorted(members.filter(m => m.ready))
      const notReadyAddresses = sorted(members.filter(m => !m.ready))
      const { ports } = members[0]!
      return {
        ...(addresses.length ? { addresses } : {}),
        ...(notReadyAddresses.length ? { notReadyAddresses } : {}),
        ...(ports.length ? { ports } : {}),
      }
    })
}

const portText = (p: EndpointPort) => `${p.name ?? ''} ${p.protocol} ${String(p.port).padStart(5, '0')}`
const addressText = (a: EndpointAddress) => `${a.ip} ${a.targetRef?.uid ?? ''}`

function sorted(members: readonly Placed[]): EndpointAddress[] {
  return members.map(m => m.address).sort((a, b) => (addressText(a) < addressText(b) ? -1 : 1))
}

/** At most `capacity` addresses in all, ready ones first, shared among the subsets in proportion. */
export function truncated(subsets: EndpointSubset[]): { subsets: EndpointSubset[]; overCapacity: boolean } {
  const count = (of: 'addresses' | 'notReadyAddresses') => subsets.reduce((n, s) => n + (s[of]?.length ?? 0), 0)
  const ready = count('addresses')
  const unready = count('notReadyAddresses')
  if (ready + unready <= capacity) return { subsets, overCapacity: false }
  const keepReady = Math.min(ready, capacity)
  let leftReady = keepReady
  let leftUnready = capacity - keepReady
  const cut = subsets.map((subset, i) => {
    const last = i === subsets.length - 1
    const share = (have: number, all: number, keep: number, left: number) =>
      Math.min(have, left, last ? left : Math.floor((have * keep) / Math.max(all, 1)))
    const takeReady = share(subset.addresses?.length ?? 0, ready, keepReady, leftReady)
    const takeUnready = share(subset.notReadyAddresses?.length ?? 0, unready, capacity - keepReady, leftUnready)
    leftReady -= takeReady
    leftUnready -= takeUnready
    const { addresses, notReadyAddresses, ...rest } = subset
    return {
      ...(takeReady ? { addresses: addresses!.slice(0, takeReady) } : {}),
      ...(takeUnready ? { notReadyAddresses: notReadyAddresses!.slice(0, takeUnready) } : {}),
      ...rest,
    }
  })
  return { subsets: cut.filter(s => s.addresses || s.notReadyAddresses), overCapacity: true }
}
