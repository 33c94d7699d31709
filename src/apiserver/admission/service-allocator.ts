import { canonicalIP, isIP } from '../../base/ip.ts'
import type { Random } from '../../base/random.ts'
import { ApiError, invalidError } from '../../models/api-error.ts'
import { type FieldError, invalid } from '../../models/field-error.ts'
import { checkAddresses } from '../../models/kinds/core/service-addresses.ts'
import { Service } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import type { Service as ServiceObject } from '../../models/types/core-v1.ts'
import type { Core } from '../core.ts'
import type { Allocated, AllocationMetrics, Occupancy } from '../metrics/allocation-metrics.ts'
import type { Claim } from '../storage/object-store.ts'
import type { Admission, AdmissionPlugin } from './chain.ts'
import { addressSlots, familyOf, settleFamilies } from './service-families.ts'
import { type AddressRange, addressIn, contains } from './service-ranges.ts'

export interface ServiceAllocatorOptions {
  /** One, or one of each family, the main one first. */
  addresses: AddressRange[]
  /** Both ends included; 30000–32767 unless said otherwise. */
  nodePorts: { first: number; last: number }
  allocations: AllocationMetrics
}

/** Something that was asked for and cannot be had, and the range that it would be of if it is an address. */
interface Refusal {
  cidr: string | undefined
  error: FieldError
}

type Ports = NonNullable<ServiceObject['spec']['ports']>

const attempts = 1000

/**
 * Cluster IPs and node ports. Each lies under a key of its own that is written in the same commit as the Service, so
 * that no two Services get the same one, whoever writes at the same time.
 */
export class ServiceAllocator implements AdmissionPlugin {
  readonly name = 'ServiceAllocator'
  readonly #addresses: AddressRange[]
  readonly #nodePorts: { first: number; last: number }
  readonly #metrics: AllocationMetrics

  constructor(options: ServiceAllocatorOptions) {
    this.#addresses = options.addresses
    this.#nodePorts = options.nodePorts
    this.#metrics = options.allocations
  }

  handles(resource: Admission['resource'], operation: Admission['operation'], subresource: string): boolean {
    return resource.kind === Service && operation !== 'CONNECT' && subresource === ''
  }

  mutate(admission: Admission): void {
    const { operation, object, previous, dryRun, turn } = admission
    if (operation === 'DELETE') return
    const named = takenBy(object!)
    this.#allocate(admission)
    // A trial takes nothing, and what the first turn took the second only finds.
    if (dryRun || turn) return
    const before = previous && takenBy(previous)
    for (const key of takenBy(object!))
      if (!before?.has(key)) this.#metrics.got(this.#countedAs(key, named.has(key) ? 'static' : 'dynamic'))
  }

