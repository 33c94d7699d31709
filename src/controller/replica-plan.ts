import { isPodReady, podCondition } from '../models/pod-state.ts'
import type { ContainerStatus, Pod } from '../models/types/core-v1.ts'

/** At most so many pods are created or deleted in one go. */
export const burstReplicas = 500
export const deletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost'

/** How many pods are missing (negative) or too many (positive), limited to one burst. */
export function replicaDifference(active: number, wanted: number): number {
  return Math.max(Math.min(active - wanted, burstReplicas), -burstReplicas)
}

/**
 * The `count` pods that are missed least, first the least of all: not scheduled, not running, not ready, cheap to delete, on a node with many
 * of their kind, ready for a short time, often restarted, young.
 * @param related active pods of all replica sets of the same owner: they say how crowded a node is
 */
export function chooseVictims(pods: readonly Pod[], related: readonly Pod[], count: number, nowMs: number): Pod[] {
  if (count >= pods.length) return [...pods]
  const crowd = new Map<string, number>()
  for (const pod of related)
    if (pod.spec?.nodeName) crowd.set(pod.spec.nodeName, (crowd.get(pod.spec.nodeName) ?? 0) + 1)
  const ranked = pods.map(pod => rankOf(pod, crowd))
  ranked.sort((a, b) => compareRanks(a, b, nowMs))
  return ranked.slice(0, count).map(r => r.pod)
}

interface Rank {
  pod: Pod
  /** Ascending: the smaller, the sooner it goes. */
  order: number[]
  ready: boolean
  readyMs: number
  /** Of containers, then of sidecars. */
  restarts: [number, number]
  createdMs: number
}

const phases: Record<string, number> = { Pending: 0, Unknown: 1, Running: 2 }

function rankOf(pod: Pod, crowd: Map<string, number>): Rank {
  const ready = isPodReady(pod)
  const node = pod.spec?.nodeName
  return {
    pod,
    order: [
      node ? 1 : 0,
      phases[pod.status?.phase ?? 'Pending'] ?? 0,
      ready ? 1 : 0,
      deletionCost(pod),
      -(node ? (crowd.get(node) ?? 0) : 0),
    ],
    ready,
    readyMs: Date.parse(podCondition(pod, 'Ready')?.lastTransitionTime ?? '') || 0,
    restarts: restartsOf(pod),
    createdMs: Date.parse(pod.metadata.creationTimestamp ?? '') || 0,
  }
}

function restartsOf({ spec, status }: Pod): [number, number] {
  const sidecars = new Set((spec?.initContainers ?? []).filter(c => c.restartPolicy === 'Always').map(c => c.name))
  const most = (of: ContainerStatus[] = []) => Math.max(0, ...of.map(c => c.restartCount ?? 0))
  return [most(status?.containerStatuses), most(status?.initContainerStatuses?.filter(c => sidecars.has(c.name)))]
}

function compareRanks(a: Rank, b: Rank, nowMs: number): number {
  for (let i = 0; i < a.order.length; i++) if (a.order[i] !== b.order[i]) return a.order[i]! - b.order[i]!
  if (a.ready && b.ready && a.readyMs !== b.readyMs) return younger(a.readyMs, b.readyMs, nowMs) || byUid(a, b)
  const restarts = b.restarts[0] - a.restarts[0] || b.restarts[1] - a.restarts[1]
  if (restarts) return restarts
  if (a.createdMs !== b.createdMs) return younger(a.createdMs, b.createdMs, nowMs) || byUid(a, b)
  return byUid(a, b)
}

/** Ages count by their order of magnitude only, so that it is not always the newest pods that go. */
function younger(a: number, b: number, nowMs: number): number {
  if (!a || !b) return a ? 1 : -1
  const magnitude = (t: number) => (nowMs > t ? Math.floor(Math.log2((nowMs - t) * 1e6)) : -1)
  return magnitude(a) - magnitude(b)
}

function byUid(a: Rank, b: Rank): number {
  return a.pod.metadata.uid < b.pod.metadata.uid ? -1 : 1
}

/** What the annotation says, 0 when it says nothing readable. The server has validated it: an integer without plus sign or leading zeros. */
export function deletionCost(pod: Pod): number {
  const text = pod.metadata.annotations?.[deletionCostAnnotation]
  if (text === undefined || !/^(0|-?[1-9]\d{0,9})$/.test(text)) return 0
  const cost = Number(text)
  return Math.abs(cost) <= 2 ** 31 - 1 ? cost : 0
}
