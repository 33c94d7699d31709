import type { Random } from '../../base/random.ts'
import { ApiError, notFoundError } from '../../models/api-error.ts'
import { EndpointSlice, Endpoints, Service } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import { serviceNameLabel } from '../../models/usable-endpoints.ts'
import type { ResourceTable } from '../resources.ts'
import type { KeptObject } from '../watch-cache/kept-object.ts'
import type { WatchCache } from '../watch-cache/watch-cache.ts'
import { isProxyable } from './addresses.ts'

export interface Address {
  host: string
  port: number
}

/** What is needed to look services up. */
export interface Lookup {
  cache: WatchCache
  resources: ResourceTable
  random: Random
  shared(object: KeptObject): AnyObject
}

interface ServicePort {
  name?: string
  port: number
}

/**
 * A ready endpoint of a service, any of them.
 * @param port number or name of one of the service's ports
 * @throws ApiError NotFound, ServiceUnavailable
 */
export function serviceEndpoint(core: Lookup, namespace: string, name: string, port: number | string): Address {
  const kept = core.cache.get(core.resources.of(Service), namespace, name)
  if (!kept) throw notFoundError(Service, name)
  const spec: { type?: string; externalName?: string; ports?: ServicePort[] } = core.shared(kept)['spec'] ?? {}
  if (spec.type === 'ExternalName') {
    if (typeof port === 'number' && spec.externalName) return { host: spec.externalName, port }
    throw new ApiError('ServiceUnavailable', `unsupported service type ${JSON.stringify(spec.type)}`)
  }
  const chosen = (spec.ports ?? []).find(p => (typeof port === 'number' ? p.port === port : p.name === port))
  if (!chosen)
    throw new ApiError(
      'ServiceUnavailable',
      `no service port ${JSON.stringify(port)} found for service ${JSON.stringify(name)}`,
    )
  const all = readyAddresses(core, namespace, name, chosen.name ?? '')
  if (all.length === 0)
    throw new ApiError('ServiceUnavailable', `no endpoints available for service ${JSON.stringify(name)}`)
  return pick(core.random, all)
}

/** Ready addresses of the port with that name, those that may be called. */
export function readyAddresses(core: Lookup, namespace: string, service: string, portName: string): Address[] {
  const slices = core.resources.of(EndpointSlice)
  const mine = core.cache
    .bucket(slices)
    .list(namespace)
    .filter(kept => kept.facts(slices.stored).labels?.[serviceNameLabel] === service)
  const all = mine.length
    ? mine.flatMap(kept => addressesOfSlice(core.shared(kept) as never, portName))
    : addressesOfEndpoints(core, namespace, service, portName)
  return all.filter(address => isProxyable(address.host))
}

interface SliceLike {
  endpoints: { addresses: string[]; conditions?: { ready?: boolean } }[] | null
  ports: { name?: string; port?: number }[] | null
}

function addressesOfSlice({ endpoints, ports }: SliceLike, portName: string): Address[] {
  const port = ports?.find(p => (p.name ?? '') === portName)?.port
  if (port === undefined) return []
  return (endpoints ?? [])
    .filter(e => e.conditions?.ready !== false && e.addresses[0] !== undefined)
    .map(e => ({ host: e.addresses[0]!, port }))
}

interface SubsetLike {
  addresses?: { ip: string }[]
  ports?: { name?: string; port: number }[]
}

function addressesOfEndpoints(core: Lookup, namespace: string, service: string, portName: string): Address[] {
  const kept = core.cache.get(core.resources.of(Endpoints), namespace, service)
  const subsets: SubsetLike[] = (kept && core.shared(kept)['subsets']) ?? []
  return subsets.flatMap(({ addresses = [], ports = [] }) => {
    const port = ports.find(p => (p.name ?? '') === portName)?.port
    return port === undefined ? [] : addresses.map(a => ({ host: a.ip, port }))
  })
}

function pick<T>(random: Random, from: T[]): T {
  return from[Math.floor(random.next() * from.length)]!
}
