import type { NftChain, NftFamily, NftSet, NftTable } from '../base/nft-table.ts'
import type { RuleSet } from './rule-set.ts'
import { masqueradeMark, targetMaps } from './shared-chains.ts'

const addressType: Record<NftFamily, string> = { ip: 'ipv4_addr', ip6: 'ipv6_addr' }

/** The rules of all Services as an nftables table: the maps that lead to them, and the places where packets come in. */
export function serviceTableOf(rules: RuleSet, family: NftFamily = 'ip'): NftTable {
  const address = addressType[family]
  const target = `${address} . inet_proto . inet_service`
  const sets = new Map<string, NftSet>([
    ['without-endpoints', { type: target, elements: rules.withoutEndpoints }],
    ['hairpins', { type: `${address} . ${address}`, elements: rules.hairpins }],
  ])
  for (const [name, options] of rules.sets) sets.set(name, { type: address, options, elements: none })
  return {
    sets,
    maps: new Map([
      ['cluster-ips', { type: `type ${target} : verdict`, elements: rules.clusterIps }],
      ['node-ports', { type: 'type inet_proto . inet_service : verdict', elements: rules.nodePorts }],
      ...targetMaps(family, rules.targets),
    ]),
    chains: new Map([
      ...entrances(family),
      ...[...rules.shared, ...rules.chains].map(([name, list]) => [name, { rules: list }] as const),
    ]),
  }
}

const none: ReadonlySet<string> = new Set()

function entrances(family: NftFamily): [string, NftChain][] {
  const refuse = (hook: string): [string, NftChain] => [
    `refuse-${hook}`,
    { hook: `type filter hook ${hook} priority -10; policy accept;`, rules: ['ct state new jump refuse'] },
  ]
  const nat = (hook: string, priority: string, rules: string[]): [string, NftChain] => [
    hook,
    { hook: `type nat hook ${hook} priority ${priority}; policy accept;`, rules },
  ]
  return [
    [
      'services',
      {
        rules: [
          `${family} daddr . meta l4proto . th dport vmap @cluster-ips`,
          'fib daddr type local meta l4proto . th dport vmap @node-ports',
        ],
      },
    ],
    [
      'refuse',
      {
        rules: [
          `meta l4proto tcp ${family} daddr . meta l4proto . th dport @without-endpoints reject with tcp reset`,
          `${family} daddr . meta l4proto . th dport @without-endpoints reject`,
        ],
      },
    ],
    nat('prerouting', 'dstnat', ['jump services']),
    nat('output', '-100', ['jump services']),
    nat('postrouting', 'srcnat', [
      // The mark goes first: a tunnel's outer packet inherits it, and that must keep its address and port.
      `meta mark and ${masqueradeMark} == ${masqueradeMark} meta mark set meta mark xor ${masqueradeMark} masquerade fully-random`,
      `ct status dnat ${family} saddr . ${family} daddr @hairpins masquerade fully-random`,
      ...(family === 'ip' ? ['ip saddr 127.0.0.0/8 ct status dnat masquerade'] : []),
    ]),
    ...['input', 'forward', 'output'].map(refuse),
  ]
}
