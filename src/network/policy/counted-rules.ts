import { createHash } from 'node:crypto'
import type { Commands } from '../../base/commands.ts'
import { type NftCount, readNftCounters } from '../../base/nft-counters.ts'
import { emptyTable, type NftFamily, type NftTable } from '../../base/nft-table.ts'
import type { Direction, PolicyCount } from '../../models/node-network.ts'

/** What a counter stands for. */
export interface CountedRule {
  direction: Direction
  /** `shop/web`. One, whose rule allowed the packets; or all about a pod, none of which did. */
  policies: readonly string[]
  /** Which of the policy's rules; undefined: packets that were dropped. */
  rule: number | undefined
}

/** The rules of policies, and what their counters stand for. */
export interface PolicyTable extends NftTable {
  counters: Set<string>
  counted: Map<string, CountedRule>
}

export const withoutPolicies = (): PolicyTable => ({ ...emptyTable(), counters: new Set(), counted: new Map() })

/** Name of the counter: the same for one rule as long as it is where it is. Pure. */
export function counterOf({ direction, policies, rule }: CountedRule): string {
  const id = createHash('sha256')
    .update([...policies].sort().join())
    .digest('hex')
    .slice(0, 16)
  return `${direction}-${id}-${rule ?? 'drop'}`
}

/** What the kernel has counted for these rules, both families together, in order of policy and rule. */
export async function readPolicyCounts(
  commands: Commands,
  table: string,
  families: readonly NftFamily[],
  counted: ReadonlyMap<string, CountedRule>,
): Promise<PolicyCount[]> {
  const counts = await Promise.all(families.map(family => readNftCounters(commands, table, family)))
  return sumCounts(counted, counts)
}

/** Pure. */
export function sumCounts(
  counted: ReadonlyMap<string, CountedRule>,
  counts: readonly ReadonlyMap<string, NftCount>[],
): PolicyCount[] {
  const sums = [...counted].map(([counter, { direction, policies, rule }]): PolicyCount => {
    const found = counts.flatMap(one => one.get(counter) ?? [])
    const sum = (part: keyof NftCount) => found.reduce((total, count) => total + count[part], 0)
    const what = { direction, policies: [...policies].sort(), packets: sum('packets'), bytes: sum('bytes') }
    return rule === undefined ? what : { ...what, rule }
  })
  return sums.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
}

const keyOf = ({ policies, direction, rule }: PolicyCount) =>
  [...policies, direction, String(rule ?? 'z').padStart(6, '0')].join()
