import type { Reconciler, World } from '../client/reconciler.ts'
import { isNotFound } from '../models/api-error.ts'
import { Node } from '../models/kinds/index.ts'
import { keyOf } from '../models/object.ts'
import { type Cidr, formatCidr, overlaps, parseCidr, subRange } from './cidr.ts'

export interface NodeIpamOptions {
  /** Ranges that nodes' ranges are cut from, at most one of each family: `10.244.0.0/16`. */
  clusterCidrs: string[]
  /** Prefix of a node's range; 24 and 64 unless given. */
  maskSizes?: { 4?: number; 6?: number }
}

/** Gives every node its own ranges of pod addresses; those of deleted nodes are free again. */
export function nodeIpamReconciler({ clusterCidrs, maskSizes = {} }: NodeIpamOptions): Reconciler {
  const pools = clusterCidrs.map(text => {
    const cidr = parseCidr(text)
    if (!cidr) throw new RangeError(`"${text}" is no address range; write one such as 10.244.0.0/16`)
    const prefix = maskSizes[cidr.family] ?? (cidr.family === 4 ? 24 : 64)
    if (prefix < cidr.prefix)
      throw new RangeError(
        `a node's /${prefix} does not fit into ${text}; take a larger cluster range or a longer prefix`,
      )
    return { cidr, prefix }
  })
  /** What we gave away and the cache may not show yet, by node name. */
  const given = new Map<string, string[]>()
  let listed = false
  return {
    name: 'node-ipam',
    eventsFrom: 'cidrAllocator',
    primary: Node,
    writes: [{ kind: Node, part: 'owned' }],
    // One at a time: two nodes must not be given one range.
    concurrency: 1,
    async reconcile({ name }, world) {
      const { cache, client, events } = world
      const node = cache.get(Node, { name })
      if (!node) return void given.delete(name)
      if (node.spec?.podCIDRs?.length || node.spec?.podCIDR) {
        given.set(name, rangesOf(node))
        return
      }
      if (node.metadata.deletionTimestamp) return
      if (!listed) {
        // What a predecessor gave away just before it died.
        for (const other of (await client.list(Node)).items) remember(given, other)
        listed = true
      }
      const taken = [
        ...cache.list(Node).flatMap(rangesOf),
        ...[...given].filter(([n]) => n !== name).flatMap(([, r]) => r),
      ]
      const ranges = pools.map(({ cidr, prefix }) => firstFree(cidr, prefix, taken))
      if (ranges.some(r => r === undefined)) {
        events.normal(node, 'CIDRNotAvailable', `Node ${name} status is now: CIDRNotAvailable`)
        return { afterMs: 10_000 }
      }
      given.set(name, ranges as string[])
      await write(world, node, ranges as string[], given)
    },
  }
}

function rangesOf(node: Node): string[] {
  return node.spec?.podCIDRs ?? (node.spec?.podCIDR ? [node.spec.podCIDR] : [])
}

function remember(given: Map<string, string[]>, node: Node): void {
  const ranges = rangesOf(node)
  if (ranges.length) given.set(node.metadata.name, ranges)
}

/** The lowest range that overlaps none of the taken ones. */
export function firstFree(whole: Cidr, prefix: number, taken: readonly string[]): string | undefined {
  const used = new Set(taken)
  const odd = taken
    .map(parseCidr)
    .filter(c => c !== undefined && c.family === whole.family && c.prefix !== prefix) as Cidr[]
  for (let i = 0; ; i++) {
    const range = subRange(whole, prefix, i)
    if (!range) return undefined
    const text = formatCidr(range)
    if (!used.has(text) && !odd.some(o => overlaps(o, range))) return text
  }
}

async function write({ client }: World, node: Node, ranges: string[], given: Map<string, string[]>): Promise<void> {
  const { resourceVersion } = node.metadata
  const body = { metadata: { resourceVersion }, spec: { podCIDR: ranges[0], podCIDRs: ranges } }
  try {
    await client.patch(Node, keyOf(node), { type: 'merge', body })
  } catch (error) {
    given.delete(node.metadata.name)
    if (!isNotFound(error)) throw error
  }
}
