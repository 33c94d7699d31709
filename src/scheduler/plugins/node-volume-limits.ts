import type { Pod } from '../../models/types/core-v1.ts'
import type { CSINode } from '../../models/types/storage-v1.ts'
import type { ClusterObjects } from '../cluster-objects.ts'
import type { SchedulerPlugin } from '../plugin.ts'
import type { NodeView } from '../snapshot.ts'
import { type AttachedVolume, attachableVolumes, mostAttached, volumeOf } from '../volumes/attachable.ts'

interface State {
  pod: Pod
  objects: ClusterObjects
  /** At most so many volumes the pod brings along. */
  most: number
}

/** A node takes as many volumes of a CSI driver as its CSINode says; those already there count once, however many pods use them. */
export const nodeVolumeLimits: SchedulerPlugin<State> = {
  name: 'NodeVolumeLimits',
  scope: 'cluster',
  prepare(pod, { objects }) {
    const most = mostAttached(pod)
    return most && objects.csiNodes.size ? { pod, objects, most } : undefined
  },
  filter({ pod, objects, most }, node) {
    const csiNode = objects.csiNodes.get(node.name)
    if (!csiNode) return undefined
    const { limits, smallest } = limitsOf(csiNode)
    // Mostly there is room for everything that any of them could be: then nobody needs to be asked which is which.
    const attached = objects.attachments.size ? objects.attachments.by(node.name).size : 0
    if (node.attachable + most + attached <= smallest) return undefined
    return exceeds(pod, objects, node, csiNode, limits) ? 'node(s) exceed max volume count' : undefined
  },
  evictionHelps: () => true,
  wakes: (e, { pod }) =>
    e.type === 'node-added' ||
    (e.type === 'pod-removed' && mostAttached(e.pod.pod) > 0) ||
    (e.type === 'object-changed' &&
      (e.table === 'csiNodes' ||
        e.table === 'attachments' ||
        (e.table === 'claims' && e.object.metadata.namespace === pod.metadata.namespace))),
}

function exceeds(
  pod: Pod,
  objects: ClusterObjects,
  node: NodeView,
  csiNode: CSINode,
  limits: ReadonlyMap<string, number>,
): boolean {
  const wanted = unique(attachableVolumes(pod, objects, csiNode))
  if (!wanted.size) return false
  const there = unique(node.placed.flatMap(p => attachableVolumes(p.pod, objects, csiNode)))
  for (const attachment of objects.attachments.by(node.name)) {
    const volume = objects.volumes.get(attachment.spec.source.persistentVolumeName ?? '')
    const attached = volume && volumeOf(volume, csiNode)
    if (attached) there.set(attached.id, attached.driver)
  }
  for (const [driver, limit] of limits) {
    const count = (volumes: Map<string, string>, but?: Map<string, string>) =>
      [...volumes].filter(([id, d]) => d === driver && !but?.has(id)).length
    const more = count(wanted, there)
    if (more && count(there) + more > limit) return true
  }
  return false
}

const unique = (volumes: readonly AttachedVolume[]) => new Map(volumes.map(v => [v.id, v.driver]))

interface Limits {
  /** By driver. */
  limits: ReadonlyMap<string, number>
  /** Infinity if there is none. */
  smallest: number
}

const known = new WeakMap<CSINode, Limits>()

function limitsOf(csiNode: CSINode): Limits {
  let found = known.get(csiNode)
  if (!found) {
    const limits = new Map<string, number>()
    for (const { name, allocatable } of csiNode.spec.drivers ?? [])
      if (allocatable?.count !== undefined) limits.set(name, allocatable.count)
    known.set(csiNode, (found = { limits, smallest: Math.min(...limits.values()) }))
  }
  return found
}
