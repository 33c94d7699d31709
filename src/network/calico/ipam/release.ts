import type { Client } from '../../../client/index.ts'
import { Node, Pod } from '../../../models/kinds/index.ts'
import type { CalicoDatastore } from '../datastore/datastore.ts'
import { ObjectMoved } from '../datastore/datastore.ts'
import { type CalicoObject, IpamBlock, IpamHandle } from '../kinds/index.ts'
import type { IpamBlock as Block } from '../kinds/ipam-block.ts'
import type { IpamHandle as Handle } from '../kinds/ipam-handle.ts'
import { findLeaks, type Leak } from './leaks.ts'

/** Conflicts are Calico at work on the same block: read it again, so often. */
const tries = 5

/** The block without these addresses; attributes that nobody uses any more go too. Pure. */
export function withoutAddresses(block: Block, ordinals: readonly number[]): Block {
  const gone = new Set(ordinals.filter(ordinal => block.allocations[ordinal] !== null))
  const allocations = block.allocations.map((index, ordinal) => (gone.has(ordinal) ? null : index))
  const kept = [...new Set(allocations.filter(index => index !== null))].sort((a, b) => a - b)
  const renumbered = new Map(kept.map((index, i) => [index, i]))
  const sequence = Object.entries(block.sequenceNumberForAllocation ?? {}).filter(
    ([ordinal]) => !gone.has(Number(ordinal)),
  )
  return {
    ...block,
    allocations: allocations.map(index => (index === null ? null : renumbered.get(index)!)),
    attributes: kept.map(index => block.attributes[index]!),
    unallocated: [...block.unallocated, ...gone],
    sequenceNumber: (block.sequenceNumber ?? 0) + 1,
    sequenceNumberForAllocation: Object.fromEntries(sequence),
  }
}

/** The handle with so many addresses less in a block; undefined: nothing is left of it. Pure. */
export function withoutHandled(handle: Handle, cidr: string, count: number): Handle | undefined {
  const left = (handle.block[cidr] ?? 0) - count
  const { [cidr]: _, ...others } = handle.block
  const block = left > 0 ? { ...others, [cidr]: left } : others
  return Object.keys(block).length ? { ...handle, block } : undefined
}

/** The leaks as of now: blocks first, then who may have their addresses. */
export async function currentLeaks(datastore: CalicoDatastore, client: Client): Promise<Leak[]> {
  const blocks = await datastore.list(IpamBlock)
  const [pods, nodes] = await Promise.all([client.list(Pod), client.list(Node)])
  return findLeaks(blocks, pods.items, new Set(nodes.items.map(node => node.metadata.name)))
}

/**
 * Gives back the leaked addresses that `chosen` says, each block with one compare-and-swap. Whatever stopped being a leak
 * meanwhile stays.
 * @returns what was released
 */
export async function releaseLeaks(
  datastore: CalicoDatastore,
  client: Client,
  chosen: (leak: Leak) => boolean = () => true,
): Promise<Leak[]> {
  const leaks = (await currentLeaks(datastore, client)).filter(chosen)
  const released: Leak[] = []
  for (const cidr of new Set(leaks.map(leak => leak.block))) {
    const gone = await again(() => releaseIn(datastore, cidr, leaks))
    released.push(...gone)
    for (const id of new Set(gone.flatMap(leak => leak.handle ?? []))) {
      const count = gone.filter(leak => leak.handle === id).length
      await again(() => takeFromHandle(datastore, id, cidr, count))
    }
  }
  return released
}

async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof ObjectMoved) || tried === tries) throw error
    }
  }
}

/** @returns those that still had their address */
async function releaseIn(datastore: CalicoDatastore, cidr: string, leaks: readonly Leak[]): Promise<Leak[]> {
  const block = (await datastore.list(IpamBlock)).find(b => b.spec.cidr === cidr)
  if (!block) return []
  const same = leaks.filter(leak => leak.block === cidr && isHeld(block, leak))
  const ordinals = same.map(leak => leak.ordinal)
  if (same.length) await datastore.update(IpamBlock, { ...block, spec: withoutAddresses(block.spec, ordinals) })
  return same
}

async function takeFromHandle(datastore: CalicoDatastore, id: string, cidr: string, count: number): Promise<void> {
  const handle = (await datastore.list(IpamHandle)).find(h => h.spec.handleID === id)
  if (!handle) return
  const left = withoutHandled(handle.spec, cidr, count)
  if (left) await datastore.update(IpamHandle, { ...handle, spec: left })
  else await datastore.delete(IpamHandle, handle)
}

/** The address may have been given to somebody else since. */
function isHeld({ spec }: CalicoObject<Block>, { ordinal, handle }: Leak): boolean {
  const index = spec.allocations[ordinal]
  return index !== null && index !== undefined && spec.attributes[index]?.handle_id === handle
}
