/** IPv4 and IPv6 have tables of their own. */
export type NftFamily = 'ip' | 'ip6'

/** What an nftables table holds, as named pieces, so that a change touches only what it concerns. */
export interface NftTable {
  /** Names of counters that rules refer to: `counter name drops`. What one has counted stays when the rules change. */
  counters?: ReadonlySet<string>
  sets: Map<string, NftSet>
  maps: Map<string, NftMap>
  chains: Map<string, NftChain>
}

export interface NftSet {
  /** `ipv4_addr`, `ipv4_addr . inet_proto . inet_service` */
  type: string
  /** Packets fill the set: `flags dynamic,timeout; timeout 3h;`. */
  options?: string
  elements: ReadonlySet<string>
}

export interface NftMap {
  /** `type ipv4_addr : verdict`, or `typeof ip daddr : ip daddr . tcp dport` */
  type: string
  elements: ReadonlyMap<string, string>
}

export interface NftChain {
  /** Where the kernel comes in: `type filter hook forward priority 0; policy accept;`. Others are jumped to. */
  hook?: string
  rules: readonly string[]
}

export const emptyTable = (): NftTable => ({ sets: new Map(), maps: new Map(), chains: new Map() })

export const isEmptyTable = ({ sets, maps, chains }: NftTable): boolean => sets.size + maps.size + chains.size === 0

/** Text for `nft -f -` that makes the table anew, whatever it was, or takes it away if nothing is wanted: one transaction. */
export function wholeTable(name: string, wanted: NftTable, family: NftFamily = 'ip'): string[] {
  const table = `table ${family} ${name}`
  const away = [`add ${table}`, `delete ${table}`]
  return isEmptyTable(wanted) ? away : [...away, `add ${table}`, ...difference(name, emptyTable(), wanted, family)]
}

/**
 * Statements that turn `old` into `wanted`: first what is new, then the maps that lead to it, last the end of what nothing
 * leads to any more. Run as one transaction: no packet sees a state between.
 */
export function difference(name: string, old: NftTable, wanted: NftTable, family: NftFamily = 'ip'): string[] {
  const table = `${family} ${name}`
  const counters = (one: NftTable) => one.counters ?? noSet
  const out = [...counters(wanted)].filter(id => !counters(old).has(id)).map(id => `add counter ${table} ${id}`)
  for (const [id, { type, options }] of wanted.sets)
    if (!old.sets.has(id)) out.push(`add set ${table} ${id} { type ${type};${options ? ` ${options}` : ''} }`)
  for (const [id, { type }] of wanted.maps) if (!old.maps.has(id)) out.push(`add map ${table} ${id} { ${type}; }`)
  const changed = [...wanted.chains].filter(
    ([id, chain]) => old.chains.get(id)?.rules.join('\n') !== chain.rules.join('\n'),
  )
  for (const [id, { hook }] of changed)
    if (!old.chains.has(id)) out.push(`add chain ${table} ${id}${hook ? ` { ${hook} }` : ''}`)

  const elements = (verb: 'add' | 'delete', id: string, list: string[]) => {
    if (list.length) out.push(`${verb} element ${table} ${id} { ${list.join(', ')} }`)
  }
  for (const [id, { elements: now }] of wanted.sets) {
    const was = old.sets.get(id)?.elements ?? noSet
    elements(
      'delete',
      id,
      [...was].filter(e => !now.has(e)),
    )
    elements(
      'add',
      id,
      [...now].filter(e => !was.has(e)),
    )
  }
  for (const [id, { rules }] of changed) {
    if (old.chains.has(id)) out.push(`flush chain ${table} ${id}`)
    for (const rule of rules) out.push(`add rule ${table} ${id} ${rule}`)
  }
  const pair = ([key, verdict]: [string, string]) => `${key} : ${verdict}`
  for (const [id, { elements: now }] of wanted.maps) {
    const was = old.maps.get(id)?.elements ?? noMap
    elements('delete', id, [...was].filter(([key, verdict]) => now.get(key) !== verdict).map(pair))
    elements('add', id, [...now].filter(([key, verdict]) => was.get(key) !== verdict).map(pair))
  }

  const gone = <T>(before: Map<string, T>, after: Map<string, T>) => [...before.keys()].filter(id => !after.has(id))
  const deadChains = gone(old.chains, wanted.chains)
  for (const id of deadChains) out.push(`flush chain ${table} ${id}`)
  for (const id of gone(old.maps, wanted.maps)) out.push(`delete map ${table} ${id}`)
  for (const id of deadChains) out.push(`delete chain ${table} ${id}`)
  for (const id of gone(old.sets, wanted.sets)) out.push(`delete set ${table} ${id}`)
  for (const id of counters(old)) if (!counters(wanted).has(id)) out.push(`delete counter ${table} ${id}`)
  return out
}

const noSet: ReadonlySet<string> = new Set()
const noMap: ReadonlyMap<string, string> = new Map()
