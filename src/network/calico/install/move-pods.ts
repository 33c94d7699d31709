import type { Client } from '../../../client/index.ts'
import { ApiError } from '../../../models/api-error.ts'
import { Pod } from '../../../models/kinds/index.ts'
import type { Pod as PodObject } from '../../../models/types/core-v1.ts'
import { type CalicoObject, poolOf } from '../kinds/index.ts'
import type { IpPool } from '../kinds/ip-pool.ts'

/** Pods with an address that no pool of Calico's has: they were started in another network. */
export async function strayPods(client: Client, pools: readonly CalicoObject<IpPool>[]): Promise<PodObject[]> {
  const { items } = await client.list(Pod)
  return items.filter(pod => isStray(pod, pools))
}

/** Pure. */
export function isStray({ spec, status, metadata }: PodObject, pools: readonly CalicoObject<IpPool>[]): boolean {
  const over = status?.phase === 'Succeeded' || status?.phase === 'Failed' || metadata.deletionTimestamp !== undefined
  return !spec.hostNetwork && !over && !!status?.podIP && !poolOf(pools, status.podIP)
}

/**
 * Evicts them, so that disruption budgets are kept; pods that nobody would make anew stay.
 * @param signal ends it between two pods: those that are left are found again the next time
 */
export async function moveStrayPods(
  client: Client,
  pods: readonly PodObject[],
  signal: AbortSignal,
): Promise<{ moved: number; refused: string[] }> {
  let moved = 0
  const refused: string[] = []
  for (const { metadata } of pods) {
    signal.throwIfAborted()
    const name = `${metadata.namespace}/${metadata.name}`
    if (!metadata.ownerReferences?.some(owner => owner.controller)) {
      refused.push(`${name} (nobody would make it again)`)
      continue
    }
    try {
      const key = { namespace: metadata.namespace!, name: metadata.name }
      await client.post(Pod, key, 'eviction', { apiVersion: 'policy/v1', kind: 'Eviction', metadata: key })
      moved++
    } catch (error) {
      if (!(error instanceof ApiError) || (error.code !== 429 && error.code !== 404)) throw error
      if (error.code === 429) refused.push(name)
    }
  }
  return { moved, refused }
}
