import type { Draft } from '../models/object.ts'
import { isPodActive, isPodAvailable } from '../models/pod-state.ts'
import type { DaemonSet } from '../models/types/apps-v1.ts'
import type { Affinity, Node, Pod, PodSpec, Taint, Toleration } from '../models/types/core-v1.ts'
import { fitsNode, untolerated } from './node-fit.ts'
import { podFromTemplate } from './pod-template.ts'
import { revisionHashLabel } from './revision-history.ts'

const generationLabel = 'pod-template-generation'
const generationAnnotation = 'deprecated.daemonset.template.generation'

/** What every daemon tolerates: it belongs on its node whatever state the node is in. */
function daemonTolerations(hostNetwork: boolean | undefined): Toleration[] {
  const on = (name: string, effect: Toleration['effect'] & string): Toleration => ({
    key: `node.kubernetes.io/${name}`,
    operator: 'Exists',
    effect,
  })
  return [
    on('not-ready', 'NoExecute'),
    on('unreachable', 'NoExecute'),
    on('disk-pressure', 'NoSchedule'),
    on('memory-pressure', 'NoSchedule'),
    on('pid-pressure', 'NoSchedule'),
    on('unschedulable', 'NoSchedule'),
    ...(hostNetwork ? [on('network-unavailable', 'NoSchedule')] : []),
  ]
}

function specOf(set: DaemonSet): PodSpec {
  const spec = structuredClone(set.spec.template.spec ?? { containers: [] })
  // Its own take the place of those that differ only in how long they last.
  const same = (a: Toleration) => (b: Toleration) =>
    a.key === b.key && a.effect === b.effect && a.operator === b.operator && (a.value ?? '') === (b.value ?? '')
  let tolerations = spec.tolerations ?? []
  for (const toleration of daemonTolerations(spec.hostNetwork)) {
    const known = tolerations.some(same(toleration))
    tolerations = known ? tolerations.map(t => (same(toleration)(t) ? toleration : t)) : [...tolerations, toleration]
  }
  spec.tolerations = tolerations
  return spec
}

/** Taints of the node that keep its pods from starting there. */
export const untoleratedBy = (set: DaemonSet, node: Node): Taint[] =>
  untolerated(specOf(set), node, ['NoExecute', 'NoSchedule'])

/** A new pod should start here; or at least one that runs may go on. */
export function belongsOn(set: DaemonSet, node: Node): { shouldRun: boolean; mayContinue: boolean } {
  const spec = specOf(set)
  if (!fitsNode(spec, node)) return { shouldRun: false, mayContinue: false }
  if (!untolerated(spec, node, ['NoExecute', 'NoSchedule']).length) return { shouldRun: true, mayContinue: true }
  return { shouldRun: false, mayContinue: !untolerated(spec, node, ['NoExecute']).length }
}

/** The pod for one node; the scheduler binds it, as its affinity allows nothing else. */
export function daemonPod(set: DaemonSet, nodeName: string, hash: string): Draft<Pod> {
  const draft = podFromTemplate(set.spec.template, set)
  draft.spec = { ...specOf(set) }
  draft.spec.affinity = pinned(draft.spec.affinity, nodeName)
  const generation = set.metadata.annotations?.[generationAnnotation]
  draft.metadata.labels = {
    ...draft.metadata.labels,
    [revisionHashLabel]: hash,
    ...(generation ? { [generationLabel]: generation } : {}),
  }
  return draft
}

/** Other required terms were judged when the node was chosen. */
function pinned(affinity: Affinity | undefined, nodeName: string): Affinity {
  const matchFields = [{ key: 'metadata.name', operator: 'In' as const, values: [nodeName] }]
  const required = { nodeSelectorTerms: [{ matchFields }] }
  return {
    ...affinity,
    nodeAffinity: { ...affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: required },
  }
}

/** Where a pod is, or is meant to be. */
export function targetNode(pod: Pod): string {
  if (pod.spec?.nodeName) return pod.spec.nodeName
  const terms =
    pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  for (const { matchFields = [] } of terms)
    for (const { key, operator, values = [] } of matchFields)
      if (key === 'metadata.name' && operator === 'In' && values.length === 1) return values[0]!
  return ''
}

/** It is of the present template: by its revision, or by the generation that the server counts. */
export function isOfTemplate(set: DaemonSet, pod: Pod, hash: string): boolean {
  const generation = set.metadata.annotations?.[generationAnnotation]
  const sameGeneration = !!generation && pod.metadata.labels?.[generationLabel] === generation
  return sameGeneration || (!!hash && hashOf(pod) === hash)
}

export const hashOf = (pod: Pod) => pod.metadata.labels?.[revisionHashLabel] ?? ''
export const isLive = (pod: Pod) => isPodActive(pod)
export const isUp = (set: DaemonSet, pod: Pod, nowMs: number) =>
  !pod.metadata.deletionTimestamp && isPodAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs)
