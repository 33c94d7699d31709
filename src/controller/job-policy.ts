import type { Job, PodFailurePolicyRule } from '../models/types/batch-v1.ts'
import type { ContainerStatus, Pod } from '../models/types/core-v1.ts'
import { IndexSet } from './index-set.ts'
import { hasIndexOf } from './job-pods.ts'

/** What a Job's policies say about one failed pod, or about the indexes that succeeded. */

export interface FailureVerdict {
  action: PodFailurePolicyRule['action']
  /** For FailJob: which rule, and on what. */
  message: string
}

/** The first rule that matches decides; undefined when none does, which counts the failure as usual. */
export function judgeFailure(job: Job, pod: Pod): FailureVerdict | undefined {
  for (const [i, rule] of (job.spec.podFailurePolicy?.rules ?? []).entries()) {
    // An index cannot fail alone where indexes are not counted alone.
    if (rule.action === 'FailIndex' && job.spec.backoffLimitPerIndex === undefined) continue
    const tail = `matching ${rule.action} rule at index ${i}`
    const container = rule.onExitCodes && exitMatch(pod, rule.onExitCodes)
    if (container)
      return {
        action: rule.action,
        message: `Container ${container.name} for pod ${pod.metadata.namespace}/${pod.metadata.name} failed with exit code ${container.state!.terminated!.exitCode} ${tail}`,
      }
    const condition = pod.status?.conditions?.find(c =>
      rule.onPodConditions?.some(wanted => c.type === wanted.type && c.status === (wanted.status || 'True')),
    )
    if (condition)
      return {
        action: rule.action,
        message: `Pod ${pod.metadata.namespace}/${pod.metadata.name} has condition ${condition.type} ${tail}`,
      }
  }
  return undefined
}

/** Its failure is nobody's: a policy says so, or it is of none of the Job's indexes. */
export const isIgnored = (job: Job, pod: Pod) => !hasIndexOf(job, pod) || judgeFailure(job, pod)?.action === 'Ignore'

function exitMatch(
  pod: Pod,
  { containerName, operator, values }: NonNullable<PodFailurePolicyRule['onExitCodes']>,
): ContainerStatus | undefined {
  const all = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])]
  return all.find(c => {
    const code = c.state?.terminated?.exitCode
    if (code === undefined || code === 0 || (containerName && c.name !== containerName)) return false
    return operator === 'In' ? values.includes(code) : !values.includes(code)
  })
}

/** The message of the first success rule that is met; undefined when none is. */
export function judgeSuccess(job: Job, succeeded: IndexSet): string | undefined {
  if (job.spec.completionMode !== 'Indexed') return undefined
  for (const [i, { succeededIndexes, succeededCount }] of (job.spec.successPolicy?.rules ?? []).entries()) {
    const wanted = succeededIndexes === undefined ? undefined : IndexSet.parse(succeededIndexes, job.spec.completions)
    if (wanted && !wanted.size) continue
    const count = wanted ? wanted.overlap(succeeded) : succeeded.size
    const enough = succeededCount ?? wanted?.size ?? Infinity
    if (count >= enough) return `Matched rules at index ${i}`
  }
  return undefined
}
