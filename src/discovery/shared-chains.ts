import type { NftFamily, NftMap } from '../base/nft-table.ts'

/*
 * Chains that Services with equally many endpoints have in common. An endpoint is drawn by lot: the number is a part of the key in a
 * map of targets, so that a change of a Service's endpoints is a few elements, and no chain, however many Services there are.
 */

/** Packets with this mark get the node's own address as source on their way out. Below Calico's 0xffff0000. */
export const masqueradeMark = '0x4000'

/** The answer must come back through this node. */
export const throughHere = `meta mark set meta mark or ${masqueradeMark}`

/** By what a Service is called: an address of its own, or a port of the node. */
export type CalledBy = 'address' | 'port'

const prefixes: Record<CalledBy, string> = { address: '', port: 'port-' }

/** Where a map leads: to the endpoints of the whole cluster, or to those of this node. */
export type Reach = 'to' | 'here'

const protocols = ['tcp', 'udp', 'sctp']

/** The name of a map of targets. */
export const targetMap = (by: CalledBy, reach: Reach, protocol: string): string => `${prefixes[by]}${reach}-${protocol}`

/** A chain, and those that it leads to. */
export interface SharedChain {
  name: string
  chains: ReadonlyMap<string, readonly string[]>
}

/** Leads on to one of `count` endpoints. */
export function spreadingChain(family: NftFamily, by: CalledBy, reach: Reach, count: number): SharedChain {
  const address = by === 'address' ? `${family} daddr . ` : ''
  const rules = protocols.map(
    p => `dnat to ${address}${p} dport . numgen random mod ${count} map @${targetMap(by, reach, p)}`,
  )
  const name = `${prefixes[by]}${reach}-${count}`
  return { name, chains: new Map([[name, rules]]) }
}

/** For who comes from outside. */
export function entranceChain(family: NftFamily, by: CalledBy, count: number): SharedChain {
  const everywhere = spreadingChain(family, by, 'to', count)
  return joined(`${prefixes[by]}ext-${count}`, outsideRules(everywhere.name), everywhere)
}

/** The same where the traffic policy is Local. @param here how many of the endpoints are on this node */
export function localEntranceChain(
  family: NftFamily,
  by: CalledBy,
  podCidrs: readonly string[],
  count: number,
  here: number,
): SharedChain {
  const everywhere = spreadingChain(family, by, 'to', count)
  const local = here ? spreadingChain(family, by, 'here', here) : undefined
  const rules = localRules(family, podCidrs, everywhere.name, local?.name)
  return joined(`${prefixes[by]}kept-${count}-${here}`, rules, everywhere, ...(local ? [local] : []))
}

/** Who is outside gets the node as its peer, so that answers come back through it. */
export const outsideRules = (everywhere: string): string[] => [throughHere, `goto ${everywhere}`]

/** Pods and the node itself are inside; only who is outside is kept to this node, with its own address. */
export const localRules = (
  family: NftFamily,
  podCidrs: readonly string[],
  everywhere: string,
  local: string | undefined,
): string[] => [
  ...podCidrs.map(cidr => `${family} saddr ${cidr} goto ${everywhere}`),
  `fib saddr type local ${throughHere} goto ${everywhere}`,
  local ? `goto ${local}` : 'drop',
]

function joined(name: string, rules: readonly string[], ...next: readonly SharedChain[]): SharedChain {
  return { name, chains: new Map([...next.flatMap(({ chains }) => [...chains]), [name, rules]]) }
}

/** All maps of targets, so that elements always find theirs. */
export function targetMaps(
  family: NftFamily,
  targets: ReadonlyMap<string, ReadonlyMap<string, string>>,
): [string, NftMap][] {
  const none: ReadonlyMap<string, string> = new Map()
  return (['address', 'port'] as const).flatMap(by =>
    (['to', 'here'] as const).flatMap(reach =>
      protocols.map((p): [string, NftMap] => {
        const name = targetMap(by, reach, p)
        const address = by === 'address' ? `${family} daddr . ` : ''
        // A number has no name as a type: it is told by expressions. Those of one protocol, as nft takes no others for a known map.
        const type = `typeof ${address}${p} dport . numgen random mod 65536 : ${family} daddr . ${p} dport`
        return [name, { type, elements: targets.get(name) ?? none }]
      }),
    ),
  )
}
