import { timestamp } from '../base/clock.ts'
import type { Reconciler } from '../client/reconciler.ts'
import { isNotFound } from '../models/api-error.ts'
import { conditionOf, withLatestCondition } from '../models/conditions.ts'
import { Pod } from '../models/kinds/index.ts'
import { isPodTerminal } from '../models/pod-state.ts'

/** A pod that was to be deleted and is still there after this is not going to be. */
const patienceMs = 120_000

/** Takes back the announcement that a pod is about to be deleted when nobody deletes it: an eviction that was refused in the end. */
export function staleDisruptionReconciler(): Reconciler {
  return {
    name: 'stale-disruption',
    primary: Pod,
    concerns: ({ status }: Pod) => conditionOf(status?.conditions, 'DisruptionTarget') !== undefined,
    writes: [{ kind: Pod, part: 'condition' }],
    async reconcile(key, { cache, client, clock }) {
      const pod = cache.get(Pod, key)
      const staleMs = pod && msUntilStale(pod, clock.now())
      if (staleMs === undefined) return
      if (staleMs > 0) return { afterMs: staleMs }
      const over = { type: 'DisruptionTarget', status: 'False', lastTransitionTime: timestamp(clock) }
      const next = structuredClone(pod!)
      next.status = { ...next.status, conditions: withLatestCondition(next.status?.conditions, over) }
      try {
        await client.updateStatus(Pod, next)
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
    },
  }
}

/** Undefined: nothing is announced, or it is carried out. What a node announces itself may take as long as it likes. */
function msUntilStale(pod: Pod, nowMs: number): number | undefined {
  if (pod.metadata.deletionTimestamp || isPodTerminal(pod)) return undefined
  const target = conditionOf(pod.status?.conditions, 'DisruptionTarget')
  if (target?.status !== 'True' || target.reason === 'TerminationByKubelet') return undefined
  return Math.max((Date.parse(target.lastTransitionTime ?? '') || 0) + patienceMs - nowMs, 0)
}
