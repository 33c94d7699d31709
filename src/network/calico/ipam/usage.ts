import { cidrContains } from '../../../base/ip.ts'
import { type CalicoObject, nodeOf, usedIn } from '../kinds/index.ts'
import type { IpPool as Pool } from '../kinds/ip-pool.ts'
import type { IpamBlock } from '../kinds/ipam-block.ts'

export interface PoolUsage {
  pool: string
  cidr: string
  /** Of all addresses of the pool; more than 2^53 are rounded. */
  size: number
  used: number
  blocks: { cidr: string; node: string | undefined; used: number; size: number }[]
}

/** How full each pool is. Pure. */
export function poolUsage(
  pools: readonly CalicoObject<Pool>[],
  blocks: readonly CalicoObject<IpamBlock>[],
): PoolUsage[] {
  return pools.map(({ metadata, spec }) => {
    const inside = blocks
      .filter(block => cidrContains(spec.cidr, block.spec.cidr.split('/')[0]!))
      .map(({ spec: block }) => ({
        cidr: block.cidr,
        node: nodeOf(block),
        used: usedIn(block),
        size: block.allocations.length,
      }))
    const [, bits] = spec.cidr.split('/')
    const size = 2 ** ((spec.cidr.includes(':') ? 128 : 32) - Number(bits))
    return {
      pool: metadata.name,
      cidr: spec.cidr,
      size,
      used: inside.reduce((sum, b) => sum + b.used, 0),
      blocks: inside,
    }
  })
}

/** Why a pool must not go: addresses of it are in use. Undefined: none is. Pure. */
export function poolInUse(pool: CalicoObject<Pool>, blocks: readonly CalicoObject<IpamBlock>[]): string | undefined {
  const [usage] = poolUsage([pool], blocks)
  if (!usage?.used) return undefined
  const nodes = [...new Set(usage.blocks.filter(b => b.used).map(b => b.node ?? 'no node'))]
  return `${usage.used} addresses of ${usage.cidr} are in use, on ${nodes.slice(0, 5).join(', ')}${nodes.length > 5 ? `, and ${nodes.length - 5} more nodes` : ''}`
}
