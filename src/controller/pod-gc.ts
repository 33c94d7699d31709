import { timestamp } from '../base/clock.ts'
import type { Cache, Reconciler, World } from '../client/reconciler.ts'
import { byAge } from '../models/age.ts'
import { isNotFound } from '../models/api-error.ts'
import { Node, Pod } from '../models/kinds/index.ts'
import { keyOf, keyText } from '../models/object.ts'
import { isPodTerminal } from '../models/pod-state.ts'
import { markDisrupted } from './disruption-target.ts'
import { readyStatus } from './node-health.ts'
import { podsByNode } from './pod-indexes.ts'

export interface PodGcOptions {
  /** So many finished pods may stay; 12 500 unless given, 0: any number. */
  terminatedThreshold?: number
  monitor?: PodGcMonitor
}

/** Why a pod is removed, in Kubernetes' words. */
export type PodGcReason = 'unscheduled' | 'orphaned' | 'out-of-service' | 'terminated'

export interface PodGcMonitor {
  removed(namespace: string, reason: PodGcReason): void
  failed(namespace: string, reason: PodGcReason): void
}

/** A node must have been gone for so long before its pods are. */
const quarantineMs = 40_000
const sweepPeriodMs = 20_000
const outOfServiceTaint = 'node.kubernetes.io/out-of-service'

/**
 * Removes pods that nobody else will: those of nodes that are gone, those deleted before they had a node, those stuck on a node that is
 * declared out of service, and the oldest of too many finished ones.
 */
export function podGcReconciler({ terminatedThreshold = 12_500, monitor }: PodGcOptions = {}): Reconciler {
  const missing = new Map<string, { node: string; sinceMs: number }>()
  let sweptMs = -Infinity
  const take = async (world: World, pod: Pod, reason: PodGcReason): Promise<void> => {
    const { namespace = '' } = pod.metadata
    try {
      await remove(world, pod, reason)
      monitor?.removed(namespace, reason)
    } catch (error) {
      monitor?.failed(namespace, reason)
      throw error
    }
  }
  return {
    name: 'pod-gc',
    primary: Pod,
    concerns: (pod: Pod) => !!pod.spec?.nodeName || !!pod.metadata.deletionTimestamp || isPodTerminal(pod),
    watches: [{ kind: Node, keys: podsConcerned }],
    writes: [
      { kind: Pod, part: 'owned' },
      { kind: Pod, part: 'condition' },
    ],
    async reconcile(key, world) {
      const { cache, clock } = world
      const pod = cache.get(Pod, key)
      const text = keyText(key)
      if (!pod) return void missing.delete(text)
      const nodeName = pod.spec?.nodeName
      const deleting = !!pod.metadata.deletionTimestamp

      if (!nodeName) {
        // Those that others hold back are said to have failed: a Job waits for that.
        if (deleting && !(pod.metadata.finalizers?.length && isPodTerminal(pod))) return take(world, pod, 'unscheduled')
      } else {
        const node = cache.get(Node, { name: nodeName })
        if (node) missing.delete(text)
        else {
          let since = missing.get(text)
          if (since?.node !== nodeName) missing.set(text, (since = { node: nodeName, sinceMs: clock.monotonicMs() }))
          const left = since.sinceMs + quarantineMs - clock.monotonicMs()
          if (left > 0) return { afterMs: left }
          if (await isGone(world, nodeName)) return take(world, pod, 'orphaned')
          return { afterMs: quarantineMs }
        }
        if (deleting && node && isOutOfService(node)) return take(world, pod, 'out-of-service')
      }
      if (!terminatedThreshold || !isPodTerminal(pod)) return
      const early = sweptMs + sweepPeriodMs - clock.monotonicMs()
      if (early > 0) return { afterMs: early }
      sweptMs = clock.monotonicMs()
      for (const old of surplus(cache.list(Pod), terminatedThreshold)) await take(world, old, 'terminated')
    },
  }
}

/** Pods of a node that is not there any more, or is out of service. */
function podsConcerned(node: Node, cache: Cache) {
  const { name } = node.metadata
  const here = cache.get(Node, { name })
  if (here && !isOutOfService(here)) return []
  return cache.byIndex(podsByNode, name).map(keyOf)
}

function isOutOfService(node: Node): boolean {
  return readyStatus(node) !== 'True' && (node.spec?.taints ?? []).some(t => t.key === outOfServiceTaint)
}

async function isGone({ client }: World, name: string): Promise<boolean> {
  try {
    await client.get(Node, { name })
    return false
  } catch (error) {
    if (isNotFound(error)) return true
    throw error
  }
}

/** Finished pods beyond the threshold, those that are being deleted included: those that were evicted first, then the oldest. */
export function surplus(pods: readonly Pod[], threshold: number): Pod[] {
  const finished = pods.filter(isPodTerminal)
  if (finished.length <= threshold) return []
  return finished.sort(evictedThenOldest).slice(0, finished.length - threshold)
}

function evictedThenOldest(a: Pod, b: Pod): number {
  return Number(isEvicted(b.status)) - Number(isEvicted(a.status)) || byAge(a, b)
}

const isEvicted = (status: Pod['status']) => status?.phase === 'Failed' && status.reason === 'Evicted'

/** Deletes without grace: there is no agent to do it gracefully. */
async function remove({ client, clock }: World, seen: Pod, reason: PodGcReason): Promise<void> {
  try {
    const pod = await client.get(Pod, keyOf(seen))
    if (pod.metadata.uid !== seen.metadata.uid || pod.spec?.nodeName !== seen.spec?.nodeName) return
    if (!isPodTerminal(pod)) {
      const now = timestamp(clock)
      const gone = 'PodGC: node no longer exists'
      if (reason === 'orphaned') await markDisrupted(client, pod, 'DeletionByPodGC', gone, now, { phase: 'Failed' })
      else await client.updateStatus(Pod, { ...pod, status: { ...pod.status, phase: 'Failed' } })
    }
    await client.delete(Pod, keyOf(pod), { uid: pod.metadata.uid, gracePeriodSeconds: 0 })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}