  #allocate({ core, object, previous, dryRun }: Admission): void {
    const service = object as AnyObject
    const used = usedBy(core, service, { created: !previous, dryRun })
    this.#address(core.random, service, previous, used)
    this.#ports(core.random, service, previous, used)
    const refusal = this.#addressRefusal(service, previous, used) ?? this.#portRefusal(service, previous, used)
    if (refusal) {
      if (!dryRun) this.#metrics.failed({ cidr: refusal.cidr, scope: 'static' })
      throw invalidError(Service, service.metadata.name ?? '', [refusal.error])
    }
    this.#refuseHealthPort(service, previous, used)
  }

  #countedAs(key: string, scope: Allocated['scope']): Allocated {
    if (!key.startsWith(addresses)) return { cidr: undefined, scope }
    return { cidr: this.#rangeOf(familyOf(key.slice(addresses.length)))?.cidr, scope }
  }

  claims({ object, previous }: Admission): Claim[] {
    const before = previous ? takenBy(previous) : new Set<string>()
    const after = object ? takenBy(object) : new Set<string>()
    const owner = object ?? previous!
    const value = Buffer.from(`${owner.metadata.namespace}/${owner.metadata.name}`)
    return [
      ...[...after].filter(key => !before.has(key)).map(key => ({ key, value })),
      ...[...before].filter(key => !after.has(key)).map(key => ({ key, value: undefined })),
    ]
  }

  #address(random: Random, service: AnyObject, previous: AnyObject | undefined, used: Set<string>): void {
    const spec = (service['spec'] ??= {})
    const before = previous?.['spec']
    if (spec.type === 'ExternalName') return
    if (previous && before.type !== 'ExternalName' && !spec.clusterIP) {
      spec.clusterIP = before.clusterIP
      spec.clusterIPs = before.clusterIPs
    }
    if (!spec.clusterIPs?.length && spec.clusterIP) spec.clusterIPs = [spec.clusterIP]
    // Addresses and families that contradict each other are all that is told: nothing can be found for them.
    const contradictions = checkAddresses(spec)
    const errors = contradictions.length
      ? contradictions
      : settleFamilies(
          spec,
          before,
          this.#addresses.map(range => range.family),
        )
    if (errors.length) throw invalidError(Service, service.metadata.name ?? '', errors)
    if (spec.clusterIPs?.[0] !== 'None')
      spec.clusterIPs = addressSlots(service as unknown as ServiceObject).map(
        ({ family, ip }) => ip || this.#freeAddress(random, this.#rangeOf(family), used),
      )
    spec.clusterIP = spec.clusterIPs[0]
  }

  /** The families of a Service are those that the cluster has. */
  #rangeOf(family: string): AddressRange {
    return this.#addresses.find(range => range.family === family)!
  }

  #ports(random: Random, service: AnyObject, previous: AnyObject | undefined, used: Set<string>): void {
    const { spec } = service
    const wants =
      spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false)
    const ports: Ports = spec.ports ?? []
    if (spec.type !== 'NodePort' && spec.type !== 'LoadBalancer') {
      // Ports carried over from when the Service had another type go; ones that are asked for are refused by validation.
      const had = new Set<number>((previous?.['spec'].ports ?? []).map((p: { nodePort?: number }) => p.nodePort))
      for (const port of ports) if (port.nodePort && had.has(port.nodePort)) delete port.nodePort
      return
    }
    const taken = new Set(used)
    for (const { nodePort } of [...ports, ...((previous?.['spec'].ports ?? []) as Ports)])
      if (nodePort) taken.add(portKey(nodePort))
    for (const port of wants ? ports : []) {
      if (port.nodePort) continue
      // At first one number serves TCP and UDP of the same port.
      const twin = previous ? undefined : ports.find(p => p !== port && p.port === port.port && p.nodePort)
      port.nodePort = twin?.nodePort ?? this.#freePort(random, taken)
      taken.add(portKey(port.nodePort))
    }
    if (spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local' && !spec.healthCheckNodePort)
      spec.healthCheckNodePort = previous?.['spec'].healthCheckNodePort || this.#freePort(random, taken)
  }

  /**
   * Of the ports the first that cannot be had is told. A new Service has one number for all protocols of a port, and another
   * for each other port; one that is changed has those that it had, and each other one once.
   */
  #portRefusal(service: AnyObject, previous: AnyObject | undefined, used: Set<string>): Refusal | undefined {
    const { spec } = service
    if (!mayHaveNodePorts(spec)) return undefined
    const own = new Set(((previous?.['spec'].ports ?? []) as Ports).map(p => p.nodePort))
    const ofPort = new Map<number, number>()
    for (const [i, { port, nodePort }] of ((spec.ports ?? []) as Ports).entries()) {
      if (!nodePort) continue
      const has = previous ? own.has(nodePort) : ofPort.get(port) === nodePort
      if (!ofPort.has(port)) ofPort.set(port, nodePort)
      if (has) continue
      const why = this.#portProblem(nodePort, used) ?? (!previous && own.has(nodePort) ? allocated.port : undefined)
      if (why) return { cidr: undefined, error: invalid(`spec.ports[${i}].nodePort`, nodePort, why) }
      own.add(nodePort)
    }
    return undefined
  }

  #portProblem(port: number, used: Set<string>): string | undefined {
    const { first, last } = this.#nodePorts
    if (port < first || port > last)
      return `provided port is not in the valid range. The range of valid ports is ${first}-${last}`
    return used.has(portKey(port)) ? allocated.port : undefined
  }

  /** To Kubernetes this is its own failure. @throws ApiError InternalError */
  #refuseHealthPort({ spec }: AnyObject, previous: AnyObject | undefined, used: Set<string>): void {
    const port = spec.healthCheckNodePort
    if (!needsHealthPort(spec) || needsHealthPort(previous?.['spec'])) return
    const ports = [...(spec.ports ?? []), ...(previous?.['spec'].ports ?? [])] as Ports
    const own = ports.some(p => p.nodePort === port) ? allocated.port : undefined
    const problem = this.#portProblem(port, used) ?? own
    if (!problem) return
    const why = `failed to allocate requested HealthCheck NodePort ${port}: ${problem}`
    throw new ApiError('InternalError', `Internal error occurred: ${why}`, { details: { causes: [{ message: why }] } })
  }

  /** Those that a Service has may only stay: they are looked at by validation. What it gets besides is looked for here. */
  #addressRefusal({ spec }: AnyObject, previous: AnyObject | undefined, used: Set<string>): Refusal | undefined {
    if (spec.type === 'ExternalName') return undefined
    const old = previous?.['spec'] as ServiceObject['spec'] | undefined
    const settled = old && old.type !== 'ExternalName' ? (old.clusterIPs?.length ?? 1) : 0
    if (old?.clusterIPs?.[0] === 'None' && settled) return undefined
    for (const ip of ((spec.clusterIPs ?? []) as string[]).slice(settled)) {
      if (!isIP(ip)) continue
      const range = this.#addresses.find(r => r.family === familyOf(ip)) ?? this.#addresses[0]!
      const refuse = (why: string) => ({
        cidr: range.cidr,
        error: invalid('spec.clusterIPs', spec.clusterIPs, `failed to allocate IP ${ip}: ${why}`),
      })
      if (!contains(range, ip))
        return refuse(`the provided IP (${ip}) is not in the valid range. The range of valid IPs is ${range.cidr}`)
      if (used.has(addressKey(ip))) return refuse(allocated.address)
    }
    return undefined
  }

  #freeAddress(random: Random, range: AddressRange, used: Set<string>): string {
    // The first addresses are for services that choose their own, such as the API and DNS.
    const { size } = range
    const reserved = Math.min(Math.max(16, Math.floor(size / 16)), 256)
    const open = size - 2 - reserved
    for (let i = 0; i < attempts && open > 0; i++) {
      const ip = addressIn(range, 1 + reserved + Math.floor(random.next() * open))
      if (!used.has(addressKey(ip))) return ip
    }
    for (let n = 1; n < size - 1; n++) if (!used.has(addressKey(addressIn(range, n)))) return addressIn(range, n)
    this.#metrics.failed({ cidr: range.cidr, scope: 'dynamic' })
    throw exhausted('serviceIP')
  }

  #freePort(random: Random, taken: Set<string>): number {
    const { first, last } = this.#nodePorts
    const count = last - first + 1
    const start = Math.floor(random.next() * count)
    for (let i = 0; i < count; i++) {
      const port = first + ((start + i) % count)
      if (!taken.has(portKey(port))) return port
    }
    this.#metrics.failed({ cidr: undefined, scope: 'dynamic' })
    throw exhausted('nodePort')
  }
}

