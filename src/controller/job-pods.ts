import type { Draft } from '../models/object.ts'
import { isPodActive, isPodTerminal } from '../models/pod-state.ts'
import type { Job } from '../models/types/batch-v1.ts'
import type { EnvVar, Pod } from '../models/types/core-v1.ts'
import { podFromTemplate } from './pod-template.ts'

/** A Job's pods: which index one is for, how often it failed before, and how a new one looks. */

export const trackingFinalizer = 'batch.kubernetes.io/job-tracking'
export const indexKey = 'batch.kubernetes.io/job-completion-index'
const failuresAnnotation = 'batch.kubernetes.io/job-index-failure-count'
const ignoredFailuresAnnotation = 'batch.kubernetes.io/job-index-ignored-failure-count'

export const isTracked = (pod: Pod) => pod.metadata.finalizers?.includes(trackingFinalizer) ?? false
export const isIndexed = (job: Job) => job.spec.completionMode === 'Indexed'
/** With `Failed`, a pod that is only shutting down has neither failed nor may it be replaced. */
export const onlyReplacesFailed = (job: Job) => job.spec.podReplacementPolicy === 'Failed'

/** -1 when the pod has none. */
export function indexOf(pod: Pod): number {
  const text = pod.metadata.annotations?.[indexKey]
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : -1
}

/** It is for an index that the Job has, or needs none. */
export function hasIndexOf(job: Job, pod: Pod): boolean {
  return !isIndexed(job) || (indexOf(pod) >= 0 && indexOf(pod) < (job.spec.completions ?? 0))
}

export function hasFailed(pod: Pod, job: Job): boolean {
  if (pod.status?.phase === 'Failed') return true
  return !onlyReplacesFailed(job) && !!pod.metadata.deletionTimestamp && pod.status?.phase !== 'Succeeded'
}

export const hasSucceeded = (pod: Pod) => pod.status?.phase === 'Succeeded'
export const isTerminating = (pod: Pod) => !!pod.metadata.deletionTimestamp && !isPodTerminal(pod)
export const activeOf = (pods: readonly Pod[]) => pods.filter(isPodActive)

const numberIn = (pod: Pod, annotation: string) => Number(pod.metadata.annotations?.[annotation] ?? 0) || 0
/** How often pods of the same index had failed before this one. */
export const earlierFailures = (pod: Pod) => numberIn(pod, failuresAnnotation)
export const earlierIgnored = (pod: Pod) => numberIn(pod, ignoredFailuresAnnotation)

/** All ends of its index before this pod, whatever a policy said of them. */
export const earlierEnds = (pod: Pod) => earlierFailures(pod) + earlierIgnored(pod)

/**
 * When it ended, in wall-clock milliseconds: when the last of its containers did; else when it ceased to be ready, or its deletion was
 * asked for; else when it was made.
 */
export function endedMs(pod: Pod): number {
  const { status, metadata } = pod
  const unready = status?.conditions?.find(c => c.type === 'Ready' && c.status === 'False')
  const graceMs = (metadata.deletionGracePeriodSeconds ?? 0) * 1000
  return (
    lastContainerEndMs(pod) ||
    timeMs(unready?.lastTransitionTime) ||
    (metadata.deletionTimestamp ? timeMs(metadata.deletionTimestamp) - graceMs : timeMs(metadata.creationTimestamp))
  )
}

const timeMs = (time: string | undefined) => Date.parse(time ?? '') || 0

/** 0 while any of them, sidecars included, has not said when. */
function lastContainerEndMs({ spec, status }: Pod): number {
  const sidecars = new Set(spec?.initContainers?.filter(c => c.restartPolicy === 'Always').map(c => c.name))
  const inits = (status?.initContainerStatuses ?? []).filter(c => sidecars.has(c.name))
  const ends = [...(status?.containerStatuses ?? []), ...inits].map(c => timeMs(c.state?.terminated?.finishedAt))
  return ends.every(Boolean) ? Math.max(0, ...ends) : 0
}

export interface IndexHistory {
  failures: number
  ignored: number
}

/** The pod for an index (or for none), known by its label, annotation, variable and host name. */
export function podOf(job: Job, index: number | undefined, history?: IndexHistory): Draft<Pod> {
  const draft = podFromTemplate(job.spec.template, job)
  draft.metadata.finalizers = [...(draft.metadata.finalizers ?? []), trackingFinalizer]
  if (index === undefined) return draft
  const text = String(index)
  draft.metadata.generateName = prefixOf(job.metadata.name, index)
  draft.metadata.labels = { ...draft.metadata.labels, [indexKey]: text }
  draft.metadata.annotations = { ...draft.metadata.annotations, [indexKey]: text }
  if (history) {
    draft.metadata.annotations[failuresAnnotation] = String(history.failures)
    if (history.ignored) draft.metadata.annotations[ignoredFailuresAnnotation] = String(history.ignored)
  }
  draft.spec.hostname = `${job.metadata.name}-${index}`
  for (const c of [...(draft.spec.initContainers ?? []), ...draft.spec.containers]) c.env = withIndex(c.env ?? [])
  return draft
}

const longestPrefix = 58

/** Of a long name the end is left out, not the index. */
function prefixOf(name: string, index: number): string {
  const tail = `-${index}-`
  return `${name.slice(0, longestPrefix - tail.length)}${tail}`
}

function withIndex(env: EnvVar[]): EnvVar[] {
  if (env.some(e => e.name === 'JOB_COMPLETION_INDEX')) return env
  const fieldRef = { fieldPath: `metadata.labels['${indexKey}']` }
  return [...env, { name: 'JOB_COMPLETION_INDEX', valueFrom: { fieldRef } }]
}
