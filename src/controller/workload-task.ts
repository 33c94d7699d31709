import type { Cache } from '../client/reconciler.ts'
import { isAlreadyExists, isNamespaceTerminating } from '../models/api-error.ts'
import { CronJob, Job, Pod, Service } from '../models/kinds/index.ts'
import { keyText } from '../models/object.ts'
import type { Problem } from '../models/pod-problem.ts'
import { endOf } from './cron-job-plan.ts'
import { waitsFor } from './workload-order.ts'
import { saysAll, serviceOf } from './workload-parts.ts'
import type { Wanted } from './workload-rollout.ts'
import { cronJobOf, jobOf, wantedRun } from './workload-task-parts.ts'
import { ensure, ensureClaims, isOurs, type Round, remove } from './workload-write.ts'

/** What one look at something that runs to its end has found out. */
export interface TaskLook {
  wanted: Wanted
  /** The present run, or, of a schedule, all runs that are kept. */
  jobs: readonly Job[]
  pods: readonly Pod[]
  cronJob: CronJob | undefined
  obstacle: Problem | undefined
}

/** Starts what runs to its end: once in each form that it has, or as its schedule says. */
export async function lookAtTask(round: Round): Promise<TaskLook> {
  const { world, workload, obstacles } = round
  const { cache } = world
  const wanted = wantedRun(workload)
  await ensureClaims(round)
  const waits = waitsFor(workload, cache)
  if (waits) obstacles.push(waits)
  await ensure(round, Service, serviceOf(workload))
  const cronJob = waits ? undefined : await ensure(round, CronJob, cronJobOf(workload))
  const job = waits || workload.spec.schedule ? undefined : await ensureJob(round, wanted)
  await endOtherRuns(round, job)
  const jobs = cronJob ? cache.ownedBy(Job, cronJob.metadata.uid) : job ? [job] : []
  return { wanted, jobs, pods: podsOf(cache, jobs), cronJob, obstacle: obstacles[0] }
}

/** A run that has ended is not started again, whatever becomes of its Job; one that was deleted before its end is. */
async function ensureJob(round: Round, { attempt }: Wanted): Promise<Job | undefined> {
  const { world, workload, obstacles, mayWrite } = round
  const { cache, client, events } = world
  const draft = jobOf(workload, attempt)
  const key = { namespace: draft.metadata.namespace!, name: draft.metadata.name! }
  let job = cache.get(Job, key)
  if (!job) {
    if (workload.status?.rolledOutRevision === attempt || !(await mayWrite())) return undefined
    try {
      const made = await client.create(Job, draft)
      events.normal(workload, 'JobCreated', `Created Job ${key.name}`)
      return made
    } catch (error) {
      if (isNamespaceTerminating(error)) return undefined
      if (!isAlreadyExists(error)) throw error
      job = await client.get(Job, key)
    }
  }
  if (!isOurs(job, workload)) {
    const message = `Job ${keyText(key)} exists and does not belong to this Workload; delete one of them`
    events.warning(workload, 'NameTaken', message)
    obstacles.push({ weight: 100, reason: 'NameTaken', message })
    return undefined
  }
  const { template: _, completions: __, ...changeable } = draft.spec!
  if (endOf(job) || saysAll(job.spec, changeable) || !(await mayWrite())) return job
  return client.patch(Job, key, { type: 'merge', body: { metadata: { uid: job.metadata.uid }, spec: changeable } })
}

/** Runs of earlier forms, and all of them when it runs by a schedule or for ever. */
export async function endOtherRuns({ world, workload, mayWrite }: Round, keep: Job | undefined): Promise<void> {
  for (const job of world.cache.ownedBy(Job, workload.metadata.uid)) {
    if (job.metadata.name === keep?.metadata.name || job.metadata.deletionTimestamp) continue
    if (await mayWrite()) await remove(world, Job, job)
  }
}

function podsOf(cache: Cache, jobs: readonly Job[]): Pod[] {
  return jobs.filter(job => !endOf(job)).flatMap(job => cache.ownedBy(Pod, job.metadata.uid))
}
