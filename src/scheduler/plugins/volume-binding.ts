import { selectorFrom } from '../../base/labels.ts'
import { parseQuantity } from '../../base/quantity.ts'
import { keyOf, keyText } from '../../models/object.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../models/types/core-v1.ts'
import type { StorageClass } from '../../models/types/storage-v1.ts'
import type { ClusterObjects } from '../cluster-objects.ts'
import type { SchedulerPlugin } from '../plugin.ts'
import type { NodeView } from '../snapshot.ts'
import { bindVolumes, type Chosen } from '../volumes/bind-volumes.ts'
import { brokenClaim, claimUses, isBound } from '../volumes/claim-uses.ts'
import { classOf, reaches, requestedBytes, suitableVolumes } from '../volumes/volume-match.ts'
import { mayBringVolumes } from '../volumes/volume-news.ts'

interface Waiting {
  claim: PersistentVolumeClaim
  /** Those that it could have, the smallest first. */
  suitable: readonly PersistentVolume[]
  storageClass: StorageClass | undefined
}

interface State {
  objects: ClusterObjects
  /** No node can do, and why. */
  impossible: string | undefined
  bound: { claim: PersistentVolumeClaim; volume: PersistentVolume | undefined }[]
  waiting: Waiting[]
}

export interface VolumeBindingArgs {
  /** So long a pod waits for its volumes to be bound; ten minutes unless given. */
  bindTimeoutMs?: number
}

const nodeConflict = 'node(s) had volume node affinity conflict'
const nothingToBind = "node(s) didn't find available persistent volumes to bind"
const volumeGone = 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)'
const noSpace = 'node(s) did not have enough free storage'
const selectedNode = 'volume.kubernetes.io/selected-node'

/**
 * Claims that are bound bring the pod to where their volumes are; claims that wait for their first consumer
 * (`WaitForFirstConsumer`) take the smallest volume that the node reaches, or have one made there.
 */
export const volumeBindingWith = ({ bindTimeoutMs = 600_000 }: VolumeBindingArgs): SchedulerPlugin<State> => ({
  name: 'VolumeBinding',
  scope: 'cluster',
  prepare(pod, { objects }) {
    const uses = claimUses(pod)
    if (!uses.length) return undefined
    const state: State = { objects, impossible: brokenClaim(pod, objects), bound: [], waiting: [] }
    if (state.impossible) return state
    for (const { key } of uses) {
      const claim = objects.claims.get(key)!
      if (isBound(claim)) {
        const volume = objects.volumes.get(claim.spec.volumeName!)
        // One that is everywhere has nothing against any node.
        if (!volume || volume.spec.nodeAffinity) state.bound.push({ claim, volume })
      } else if (!waitsForConsumer(claim, objects))
        state.impossible = 'pod has unbound immediate PersistentVolumeClaims'
      else state.waiting.push(waiting(claim, objects))
    }
    state.waiting.sort((a, b) => (requestedBytes(a.claim) < requestedBytes(b.claim) ? -1 : 1))
    return state
  },
  refuseAll: state => state.impossible,
  filter(state, node) {
    const kept = keptBy(state, node)
    const chosen = state.waiting.length ? choose(state, node) : []
    if (typeof chosen !== 'string') return kept
    return kept ? [kept, chosen] : chosen
  },
  reserve(state, node) {
    const chosen = choose(state, node)
    if (typeof chosen === 'string' || !chosen.length) return undefined
    const { promisedVolumes } = state.objects
    const names = chosen.flatMap(c => (c.volume ? [c.volume.metadata.name] : []))
    for (const { claim, volume } of chosen) if (volume) promisedVolumes.set(volume.metadata.name, keyText(keyOf(claim)))
    return {
      release: () => {
        for (const name of names) promisedVolumes.delete(name)
      },
      write: world => bindVolumes(chosen, node.node, state.objects, world, bindTimeoutMs),
    }
  },
  wakes: (e, { pod }) =>
    e.type === 'node-added' ||
    (e.type === 'node-updated' && e.changed.has('labels')) ||
    (e.type === 'object-changed' && mayBringVolumes(e, pod)),
})

export const volumeBinding = volumeBindingWith({})

/** Why volumes that the pod has already keep it from the node. */
function keptBy({ bound }: State, { node }: NodeView): string | undefined {
  for (const { volume } of bound) {
    if (!volume) return volumeGone
    if (!reaches(volume, node)) return nodeConflict
  }
  return undefined
}

function waitsForConsumer(claim: PersistentVolumeClaim, { storageClasses }: ClusterObjects): boolean {
  const storageClass = storageClasses.get(classOf(claim))
  return storageClass?.volumeBindingMode === 'WaitForFirstConsumer' && !claim.spec.volumeName
}

function waiting(claim: PersistentVolumeClaim, { volumes, storageClasses, promisedVolumes }: ClusterObjects): Waiting {
  const key = keyText(keyOf(claim))
  const suitable = suitableVolumes(claim, volumes.by(classOf(claim))).filter(
    v => (promisedVolumes.get(v.metadata.name) ?? key) === key,
  )
  return { claim, suitable, storageClass: storageClasses.get(classOf(claim)) }
}

/** A volume for each waiting claim, or the reason why there is none. */
function choose({ waiting, objects }: State, node: NodeView): Chosen[] | string {
  const chosen: Chosen[] = []
  const taken = new Set<PersistentVolume>()
  for (const { claim, suitable, storageClass } of waiting) {
    const selected = claim.metadata.annotations?.[selectedNode]
    if (selected && selected !== node.name) return nothingToBind
    const volume = selected ? undefined : suitable.find(v => !taken.has(v) && reaches(v, node.node))
    if (volume) taken.add(volume)
    else {
      const reason = cannotProvision(claim, storageClass, node, objects)
      if (reason) return reason
    }
    chosen.push({ claim, volume })
  }
  return chosen
}

function cannotProvision(
  claim: PersistentVolumeClaim,
  storageClass: StorageClass | undefined,
  { labels }: NodeView,
  { csiDrivers, capacities }: ClusterObjects,
): string | undefined {
  if (!storageClass?.provisioner || storageClass.provisioner === 'kubernetes.io/no-provisioner') return nothingToBind
  const topologies = storageClass.allowedTopologies ?? []
  const allowed = topologies.some(t =>
    (t.matchLabelExpressions ?? []).every(e => Object.hasOwn(labels, e.key) && e.values.includes(labels[e.key]!)),
  )
  if (topologies.length && !allowed) return nothingToBind
  if (!csiDrivers.get(storageClass.provisioner)?.spec.storageCapacity) return undefined
  const wanted = requestedBytes(claim)
  for (const { nodeTopology, maximumVolumeSize, capacity } of capacities.by(storageClass.metadata.name))
    if (
      parseQuantity(maximumVolumeSize ?? capacity ?? '0').nano >= wanted &&
      selectorFrom(nodeTopology).matches(labels)
    )
      return undefined
  return noSpace
}
