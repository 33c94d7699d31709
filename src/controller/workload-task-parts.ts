import type { Draft } from '../models/object.ts'
import type { CronJob, Job, JobSpec } from '../models/types/batch-v1.ts'
import type { Workload } from '../models/types/optiflow-v1.ts'
import { stableHash } from './template-hash.ts'
import { labelsOf, partMetadata, stamped, templateOf } from './workload-parts.ts'
import { type Wanted, wantedOf } from './workload-rollout.ts'

/** What a Workload is made of that runs to its end: a Job for each form of it, or a CronJob of its name. */

export function isTask({ spec }: Workload): boolean {
  return !!spec.job || !!spec.schedule
}

/** What may not change in a Job that exists: another form is another run. */
export function wantedRun(workload: Workload): Wanted {
  const { template, completions } = jobSpecOf(workload)
  return wantedOf(workload, stableHash([template, completions]))
}

/** @param attempt of what is wanted, which is in its name: it is made once however often it is tried */
export function jobOf(workload: Workload, attempt: string): Draft<Job> {
  return {
    metadata: partMetadata(workload, `${workload.metadata.name}-${attempt.replace('.', '-')}`),
    spec: { ...jobSpecOf(workload), suspend: workload.spec.job?.suspend ?? false },
  }
}

export function cronJobOf(workload: Workload): Draft<CronJob> | undefined {
  const { spec } = workload
  if (!spec.schedule) return undefined
  const { concurrencyPolicy = 'Allow', suspend = false } = spec.job ?? {}
  return stamped({
    metadata: partMetadata(workload),
    spec: {
      schedule: spec.schedule,
      ...(spec.timeZone ? { timeZone: spec.timeZone } : {}),
      concurrencyPolicy,
      suspend,
      jobTemplate: { metadata: { labels: labelsOf(workload) }, spec: jobSpecOf(workload) },
    },
  })
}

/** Pods that failed stay, so that their logs can be read. */
function jobSpecOf(workload: Workload): JobSpec {
  const { activeDeadlineSeconds, backoffLimit, completions, parallelism } = workload.spec.job ?? {}
  const template = templateOf(workload)
  return {
    ...(activeDeadlineSeconds === undefined ? {} : { activeDeadlineSeconds }),
    ...(backoffLimit === undefined ? {} : { backoffLimit }),
    completions: completions ?? 1,
    parallelism: parallelism ?? 1,
    template: { ...template, spec: { ...template.spec!, restartPolicy: 'Never' } },
  }
}
