import type { EndpointSlice, Service } from '../../../src/models/kinds/index.ts'

/** Of the n-th Service. */
export const clusterIp = (n: number): string => `10.96.${(n >> 8) & 255}.${n & 255}`

const endpointIp = (n: number): string => `10.${128 + ((n >> 16) & 127)}.${(n >> 8) & 255}.${n & 255}`

/** So many Services of one port, each with so many ready endpoints. */
export function someServices(count: number, endpoints: number): { services: Service[]; slices: EndpointSlice[] } {
  const services: Service[] = []
  const slices: EndpointSlice[] = []
  for (let i = 0; i < count; i++) {
    services.push({
      metadata: { namespace: 'default', name: `s${i}` },
      spec: { clusterIP: clusterIp(i), clusterIPs: [clusterIp(i)], ports: [{ port: 80, protocol: 'TCP' }] },
    } as Service)
    slices.push(
      sliceOf(
        i,
        Array.from({ length: endpoints }, (_, j) => endpointIp(i * endpoints + j)),
      ),
    )
  }
  return { services, slices }
}

/** The slice of the n-th Service. */
export const sliceOf = (n: number, addresses: string[]): EndpointSlice =>
  ({
    metadata: { namespace: 'default', name: `s${n}`, labels: { 'kubernetes.io/service-name': `s${n}` } },
    addressType: 'IPv4',
    ports: [{ port: 8080, protocol: 'TCP' }],
    endpoints: addresses.map(address => ({ addresses: [address], conditions: { ready: true } })),
  }) as unknown as EndpointSlice
