import { sameMeaning } from '../base/equality.ts'
import { explain } from '../base/errors.ts'
import { conditionOf, withCondition, withoutCondition } from '../models/conditions.ts'
import { isPodAvailable, isPodReady } from '../models/pod-state.ts'
import type { ReplicaSet, ReplicaSetStatus } from '../models/types/apps-v1.ts'
import type { Pod, ReplicationController } from '../models/types/core-v1.ts'

/** What ReplicaSet and ReplicationController have in common. */
export type ReplicaOwner = ReplicaSet | ReplicationController

/** How the attempt to reach the wanted number ended. */
export interface ScaleOutcome {
  /** Positive: pods were to be deleted; negative: created. */
  difference: number
  error: unknown
}

/** The status that the pods justify; `now` is a timestamp for a new condition. */
export function replicaStatus(
  owner: ReplicaOwner,
  pods: readonly Pod[],
  outcome: ScaleOutcome,
  nowMs: number,
  now: string,
): ReplicaSetStatus {
  const { minReadySeconds = 0, template } = owner.spec
  const labels = Object.entries(template?.metadata?.labels ?? {})
  const status: ReplicaSetStatus = {
    replicas: pods.length,
    fullyLabeledReplicas: count(pods, p => labels.every(([k, v]) => p.metadata.labels?.[k] === v)),
    readyReplicas: count(pods, isPodReady),
    availableReplicas: count(pods, p => isPodAvailable(p, minReadySeconds, nowMs)),
    observedGeneration: owner.metadata.generation ?? 0,
  }
  const before = owner.status?.conditions ?? []
  const failing = conditionOf(before, 'ReplicaFailure')
  if (outcome.error === undefined) status.conditions = withoutCondition(before, 'ReplicaFailure')
  else if (failing) status.conditions = before
  else
    status.conditions = withCondition(before, {
      type: 'ReplicaFailure',
      status: 'True',
      reason: outcome.difference < 0 ? 'FailedCreate' : 'FailedDelete',
      message: explain(outcome.error),
      lastTransitionTime: now,
    })
  if (!status.conditions.length) delete status.conditions
  return status
}

function count(pods: readonly Pod[], is: (pod: Pod) => boolean): number {
  let found = 0
  for (const pod of pods) if (is(pod)) found++
  return found
}

/** Zero and absent say the same. */
export function sameReplicaStatus(a: ReplicaSetStatus | undefined, b: ReplicaSetStatus): boolean {
  const counts = (s: ReplicaSetStatus | undefined) => [
    s?.replicas ?? 0,
    s?.fullyLabeledReplicas ?? 0,
    s?.readyReplicas ?? 0,
    s?.availableReplicas ?? 0,
    s?.observedGeneration ?? 0,
  ]
  return sameMeaning(counts(a), counts(b)) && sameMeaning(a?.conditions, b.conditions)
}
