import type { ReplicaSet } from '../models/types/apps-v1.ts'
import type { PodTemplateSpec } from '../models/types/core-v1.ts'
import type { Workload, WorkloadCanaryStep, WorkloadRollout } from '../models/types/optiflow-v1.ts'
import { abortAnnotation, promoteAnnotation, tryAnnotation } from '../models/workload-annotations.ts'
import { templateHashLabel } from './template-hash.ts'

/** What a Workload remembers of its updates, in its status. */
export interface Memory {
  /** The pod-template-hash of pods that were last ready as a whole. */
  stableRevision?: string
  /** Of the wanted form that was last rolled out everywhere. */
  rolledOutRevision?: string
  /** The attempt that was given up. */
  failedRevision?: string
  rollout?: WorkloadRollout
}

/** What is wanted, and how it is named in the status. */
export interface Wanted {
  /** Of the template alone. */
  revision: string
  /** The same, until somebody asks for another try. */
  attempt: string
}

export function wantedOf({ metadata }: Workload, revision: string): Wanted {
  const tries = metadata.annotations?.[tryAnnotation]
  return { revision, attempt: tries ? `${revision}.${tries}` : revision }
}

/** Which pods run where: all of the wanted form, some of them beside those that work, or only those that work. */
export type RolloutPlan =
  | { kind: 'everywhere' }
  /** @param step from 1 */
  | {
      kind: 'canary'
      step: number
      of: number
      size: number
      pauseSeconds?: number
      weight?: number
      stable: PodTemplateSpec
    }
  | { kind: 'back'; stable: PodTemplateSpec }

/** @param sets the replica sets of its Deployment */
export function planRollout(workload: Workload, wanted: Wanted, sets: readonly ReplicaSet[]): RolloutPlan {
  const { status = {}, spec } = workload
  const stable = stableTemplate(status, sets)
  if (!stable) return { kind: 'everywhere' }
  if (status.failedRevision === wanted.attempt) return { kind: 'back', stable }
  const steps = spec.update?.canary?.steps ?? []
  const isNew = status.rolledOutRevision !== undefined && status.rolledOutRevision !== wanted.revision
  const step = rolloutOf(workload, wanted).step
  const current = steps[step - 1]
  const replicas = spec.replicas ?? 1
  if (!isNew || !current || !replicas) return { kind: 'everywhere' }
  const { pauseSeconds, weight } = current
  const size = canarySize(current, replicas)
  return {
    kind: 'canary',
    step,
    of: steps.length,
    size,
    stable,
    ...(pauseSeconds === undefined ? {} : { pauseSeconds }),
    ...(weight === undefined ? {} : { weight }),
  }
}

/** How far the present attempt is; at its beginning when nothing is known of it. */
export function rolloutOf({ status }: Workload, { attempt }: Wanted): WorkloadRollout {
  return status?.rollout?.revision === attempt ? status.rollout : { revision: attempt, step: 1 }
}

/** At least one, or it would not be a step; not more than there are. As many as their part of the requests unless it is said. */
export function canarySize({ percent, replicas: count, weight }: WorkloadCanaryStep, replicas: number): number {
  const wanted = count ?? Math.ceil(((percent ?? weight ?? 0) * replicas) / 100)
  return Math.min(Math.max(wanted, 1), replicas)
}

/** How many old pods run beside the canary: its pods count once they are ready, and one old pod is there to compare with. */
export function besideCanary(replicas: number, readyCanaries: number): number {
  return Math.max(replicas - readyCanaries, 1)
}

export const revisionOf = (set: ReplicaSet) => set.metadata.labels?.[templateHashLabel]

/** The template to go back to; undefined when its replica set is gone. */
export function stableTemplate({ stableRevision }: Memory, sets: readonly ReplicaSet[]): PodTemplateSpec | undefined {
  const found = stableRevision ? sets.find(set => revisionOf(set) === stableRevision) : undefined
  const template = structuredClone(found?.spec.template)
  delete template?.metadata?.labels?.[templateHashLabel]
  return template
}

export function isPromoted({ metadata }: Workload, { attempt }: Wanted, step: number): boolean {
  const said = metadata.annotations?.[promoteAnnotation]
  return said === attempt || said === `${attempt}/${step}`
}

export function isAborted({ metadata }: Workload, { attempt }: Wanted): boolean {
  return metadata.annotations?.[abortAnnotation] === attempt
}
