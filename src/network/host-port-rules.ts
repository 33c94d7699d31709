import { isIPv4 } from '../base/ip.ts'
import { emptyTable, type NftFamily, type NftTable } from '../base/nft-table.ts'
import type { UdpTargets } from '../base/udp-flows.ts'
import { byAge } from '../models/age.ts'
import { hostPortsOf } from '../models/host-ports.ts'
import type { Pod } from '../models/kinds/index.ts'
import { isWide } from './path/plan-paths.ts'

/** A pod of the node, and the addresses that it has. */
export interface LedPod {
  pod: Pod
  ips: readonly string[]
}

/** Ports of the node, of one family, and where they lead. */
export interface HostPortPlan {
  /** `tcp . 8080` → `10.244.0.5 . 80`: at every address of the node. */
  anywhere: Map<string, string>
  /** `10.0.0.11 . tcp . 8080` → `10.244.0.5 . 80` */
  atAddress: Map<string, string>
  /** `10.244.0.5 . 10.244.0.5`: pods that may call themselves. */
  hairpins: Set<string>
}

/**
 * Which host ports lead where. Of two pods that have the same one, which only static pods can, the older has it. A hostIP of one
 * family is of that family alone, `0.0.0.0` and `::` for all its addresses; without one it is both. Pure.
 */
export function planHostPorts(pods: readonly LedPod[], family: NftFamily): HostPortPlan {
  const plan: HostPortPlan = { anywhere: new Map(), atAddress: new Map(), hairpins: new Set() }
  for (const { pod, ips } of pods.filter(({ pod }) => !isOver(pod)).toSorted((a, b) => byAge(a.pod, b.pod))) {
    const ip = ips.find(address => isWide(address) === (family === 'ip6'))
    if (!ip) continue
    for (const { protocol, hostIp, hostPort, containerPort } of hostPortsOf(pod)) {
      if (hostIp && isIPv4(hostIp) !== (family === 'ip')) continue
      const everywhere = !hostIp || hostIp === '0.0.0.0' || hostIp === '::'
      const port = `${protocol.toLowerCase()} . ${hostPort}`
      const [map, key] = everywhere ? [plan.anywhere, port] : [plan.atAddress, `${hostIp} . ${port}`]
      if (map.has(key)) continue
      map.set(key, `${ip} . ${containerPort}`)
      plan.hairpins.add(`${ip} . ${ip}`)
    }
  }
  return plan
}

const isOver = ({ status }: Pod) => status?.phase === 'Succeeded' || status?.phase === 'Failed'

/** The rules, or no table at all. @param dnsIp the cluster's DNS, which is an address of the node too */
export function tableOfHostPorts(plan: HostPortPlan, family: NftFamily, dnsIp: string): NftTable {
  if (!plan.anywhere.size && !plan.atAddress.size) return emptyTable()
  const address = family === 'ip' ? 'ipv4_addr' : 'ipv6_addr'
  const port = 'inet_proto . inet_service'
  const transport = 'meta l4proto { tcp, udp, sctp }'
  // After the Services', which may have an address or a port of the node for themselves.
  const nat = (hook: string, priority: string) => `type nat hook ${hook} priority ${priority}; policy accept;`
  const isDns = isWide(dnsIp) === (family === 'ip6')
  return {
    sets: new Map([['hairpins', { type: `${address} . ${address}`, elements: plan.hairpins }]]),
    maps: new Map([
      ['anywhere', { type: `type ${port} : ${address} . inet_service`, elements: plan.anywhere }],
      ['at-address', { type: `type ${address} . ${port} : ${address} . inet_service`, elements: plan.atAddress }],
    ]),
    chains: new Map([
      [
        'host-ports',
        {
          rules: [
            'fib daddr type != local return',
            ...(isDns ? [`${family} daddr ${dnsIp} return`] : []),
            `${transport} dnat ${family} to ${family} daddr . meta l4proto . th dport map @at-address`,
            `${transport} dnat ${family} to meta l4proto . th dport map @anywhere`,
          ],
        },
      ],
      ['prerouting', { hook: nat('prerouting', 'dstnat + 1'), rules: ['jump host-ports'] }],
      ['output', { hook: nat('output', '-99'), rules: ['jump host-ports'] }],
      [
        'postrouting',
        {
          hook: nat('postrouting', 'srcnat'),
          rules: [
            `ct status dnat ${family} saddr . ${family} daddr @hairpins masquerade fully-random`,
            ...(family === 'ip' ? ['ip saddr 127.0.0.0/8 ct status dnat masquerade'] : []),
          ],
        },
      ],
    ]),
  }
}

/** Where UDP packets go, as long as they come. */
export function udpTargets({ anywhere, atAddress }: HostPortPlan): UdpTargets {
  const out = new Map<string, Set<string>>()
  const add = (at: string, target: string) => out.set(at, new Set([target.replace(' . ', ':')]))
  for (const [key, target] of anywhere) if (key.startsWith('udp . ')) add(`* ${key.slice(6)}`, target)
  for (const [key, target] of atAddress) {
    const [ip, protocol, port] = key.split(' . ')
    if (protocol === 'udp') add(`${ip} ${port}`, target)
  }
  return out
}
