import { conditionOf, holds } from '../../models/conditions.ts'
import { Job } from '../../models/kinds/index.ts'
import { type Explainer, type Finding, stops, waits, well } from '../explanation.ts'

export const job: Explainer<Job> = {
  kind: Job,
  summary({ spec, status = {} }) {
    if (holds(status.conditions, 'Complete')) return 'it is complete'
    if (holds(status.conditions, 'Failed')) return 'it has failed'
    if (spec.suspend) return 'it is suspended'
    const of = spec.completions === undefined ? '' : ` of ${spec.completions}`
    return `${status.succeeded ?? 0}${of} pods have succeeded, ${status.active ?? 0} run, ${status.failed ?? 0} have failed`
  },
  findings({ metadata, spec, status = {} }) {
    const found: Finding[] = []
    const failed = conditionOf(status.conditions, 'Failed')
    if (failed?.status === 'True')
      found.push(stops(`${failed.reason}: ${failed.message}`, remedy(failed.reason, metadata.name)))
    const ending = conditionOf(status.conditions, 'FailureTarget')
    if (ending?.status === 'True' && failed?.status !== 'True')
      found.push(waits(`it is about to fail (${ending.reason}): its pods end first`))
    if (spec.suspend)
      found.push(
        stops('spec.suspend is true', `kubectl patch job ${metadata.name} -p '{"spec":{"suspend":false}}' lets it run`),
      )
    if (spec.managedBy && spec.managedBy !== 'kubernetes.io/job-controller')
      found.push(waits(`spec.managedBy leaves it to ${spec.managedBy}`))
    if (spec.parallelism === 0) found.push(stops('spec.parallelism is 0: no pod is started'))
    const over = failed?.status === 'True' || holds(status.conditions, 'Complete')
    if (!over && status.failed)
      found.push(
        waits(
          `${status.failed} pods have failed, and it gives up after ${(spec.backoffLimit ?? 6) + 1} (spec.backoffLimit)`,
        ),
      )
    if (over && spec.ttlSecondsAfterFinished !== undefined)
      found.push(well(`it is deleted ${spec.ttlSecondsAfterFinished} s after its end (spec.ttlSecondsAfterFinished)`))
    return found
  },
}

function remedy(reason: string | undefined, name: string): string | undefined {
  if (reason === 'BackoffLimitExceeded' || reason === 'MaxFailedIndexesExceeded' || reason === 'FailedIndexes')
    return `What its pods said: optiflow logs job/${name}`
  if (reason === 'DeadlineExceeded') return 'Raise spec.activeDeadlineSeconds, and create it anew.'
  return reason === 'PodFailurePolicy' ? 'The rule that matched stands in spec.podFailurePolicy.' : undefined
}
