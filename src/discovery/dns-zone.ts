import { canonicalIP, isIP, plainAddress } from '../base/ip.ts'
import type { EndpointSlice, Service } from '../models/kinds/index.ts'

export type DnsRecord = { name: string; ttl: number } & (
  | { type: 'A' | 'AAAA' | 'CNAME' | 'PTR'; data: string }
  | { type: 'SRV'; data: { target: string; port: number; priority: number; weight: number } }
)

/** What the zone knows about one question: records (none: the name exists), no such name, or somebody else's name. */
export type ZoneAnswer = { kind: 'records'; records: DnsRecord[] } | { kind: 'nxdomain' } | { kind: 'elsewhere' }

/** What the zone is read from: the local informers, so that it answers while the server is away. */
export interface ZoneSource {
  service(namespace: string, name: string): Service | undefined
  slices(namespace: string, service: string): EndpointSlice[]
  namespaceExists(namespace: string): boolean
  /** The Service whose cluster IP this is. */
  serviceByIp(ip: string): Service | undefined
}

/** Short: endpoints come and go. */
const ttl = 5
/** Seconds that clients may take a name for missing. */
export const negativeTtl = 5
const nothing: ZoneAnswer = { kind: 'records', records: [] }
const nxdomain: ZoneAnswer = { kind: 'nxdomain' }

/**
 * Answers from the cluster's zone as the DNS specification of Kubernetes (schema 1.1.0) asks.
 * @param name lower-case, without the final dot
 * @param zone such as `cluster.local`
 */
export function answerFromZone(source: ZoneSource, zone: string, name: string, type: string): ZoneAnswer {
  if (/\.(in-addr|ip6)\.arpa$/.test(name)) return reverse(source, zone, name, type)
  if (name === zone) return nothing
  if (!name.endsWith(`.${zone}`)) return { kind: 'elsewhere' }
  const labels = name.slice(0, -zone.length - 1).split('.')
  const kind = labels.pop()
  if (kind === 'pod') return podName(source, labels, name, type)
  if (kind !== 'svc') return nxdomain
  const namespace = labels.pop()
  if (namespace === undefined) return nothing
  const serviceName = labels.pop()
  if (serviceName === undefined) return source.namespaceExists(namespace) ? nothing : nxdomain
  const service = source.service(namespace, serviceName)
  if (!service) return nxdomain

  if (service.spec.type === 'ExternalName') {
    if (labels.length || !service.spec.externalName) return nxdomain
    return {
      kind: 'records',
      records: [{ type: 'CNAME', name, data: service.spec.externalName.replace(/\.$/, ''), ttl }],
    }
  }
  const suffix = `${serviceName}.${namespace}.svc.${zone}`
  if (labels.length === 0)
    return {
      kind: 'records',
      records:
        type === 'SRV'
          ? portRecords(source, service, name, suffix)
          : ipRecords(name, addressesOf(source, service), type),
    }
  if (labels.length === 2 && labels.every(l => l.startsWith('_'))) {
    const records = portRecords(source, service, name, suffix, labels[0]!.slice(1), labels[1]!.slice(1))
    if (!records.length) return nxdomain
    return type === 'SRV' ? { kind: 'records', records } : nothing
  }
  if (labels.length === 1 && service.spec.clusterIP === 'None') {
    const found = endpointsOf(source, service).filter(e => e.hostname === labels[0])
    return found.length
      ? {
          kind: 'records',
          records: ipRecords(
            name,
            found.map(e => e.ip),
            type,
          ),
        }
      : nxdomain
  }
  return nxdomain
}

function addressesOf(source: ZoneSource, service: Service): string[] {
  if (service.spec.clusterIP === 'None') return endpointsOf(source, service).map(e => e.ip)
  return service.spec.clusterIPs ?? [service.spec.clusterIP ?? '']
}

function ipRecords(name: string, ips: string[], type: string): DnsRecord[] {
  if (type !== 'A' && type !== 'AAAA') return []
  const wanted = ips.filter(ip => ip && ip.includes(':') === (type === 'AAAA'))
  return [...new Set(wanted.map(plainAddress))].map(data => ({ type, name, data, ttl }))
}

function portRecords(
  source: ZoneSource,
  service: Service,
  name: string,
  suffix: string,
  port?: string,
  protocol?: string,
): DnsRecord[] {
  const matches = (p: { name?: string; protocol?: string }) =>
    (port === undefined || p.name?.toLowerCase() === port) &&
    (protocol === undefined || (p.protocol ?? 'TCP').toLowerCase() === protocol)
  const record = (target: string, n: number): DnsRecord => ({
    type: 'SRV',
    name,
    ttl,
    data: { target, port: n, priority: 0, weight: 100 },
  })
  if (service.spec.clusterIP !== 'None')
    return (service.spec.ports ?? []).filter(matches).map(p => record(suffix, p.port))
  return endpointsOf(source, service).flatMap(e =>
    e.ports.flatMap(p => (matches(p) && p.port ? [record(`${e.hostname}.${suffix}`, p.port)] : [])),
  )
}

/** Endpoints that DNS may name; one without a hostname is called after its address. */
function endpointsOf(source: ZoneSource, service: Service) {
  return source.slices(service.metadata.namespace!, service.metadata.name).flatMap(slice =>
    (slice.endpoints ?? [])
      .filter(e => e.conditions?.ready !== false || service.spec.publishNotReadyAddresses)
      .flatMap(e =>
        e.addresses.map(ip => ({
          ip,
          hostname: e.hostname ?? ip.replaceAll(/[.:]/g, '-'),
          ports: slice.ports ?? [],
        })),
      ),
  )
}

/** `10-244-0-7.default.pod.cluster.local`, `fd00--7.default.pod.cluster.local` */
function podName(source: ZoneSource, labels: string[], name: string, type: string): ZoneAnswer {
  const [ip, namespace] = labels
  if (labels.length !== 2 || !ip || !namespace || !source.namespaceExists(namespace)) return nxdomain
  const address = [ip.replaceAll('-', '.'), ip.replaceAll('-', ':')].find(
    text => isIP(text) && plainAddress(text) === text,
  )
  return address ? { kind: 'records', records: ipRecords(name, [address], type) } : nxdomain
}

function reverse(source: ZoneSource, zone: string, name: string, type: string): ZoneAnswer {
  const ip = addressIn(name)
  const service = ip ? source.serviceByIp(ip) : undefined
  if (!service) return { kind: 'elsewhere' }
  const data = `${service.metadata.name}.${service.metadata.namespace}.svc.${zone}`
  return type === 'PTR' ? { kind: 'records', records: [{ type: 'PTR', name, data, ttl }] } : nothing
}

/** `7.0.96.10.in-addr.arpa` → `10.96.0.7`; 32 hexadecimal digits before `ip6.arpa`, the last one first. */
function addressIn(name: string): string | undefined {
  const labels = name.split('.').slice(0, -2).reverse()
  const text = name.endsWith('.ip6.arpa') ? labels.join('').match(/.{4}/g)?.join(':') : labels.join('.')
  return text && isIP(text) ? canonicalIP(text) : undefined
}
