import { timestamp } from '../base/clock.ts'
import type { Cache, Reconciler, World } from '../client/reconciler.ts'
import { isNotFound } from '../models/api-error.ts'
import { Node, Pod } from '../models/kinds/index.ts'
import { keyOf, keyText } from '../models/object.ts'
import { covers } from '../models/taints.ts'
import type { Taint, Toleration } from '../models/types/core-v1.ts'
import { markDisrupted } from './disruption-target.ts'
import { podsByNode } from './pod-indexes.ts'

export interface TaintEvictionMonitor {
  /** A pod was deleted. @param lateMs after its toleration had run out */
  evicted(lateMs: number): void
}

/** Deletes pods from nodes whose NoExecute taints they do not tolerate, or no longer. */
export function taintEvictionReconciler({ monitor }: { monitor?: TaintEvictionMonitor } = {}): Reconciler {
  /** Pods that are to go, and when on the monotonic clock. */
  const due = new Map<string, { pod: Pod; atMs: number }>()
  return {
    name: 'taint-eviction',
    primary: Pod,
    concerns: (pod: Pod) => !!pod.spec?.nodeName,
    watches: [
      {
        kind: Node,
        keys: (node: Node, cache: Cache) =>
          noExecute(node).length ? cache.byIndex(podsByNode, node.metadata.name).map(keyOf) : [],
      },
    ],
    writes: [
      { kind: Pod, part: 'owned' },
      { kind: Pod, part: 'condition' },
    ],
    concurrency: 8,
    async reconcile(key, world) {
      const { cache, clock, events } = world
      const text = keyText(key)
      const pod = cache.get(Pod, key)
      const known = due.get(text)
      const cancel = () => {
        if (known && due.delete(text))
          events.normal(known.pod, 'TaintManagerEviction', `Cancelling deletion of Pod ${text}`)
      }
      if (known && known.pod.metadata.uid !== pod?.metadata.uid) cancel()
      if (!pod || pod.metadata.deletionTimestamp) return
      const node = pod.spec?.nodeName ? cache.get(Node, { name: pod.spec.nodeName }) : undefined
      const taints = node ? noExecute(node) : []
      const ms = taints.length ? toleratedMs(taints, pod.spec?.tolerations ?? []) : Infinity
      if (ms === Infinity) return cancel()
      if (ms === 0) cancel()
      // Once it is said when, other taints and tolerations neither hurry nor delay it: those that tolerate nothing or everything do.
      const { atMs } = due.get(text) ?? { atMs: clock.monotonicMs() + ms }
      const left = atMs - clock.monotonicMs()
      if (left > 0) {
        due.set(text, { pod, atMs })
        return { afterMs: left }
      }
      if (await evict(world, pod)) monitor?.evicted(-left)
      due.delete(text)
    },
  }
}

function noExecute(node: Node): Taint[] {
  return (node.spec?.taints ?? []).filter(t => t.effect === 'NoExecute')
}

/** How long a pod may stay under these taints, in milliseconds; 0: not at all, Infinity: for ever. */
export function toleratedMs(taints: readonly Taint[], tolerations: readonly Toleration[]): number {
  const used = taints.map(taint => tolerations.filter(t => covers(t, taint)))
  if (used.some(found => !found.length)) return 0
  const seconds = used.flat().flatMap(t => (t.tolerationSeconds === undefined ? [] : [t.tolerationSeconds]))
  return seconds.length ? Math.max(Math.min(...seconds), 0) * 1000 : Infinity
}

/** @returns whether it was deleted by us */
async function evict(world: World, seen: Pod): Promise<boolean> {
  const { client, events, clock } = world
  const text = keyText(keyOf(seen))
  try {
    // What the cache says may be over by now: ask before killing.
    const pod = await client.get(Pod, keyOf(seen))
    if (pod.metadata.uid !== seen.metadata.uid || pod.metadata.deletionTimestamp) return false
    const node = await client.get(Node, { name: seen.spec!.nodeName! })
    if (toleratedMs(noExecute(node), pod.spec?.tolerations ?? []) === Infinity || !noExecute(node).length) return false
    events.normal(seen, 'TaintManagerEviction', `Marking for deletion Pod ${text}`)
    const message = 'Taint manager: deleting due to NoExecute taint'
    await markDisrupted(client, pod, 'DeletionByTaintManager', message, timestamp(clock))
    await client.delete(Pod, keyOf(pod), { uid: pod.metadata.uid })
    return true
  } catch (error) {
    if (!isNotFound(error)) throw error
    return false
  }
}
