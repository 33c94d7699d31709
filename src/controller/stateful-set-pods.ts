import type { Draft } from '../models/object.ts'
import { isPodAvailable, isPodReady, isPodTerminal } from '../models/pod-state.ts'
import type { StatefulSet } from '../models/types/apps-v1.ts'
import type { Pod, PodTemplateSpec, Volume } from '../models/types/core-v1.ts'
import { podFromTemplate } from './pod-template.ts'
import { revisionHashLabel } from './revision-history.ts'
import { claimNameAt } from './stateful-set-claims.ts'

export const podNameLabel = 'statefulset.kubernetes.io/pod-name'
export const podIndexLabel = 'apps.kubernetes.io/pod-index'

export const startOf = (set: StatefulSet) => set.spec.ordinals?.start ?? 0
export const podNameOf = (set: StatefulSet, ordinal: number) => `${set.metadata.name}-${ordinal}`

/** -1 when the name is not that of one of the set's pods. */
export function ordinalOf(set: StatefulSet, podName: string): number {
  const dash = podName.lastIndexOf('-')
  const digits = podName.slice(dash + 1)
  if (podName.slice(0, dash) !== set.metadata.name || !/^(0|[1-9]\d*)$/.test(digits)) return -1
  return Number(digits)
}

export const isRunningAndReady = (pod: Pod) => pod.status?.phase === 'Running' && isPodReady(pod)
export const isHealthy = (pod: Pod) => isRunningAndReady(pod) && !pod.metadata.deletionTimestamp
export const isCreated = (pod: Pod) => !!pod.status?.phase
export const isPending = (pod: Pod) => pod.status?.phase === 'Pending' && !pod.metadata.deletionTimestamp
export const hasEnded = (pod: Pod) => isPodTerminal(pod)
export const revisionOfPod = (pod: Pod) => pod.metadata.labels?.[revisionHashLabel] ?? ''
export const isAvailable = (set: StatefulSet, pod: Pod, nowMs: number) =>
  isRunningAndReady(pod) && isPodAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs)

/** The pod of one ordinal, with the name, host name, labels and volumes that are its own for good. */
export function podAt(set: StatefulSet, ordinal: number, template: PodTemplateSpec, revision: string): Draft<Pod> {
  const name = podNameOf(set, ordinal)
  const draft = podFromTemplate(template, set, name)
  // The server makes no name of it, since there is one; whoever looks for the pods of a set by it finds these too.
  draft.metadata.generateName = `${set.metadata.name}-`
  draft.metadata.labels = {
    ...draft.metadata.labels,
    [podNameLabel]: name,
    [podIndexLabel]: String(ordinal),
    [revisionHashLabel]: revision,
  }
  draft.spec.hostname = name
  draft.spec.subdomain = set.spec.serviceName
  draft.spec.volumes = volumesWithClaims(set, ordinal, draft.spec.volumes)
  return draft
}

function volumesWithClaims(set: StatefulSet, ordinal: number, volumes: Volume[] = []): Volume[] {
  const templates = set.spec.volumeClaimTemplates ?? []
  const own = templates.map(t => ({
    name: t.metadata.name,
    persistentVolumeClaim: { claimName: claimNameAt(set, t, ordinal), readOnly: false },
  }))
  return [...own, ...volumes.filter(v => !own.some(o => o.name === v.name))]
}

/** Whether name, label and volumes are (still) those of its ordinal. */
export function identityMatches(set: StatefulSet, pod: Pod): boolean {
  const ordinal = ordinalOf(set, pod.metadata.name)
  const { labels } = pod.metadata
  return labels?.[podNameLabel] === pod.metadata.name && labels?.[podIndexLabel] === String(ordinal)
}
