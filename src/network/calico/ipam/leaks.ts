import { addressAt } from '../../../base/ip.ts'
import type { Pod } from '../../../models/types/core-v1.ts'
import type { CalicoObject } from '../kinds/calico-kind.ts'
import type { IpamBlock } from '../kinds/ipam-block.ts'

/** One address that is given out, and to whom. */
export interface Allocation {
  address: string
  block: string
  ordinal: number
  handle: string | undefined
  attributes: Record<string, string>
}

export interface Leak extends Allocation {
  /** Why nobody has it any more. */
  reason: string
}

/** All addresses that are given out. Pure. */
export function allocationsOf(blocks: readonly CalicoObject<IpamBlock>[]): Allocation[] {
  return blocks.flatMap(({ spec }) =>
    spec.allocations.flatMap((index, ordinal) => {
      if (index === null) return []
      const { handle_id: handle, secondary = {} } = spec.attributes[index] ?? {}
      return [{ address: addressAt(spec.cidr, ordinal), block: spec.cidr, ordinal, handle, attributes: secondary }]
    }),
  )
}

/**
 * Addresses that nobody has any more: their pod is gone, has ended or has another address, or their node is gone. What does not
 * say whose it is, is left alone. Read `pods` and `nodes` after `blocks`: a pod is there before its address is. Pure.
 */
export function findLeaks(
  blocks: readonly CalicoObject<IpamBlock>[],
  pods: readonly Pod[],
  nodes: ReadonlySet<string>,
): Leak[] {
  const byName = new Map(pods.map(pod => [`${pod.metadata.namespace}/${pod.metadata.name}`, pod]))
  return allocationsOf(blocks).flatMap(allocation => {
    const reason = reasonOf(allocation, byName, nodes)
    return reason ? [{ ...allocation, reason }] : []
  })
}

function reasonOf(
  { address, attributes }: Allocation,
  pods: ReadonlyMap<string, Pod>,
  nodes: ReadonlySet<string>,
): string | undefined {
  const { pod: name, namespace, node, type } = attributes
  if (name && namespace) {
    const pod = pods.get(`${namespace}/${name}`)
    if (!pod) return `pod ${namespace}/${name} is gone`
    const { phase, podIPs = [] } = pod.status ?? {}
    if (phase === 'Succeeded' || phase === 'Failed') return `pod ${namespace}/${name} has ended`
    if (podIPs.length && !podIPs.some(({ ip }) => ip === address))
      return `pod ${namespace}/${name} has ${podIPs.map(p => p.ip).join(' and ')}`
    return undefined
  }
  if (node && !nodes.has(node)) return `node ${node} is gone${type ? ` (its ${type})` : ''}`
  return undefined
}
