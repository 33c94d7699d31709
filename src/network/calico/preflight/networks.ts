import type { Commands } from '../../../base/commands.ts'
import { cidrsOverlap, isCIDR } from '../../../base/ip.ts'
import type { Client } from '../../../client/index.ts'
import { Node, Service } from '../../../models/kinds/index.ts'
import { type Finding, fail, ok } from './finding.ts'

/** Networks that pods must not get addresses from. */
export interface TakenNetwork {
  cidr: string
  /** `Services`, `interface eth0`, `node n1`. */
  whose: string
}

const calicoLinks = /^(cali|vxlan\.calico|tunl0|optiflow0|lo$)/

/** Whether the network of the pods meets another one. Pure. */
export function overlapFindings(podCidr: string, taken: readonly TakenNetwork[]): Finding[] {
  const check = `pod network ${podCidr}`
  const met = taken.filter(({ cidr }) => cidr !== podCidr && cidrsOverlap(cidr, podCidr))
  if (!met.length) return [ok(check, `meets none of ${taken.length} networks that are known`)]
  return met.map(({ cidr, whose }) =>
    fail(check, `overlaps ${cidr} of ${whose}`, 'Choose another network with --pod-cidr, such as 10.240.0.0/16.'),
  )
}

/** Networks of this machine: its addresses and routes, without those of pod networks. */
export async function machineNetworks(commands: Commands): Promise<TakenNetwork[]> {
  const { code, stdout } = await commands.run('ip', ['-4', '-o', 'route', 'show'], { allowFailure: true })
  return code === 0 ? routedNetworks(stdout) : []
}

/** Pure. */
export function routedNetworks(routes: string): TakenNetwork[] {
  return routes.split('\n').flatMap(line => {
    const [destination = ''] = line.trim().split(/\s+/)
    const device = /\bdev (\S+)/.exec(line)?.[1] ?? ''
    const cidr = destination.includes('/') ? destination : `${destination}/32`
    // Protocol 142 is of our own built-in pod network, 80 and bird of Calico's.
    if (!isCIDR(cidr) || calicoLinks.test(device) || /\bproto (142|80|bird)\b/.test(line)) return []
    return [{ cidr, whose: `interface ${device}` }]
  })
}

/** The networks of Services and the addresses of nodes, as the API knows them. */
export async function clusterNetworks(client: Client): Promise<TakenNetwork[]> {
  const [services, nodes] = await Promise.all([client.list(Service), client.list(Node)])
  const addresses = services.items.flatMap(({ metadata, spec }) =>
    (spec.clusterIPs ?? [])
      .filter(ip => ip !== 'None')
      .map(ip => ({ ip, whose: `Service ${metadata.namespace}/${metadata.name}` })),
  )
  const nodeAddresses = nodes.items.flatMap(({ metadata, status }) =>
    (status?.addresses ?? [])
      .filter(a => a.type === 'InternalIP')
      .map(a => ({ ip: a.address, whose: `node ${metadata.name}` })),
  )
  return [...addresses, ...nodeAddresses].map(({ ip, whose }) => ({
    cidr: `${ip}/${ip.includes(':') ? 128 : 32}`,
    whose,
  }))
}
