import type { Workload } from '../models/kinds/index.ts'
import type { Deployment, ReplicaSet } from '../models/types/apps-v1.ts'
import type { PodTemplateSpec } from '../models/types/core-v1.ts'
import { conditionOf } from './conditions.ts'
import { generations } from './deployment-replicas.ts'
import { isComplete } from './deployment-status.ts'
import { templateHashLabel } from './template-hash.ts'

/** What a Workload remembers of its updates. */
export interface Memory {
  /** The pod-template-hash of pods that were last ready as a whole. */
  stableRevision?: string
  /** The hash of a wanted template that was given up. */
  failedRevision?: string
}

const revisionOf = (set: ReplicaSet) => set.metadata.labels?.[templateHashLabel]

/** The template to go back to; undefined when its replica set is gone. */
export function stableTemplate({ stableRevision }: Memory, sets: readonly ReplicaSet[]): PodTemplateSpec | undefined {
  const found = stableRevision ? sets.find(set => revisionOf(set) === stableRevision) : undefined
  const template = structuredClone(found?.spec.template)
  delete template?.metadata?.labels?.[templateHashLabel]
  return template
}

/**
 * What to remember after a look at the Deployment. An update that stood still for too long is given up, if that is wanted and there
 * is something to go back to; another template is another try.
 * @param wanted hash of the template that the Workload asks for
 */
export function judge(
  workload: Workload,
  wanted: string,
  deployment: Deployment | undefined,
  sets: readonly ReplicaSet[],
): Memory {
  const { stableRevision, failedRevision } = workload.status ?? {}
  const memory: Memory = {
    ...(stableRevision ? { stableRevision } : {}),
    ...(failedRevision === wanted ? { failedRevision } : {}),
  }
  if (!deployment || memory.failedRevision) return memory
  const { status = {}, metadata } = deployment
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0)) return memory
  const { current } = generations(deployment, sets)
  const revision = current && revisionOf(current)
  if (!current || !revision) return memory
  if (isComplete(deployment, status)) return { ...memory, stableRevision: revision }
  const progress = conditionOf(status.conditions, 'Progressing')
  // A verdict about an earlier replica set may still stand there.
  const late =
    progress?.reason === 'ProgressDeadlineExceeded' && progress.message?.includes(`"${current.metadata.name}"`)
  const wayBack = revision !== memory.stableRevision && stableTemplate(memory, sets)
  return late && wayBack && workload.spec.update?.autoRollback ? { ...memory, failedRevision: wanted } : memory
}
