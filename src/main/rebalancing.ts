import type { Client } from '../client/index.ts'
import { ApiError } from '../models/api-error.ts'
import { Pod } from '../models/kinds/index.ts'
import type { ObjectKey } from '../models/object.ts'
import type { RebalanceOptions, RebalancePlan, Rescue } from '../scheduler/index.ts'
import type { OutsideWorld } from './outside.ts'
import { startScheduler } from './scheduling.ts'

export type { RebalancePlan, Rescue } from '../scheduler/index.ts'

/** Reads the cluster behind `client` and looks for the fewest moves that let in pods that wait. Nothing is written. */
export async function planClusterRebalance(
  client: Client,
  outside: OutsideWorld,
  options: RebalanceOptions,
): Promise<RebalancePlan> {
  await using running = await startScheduler({ client, outside, watchOnly: true })
  return running.scheduler.planRebalance(options)
}

/**
 * Carries out one rescue: promises the node to the pod that is stuck, so that nobody comes back there first, and then evicts
 * those that must move; whoever owns them makes them anew. @returns what a budget refused, if one did: then no more are evicted
 */
export async function carryOut({ pod, node, moves }: Rescue, client: Client): Promise<string | undefined> {
  if (!moves.length) return undefined
  const patch = { type: 'merge' as const, body: { status: { nominatedNodeName: node } } }
  await client.patch(Pod, keyOf(pod), patch, { subresource: 'status' })
  for (const move of moves) {
    const key = keyOf(move.pod)
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: key }
    try {
      await client.post(Pod, key, 'eviction', eviction)
    } catch (error) {
      if (error instanceof ApiError && error.code === 429) return `${move.pod}: ${error.message}`
      throw error
    }
  }
  return undefined
}

function keyOf(text: string): ObjectKey {
  const [namespace, name] = text.split('/')
  return { namespace: namespace!, name: name! }
}
