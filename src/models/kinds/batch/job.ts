import { defineKind } from '../../kind.ts'
import type * as batch from '../../types/batch-v1.ts'
import { age, containerColumns, durationText, selectorCell, text } from '../columns.ts'
import { defaultPodTemplate } from '../core/pod-spec.ts'
import { templateWarnings } from '../core/pod-warnings.ts'
import { hostnameWarnings } from '../name-warnings.ts'
import { prepareJob } from './job-labels.ts'
import { checkJobStatus } from './job-status-validation.ts'
import { validateJob } from './job-validation.ts'

export type Job = batch.Job

function state(job: batch.Job): string {
  const is = (type: string) => job.status?.conditions?.find(c => c.type === type)?.status === 'True'
  if (is('Complete')) return 'Complete'
  if (is('Failed')) return 'Failed'
  if (job.metadata.deletionTimestamp) return 'Terminating'
  if (is('Suspended')) return 'Suspended'
  return is('FailureTarget') ? 'FailureTarget' : 'Running'
}

function completions({ spec, status }: batch.Job): string {
  const done = status?.succeeded ?? 0
  if (spec.completions !== undefined) return `${done}/${spec.completions}`
  const parallelism = spec.parallelism ?? 0
  return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`
}

function duration({ status }: batch.Job, nowMs: number): string {
  if (!status?.startTime) return ''
  const end = status.completionTime ? Date.parse(status.completionTime) : nowMs
  return durationText(end - Date.parse(status.startTime))
}

const largestInt32 = 2 ** 31 - 1

function defaultJob({ metadata, spec }: batch.Job): void {
  if (!spec) return
  // Neither given: one pod, once. Parallelism alone is a work queue, whose end only its pods know.
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1
  spec.parallelism ??= 1
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : largestInt32
  spec.completionMode ??= 'NonIndexed'
  spec.suspend ??= false
  spec.manualSelector ??= false
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed'
  for (const rule of spec.podFailurePolicy?.rules ?? [])
    for (const pattern of rule.onPodConditions ?? []) pattern.status ||= 'True'
  const labels = spec.template?.metadata?.labels
  if (labels && !Object.keys(metadata.labels ?? {}).length) metadata.labels = labels
  defaultPodTemplate(spec.template)
}

export const Job = defineKind<batch.Job>({
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  plural: 'jobs',
  categories: ['all'],
  scope: 'Namespaced',
  schema: 'batch/v1.Job',
  subresources: ['status'],
  orphansDependents: {
    warning:
      'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
  },
  unconditionalUpdate: true,
  fields: { 'status.successful': job => String(job.status?.succeeded ?? 0) },
  columns: [
    text('Status', state),
    text('Completions', completions),
    text('Duration', duration),
    age,
    ...containerColumns<batch.Job>(job => job.spec.template),
    text('Selector', job => selectorCell(job.spec.selector), 'wide'),
  ],
  ownAge: true,
  defaults: defaultJob,
  prepareCreate: prepareJob,
  checkedTwice: true,
  validate: validateJob,
  validatePart: (part, next, previous) => (part === 'status' ? checkJobStatus(next, previous) : []),
  warnings: (next, previous) => [
    ...(previous ? [] : hostnameWarnings(next.metadata.name)),
    ...templateWarnings('spec.template', next.spec.template, previous?.spec.template),
  ],
})
