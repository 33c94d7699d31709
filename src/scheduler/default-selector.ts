import { type LabelSelectorLike, type Selector, selectorFrom, selectorFromLabels } from '../base/labels.ts'
import type { Pod } from '../models/types/core-v1.ts'
import type { ClusterObjects } from './cluster-objects.ts'
import type { PodClass } from './pod-class.ts'

const known = new WeakMap<PodClass, { version: number; selector: Selector | undefined }>()

/**
 * Which pods belong together: those that the same Services select and the same controller made. Undefined if nothing says so.
 */
export function defaultSelector(podClass: PodClass, objects: ClusterObjects): Selector | undefined {
  const { services, replicaSets, statefulSets, replicationControllers } = objects
  const { namespace, ownerReferences } = podClass.example.metadata
  if (!ownerReferences?.length && !services.by(namespace ?? '').size) return undefined
  const version = services.version + replicaSets.version + statefulSets.version + replicationControllers.version
  const remembered = known.get(podClass)
  if (remembered?.version === version) return remembered.selector
  const merged = selectorOf(podClass.example, objects)
  const some = Object.keys(merged.matchLabels).length || merged.matchExpressions.length
  const selector = some ? selectorFrom(merged) : undefined
  known.set(podClass, { version, selector })
  return selector
}

function selectorOf(pod: Pod, objects: ClusterObjects): Required<LabelSelectorLike> {
  const { namespace = '', labels } = pod.metadata
  const merged = { matchLabels: {}, matchExpressions: [] as NonNullable<LabelSelectorLike['matchExpressions']> }
  const add = (selector: LabelSelectorLike | undefined) => {
    Object.assign(merged.matchLabels, selector?.matchLabels)
    merged.matchExpressions.push(...(selector?.matchExpressions ?? []))
  }
  for (const { spec } of objects.services.by(namespace))
    if (spec.selector && Object.keys(spec.selector).length && selectorFromLabels(spec.selector).matches(labels))
      add({ matchLabels: spec.selector })
  const owner = pod.metadata.ownerReferences?.find(r => r.controller)
  const key = `${namespace}/${owner?.name}`
  if (owner?.kind === 'ReplicaSet') add(objects.replicaSets.get(key)?.spec.selector)
  if (owner?.kind === 'StatefulSet') add(objects.statefulSets.get(key)?.spec.selector)
  const labelsOfController =
    owner?.kind === 'ReplicationController' && objects.replicationControllers.get(key)?.spec.selector
  if (labelsOfController) add({ matchLabels: labelsOfController })
  return merged
}
