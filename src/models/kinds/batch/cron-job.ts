import { isDns1123Subdomain } from '../../../base/names.ts'
import { defineKind } from '../../kind.ts'
import type * as batch from '../../types/batch-v1.ts'
import { age, containerColumns, integer, selectorCell, sinceText, text } from '../columns.ts'
import { defaultPodTemplate } from '../core/pod-spec.ts'
import { templateWarnings } from '../core/pod-warnings.ts'
import { hostnameWarnings } from '../name-warnings.ts'
import { validateCronJob } from './cron-job-validation.ts'

export type CronJob = batch.CronJob

function defaultCronJob({ spec }: batch.CronJob): void {
  if (!spec) return
  spec.concurrencyPolicy ??= 'Allow'
  spec.suspend ??= false
  spec.successfulJobsHistoryLimit ??= 3
  spec.failedJobsHistoryLimit ??= 1
  defaultPodTemplate(spec.jobTemplate?.spec?.template)
}

export const CronJob = defineKind<batch.CronJob>({
  group: 'batch',
  version: 'v1',
  kind: 'CronJob',
  plural: 'cronjobs',
  shortNames: ['cj'],
  categories: ['all'],
  scope: 'Namespaced',
  schema: 'batch/v1.CronJob',
  subresources: ['status'],
  unconditionalUpdate: true,
  columns: [
    text('Schedule', job => job.spec.schedule),
    text('Timezone', job => job.spec.timeZone ?? '<none>'),
    {
      name: 'Suspend',
      type: 'boolean',
      cell: job => (job.spec.suspend === undefined ? '<unset>' : job.spec.suspend ? 'True' : 'False'),
    },
    integer('Active', job => job.status?.active?.length),
    text('Last Schedule', (job, nowMs) =>
      job.status?.lastScheduleTime ? sinceText(job.status.lastScheduleTime, nowMs) : '<none>',
    ),
    age,
    ...containerColumns<batch.CronJob>(job => job.spec.jobTemplate.spec?.template),
    text('Selector', job => selectorCell(job.spec.jobTemplate.spec?.selector), 'wide'),
  ],
  ownAge: true,
  defaults: defaultCronJob,
  // The names of its jobs add eleven characters.
  validName: name => [...isDns1123Subdomain(name), ...(name.length > 52 ? ['must be no more than 52 characters'] : [])],
  validate: validateCronJob,
  warnings: (next, previous) => [
    ...(previous ? [] : hostnameWarnings(next.metadata.name)),
    ...templateWarnings('spec.jobTemplate.spec.template', next.spec.jobTemplate.spec?.template),
    ...(previous && next.spec.schedule.includes('TZ')
      ? [
          'CRON_TZ or TZ used in spec.schedule is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details',
        ]
      : []),
  ],
})