const allocated = { port: 'provided port is already allocated', address: 'provided IP is already allocated' }

const mayHaveNodePorts = ({ type }: ServiceObject['spec']) => type === 'NodePort' || type === 'LoadBalancer'
const needsHealthPort = (spec: ServiceObject['spec'] | undefined) =>
  spec?.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local'

/** In kube-apiserver's words, for which clients look. */
function exhausted(what: string): ApiError {
  const why = `failed to allocate a ${what}: range is full`
  return new ApiError('InternalError', `Internal error occurred: ${why}; delete Services that are not needed`, {
    details: { causes: [{ message: why }] },
  })
}

const addresses = '/allocations/clusterips/'
const addressKey = (ip: string) => addresses + canonicalIP(ip)
const ports = '/allocations/nodeports/'
/** A number is taken for all protocols at once; in stores of before these were apart, and most were TCP. */
const portKey = (port: number) => `${ports}TCP/${port}`

/** The keys of what a Service holds. */
function takenBy(service: AnyObject): Set<string> {
  const keys = new Set<string>()
  const spec = service['spec'] as ServiceObject['spec'] | undefined
  if (!spec || spec.type === 'ExternalName') return keys
  for (const ip of spec.clusterIPs ?? [spec.clusterIP]) if (ip && isIP(ip)) keys.add(addressKey(ip))
  for (const port of spec.ports ?? []) if (port.nodePort) keys.add(portKey(port.nodePort))
  if (spec.healthCheckNodePort) keys.add(portKey(spec.healthCheckNodePort))
  return keys
}

/** How much of the ranges Services have. */
export function occupancyOf(
  core: Core,
  { addresses: ranges, nodePorts }: Pick<ServiceAllocatorOptions, 'addresses' | 'nodePorts'>,
): Occupancy {
  const taken = new Set<string>()
  for (const kept of core.cache.bucket(core.resources.of(Service)).list())
    for (const key of takenBy(core.shared(kept))) taken.add(key)
  const count = (of: (key: string) => boolean) => [...taken].filter(of).length
  const isAddressOf = (family: string) => (key: string) =>
    key.startsWith(addresses) && familyOf(key.slice(addresses.length)) === family
  const takenPorts = count(key => key.startsWith(ports))
  return {
    addresses: ranges.map(({ cidr, family, size }) => {
      const used = count(isAddressOf(family))
      return { cidr, taken: used, free: size - (family === 'IPv4' ? 2 : 1) - used }
    }),
    ports: { taken: takenPorts, free: nodePorts.last - nodePorts.first + 1 - takenPorts },
  }
}

/**
 * What Services hold: others, and one of the same name that is there already when it is to be created. That it is there is
 * found out only after it got what it asks for; except that a trial does not look whose the addresses are.
 */
function usedBy(core: Core, service: AnyObject, { created, dryRun }: { created: boolean; dryRun: boolean }) {
  const used = new Set<string>()
  const { name, namespace } = service.metadata
  for (const kept of core.cache.bucket(core.resources.of(Service)).list()) {
    const own = kept.name === name && kept.namespace === namespace
    if (own && !created) continue
    for (const key of takenBy(core.shared(kept))) if (!own || !dryRun || key.startsWith(ports)) used.add(key)
  }
  return used
}
