import { timeText } from '../base/clock.ts'
import { sameMeaning } from '../base/equality.ts'
import { explain } from '../base/errors.ts'
import { controllerOf } from '../client/owner.ts'
import { ownerWatch, type Reconciler, type World } from '../client/reconciler.ts'
import { isAlreadyExists, isConflict, isNamespaceTerminating, isNotFound } from '../models/api-error.ts'
import { CronJob, Job } from '../models/kinds/index.ts'
import { keyOf, keyText, type ObjectKey } from '../models/object.ts'
import type { CronJobStatus } from '../models/types/batch-v1.ts'
import { endOf, isScheduled, jobName, jobOf, surplusJobs } from './cron-job-plan.ts'
import { isTimeZone, mostRecent, parseSchedule, type Schedule } from './cron-schedule.ts'

export interface CronJobMonitor {
  /** A Job was made. @param lateMs after the time that the schedule has for it */
  started(lateMs: number): void
}

/** Starts a Job whenever its schedule says so, and keeps as many finished ones as asked for. */
export function cronJobReconciler({ monitor }: { monitor?: CronJobMonitor } = {}): Reconciler {
  const changes = new ScheduleChanges()
  return {
    name: 'cron-job',
    eventsFrom: 'cronjob-controller',
    primary: CronJob,
    watches: [ownerWatch(Job, CronJob)],
    writes: [
      { kind: Job, part: 'owned' },
      { kind: CronJob, part: 'status' },
    ],
    async reconcile(key, world) {
      const seen = world.cache.get(CronJob, key)
      if (!seen) return changes.forget(key)
      return new Round(world, seen, changes.lastOf(seen, world.clock.now()), monitor).run()
    },
  }
}

/** When schedules were changed: a new one is not owed what it would have made before. */
class ScheduleChanges {
  readonly #known = new Map<string, { text: string; changedMs: number }>()

  /** @returns when the schedule was changed since this process knows it; -Infinity when it was not */
  lastOf(cronJob: CronJob, nowMs: number): number {
    const { metadata, spec } = cronJob
    const key = keyText(keyOf(cronJob))
    const text = `${metadata.uid} ${spec.timeZone ?? ''} ${spec.schedule}`
    const known = this.#known.get(key)
    if (known?.text === text) return known.changedMs
    const changedMs = known?.text.startsWith(metadata.uid) ? nowMs : -Infinity
    this.#known.set(key, { text, changedMs })
    return changedMs
  }

  forget(key: ObjectKey): void {
    this.#known.delete(keyText(key))
  }
}

class Round {
  readonly #world: World
  readonly #seen: CronJob
  readonly #changedMs: number
  readonly #monitor: CronJobMonitor | undefined
  #status: CronJobStatus

  constructor(world: World, cronJob: CronJob, changedMs: number, monitor: CronJobMonitor | undefined) {
    this.#world = world
    this.#changedMs = changedMs
    this.#monitor = monitor
    this.#seen = cronJob
    this.#status = structuredClone(cronJob.status ?? {})
  }

  async run(): Promise<void | { afterMs: number }> {
    const jobs = this.#world.cache.ownedBy(Job, this.#seen.metadata.uid)
    await this.#notice(jobs)
    const again = this.#seen.metadata.deletionTimestamp ? undefined : await this.#schedule(jobs)
    await this.#cleanUp(jobs)
    await this.#write()
    return again
  }

  /** Takes finished and lost Jobs out of the active ones. */
  async #notice(jobs: readonly Job[]): Promise<void> {
    const { client, events } = this.#world
    const active = this.#status.active ?? []
    const listed = (job: Job) => active.some(ref => ref.uid === job.metadata.uid)
    for (const job of jobs) {
      const end = endOf(job)
      if (!end && !listed(job)) {
        // Made just before a crash, or behind a stale cache: it is ours and it runs.
        if (isScheduled(this.#seen, job)) {
          active.push(reference(job))
          this.#noteScheduled(job)
        } else {
          const text = `Saw a job that the controller did not create or forgot: ${job.metadata.name}`
          events.warning(this.#seen, 'UnexpectedJob', text)
        }
      }
      if (!end || !listed(job)) continue
      this.#status.active = active.filter(ref => ref.uid !== job.metadata.uid)
      active.splice(0, active.length, ...this.#status.active)
      events.normal(this.#seen, 'SawCompletedJob', `Saw completed job: ${job.metadata.name}, condition: ${end}`)
    }
    for (const job of jobs) {
      const { completionTime } = job.status ?? {}
      if (endOf(job) !== 'Complete' || !completionTime) continue
      if ((this.#status.lastSuccessfulTime ?? '') < completionTime) this.#status.lastSuccessfulTime = completionTime
    }
    for (const ref of [...active]) {
      if (jobs.some(j => j.metadata.uid === ref.uid)) continue
      try {
        const live = await client.get(Job, { namespace: this.#seen.metadata.namespace!, name: ref.name! })
        if (live.metadata.uid === ref.uid) continue
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
      active.splice(active.indexOf(ref), 1)
      events.normal(this.#seen, 'MissingJob', `Active job went missing: ${ref.name}`)
    }
    if (active.length) this.#status.active = active
    else delete this.#status.active
  }

  #noteScheduled(job: Job): void {
    const at = Date.parse(job.metadata.annotations?.['batch.kubernetes.io/cronjob-scheduled-timestamp'] ?? '')
    if (!Number.isFinite(at)) return
    if (at > (Date.parse(this.#status.lastScheduleTime ?? '') || 0)) this.#status.lastScheduleTime = timeText(at)
  }

  async #schedule(jobs: readonly Job[]): Promise<void | { afterMs: number }> {
    const { clock, events } = this.#world
    const { spec } = this.#seen
    const schedule = this.#parse()
    if (!schedule || spec.suspend) return
    const nowMs = clock.now()
    const next = schedule.next(nowMs)
    if (next === undefined)
      events.warning(this.#seen, 'InvalidSchedule', `invalid schedule: ${spec.schedule} : it never comes`)
    // A little later than the time itself, which then has surely come.
    const again = next === undefined ? undefined : { afterMs: next - nowMs + 100 }
    const due = mostRecent(schedule, this.#earliestMs(nowMs), nowMs)
    if (!due) return again
    if (due.missed > 100)
      events.warning(
        this.#seen,
        'TooManyMissedTimes',
        'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew',
      )
    const deadline = spec.startingDeadlineSeconds
    if (deadline !== undefined && due.atMs + deadline * 1000 < nowMs) {
      events.warning(
        this.#seen,
        'MissSchedule',
        `Missed scheduled time to start a job: ${new Date(due.atMs).toUTCString().replace('GMT', '+0000')}`,
      )
      return again
    }
    const name = jobName(this.#seen, due.atMs)
    // Made already; what the status has of it may be ahead of the view of Jobs, or behind it.
    const isMade = jobs.some(j => j.metadata.name === name) || this.#status.active?.some(ref => ref.name === name)
    if (isMade || this.#status.lastScheduleTime === timeText(due.atMs)) {
      this.#status.lastScheduleTime = timeText(due.atMs)
      return again
    }
    await this.#start(due.atMs)
    return again
  }

  #parse(): Schedule | undefined {
    const { spec } = this.#seen
    const { events } = this.#world
    if (spec.timeZone !== undefined && !isTimeZone(spec.timeZone)) {
      const text = `invalid timeZone: "${spec.timeZone}": unknown time zone ${spec.timeZone}`
      events.warning(this.#seen, 'UnknownTimeZone', text)
      return undefined
    }
    try {
      return parseSchedule(spec.schedule, spec.timeZone)
    } catch (error) {
      events.warning(this.#seen, 'UnparseableSchedule', `unparseable schedule: "${spec.schedule}" : ${explain(error)}`)
      return undefined
    }
  }

  #earliestMs(nowMs: number): number {
    const { metadata, spec } = this.#seen
    const last = Date.parse(this.#status.lastScheduleTime ?? '')
    const since = Number.isFinite(last) ? last : Date.parse(metadata.creationTimestamp ?? '') || nowMs
    const { startingDeadlineSeconds: deadline } = spec
    return Math.max(since, this.#changedMs, deadline === undefined ? since : nowMs - deadline * 1000)
  }

  async #start(scheduledMs: number): Promise<void> {
    const { client, events } = this.#world
    const { concurrencyPolicy } = this.#seen.spec
    const active = this.#status.active ?? []
    if (concurrencyPolicy === 'Forbid' && active.length) {
      const text = 'Not starting job because prior execution is running and concurrency policy is Forbid'
      events.normal(this.#seen, 'JobAlreadyActive', text)
      return
    }
    if (concurrencyPolicy === 'Replace') await this.#replace()
    const draft = jobOf(this.#seen, scheduledMs)
    let job: Job
    try {
      job = await client.create(Job, draft)
      this.#monitor?.started(this.#world.clock.now() - scheduledMs)
      events.normal(this.#seen, 'SuccessfulCreate', `Created job ${job.metadata.name}`)
    } catch (error) {
      if (isNamespaceTerminating(error)) return
      if (!isAlreadyExists(error)) {
        events.warning(this.#seen, 'FailedCreate', `Error creating job: ${explain(error)}`)
        throw error
      }
      job = await client.get(Job, { namespace: draft.metadata.namespace!, name: draft.metadata.name! })
      if (controllerOf(job)?.uid !== this.#seen.metadata.uid) {
        const text = `Error creating job: job ${job.metadata.name} exists and does not belong to this CronJob`
        events.warning(this.#seen, 'FailedCreate', text)
        return
      }
    }
    if (!endOf(job))
      this.#status.active = [...(this.#status.active ?? []).filter(r => r.uid !== job.metadata.uid), reference(job)]
    this.#status.lastScheduleTime = timeText(scheduledMs)
  }

  async #replace(): Promise<void> {
    for (const ref of this.#status.active ?? []) await this.#remove({ name: ref.name!, uid: ref.uid! })
    delete this.#status.active
  }

  async #cleanUp(jobs: readonly Job[]): Promise<void> {
    for (const { metadata } of surplusJobs(this.#seen, jobs)) await this.#remove(metadata)
  }

  async #remove({ name, uid }: { name: string; uid: string }): Promise<void> {
    const { client, events } = this.#world
    try {
      await client.delete(
        Job,
        { namespace: this.#seen.metadata.namespace!, name },
        { uid, propagationPolicy: 'Background' },
      )
      events.normal(this.#seen, 'SuccessfulDelete', `Deleted job ${name}`)
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) {
        events.warning(this.#seen, 'FailedDelete', `Deleted job: ${explain(error)}`)
        throw error
      }
    }
  }

  async #write(): Promise<void> {
    if (sameMeaning(this.#seen.status, this.#status)) return
    const next = { ...structuredClone(this.#seen), status: this.#status }
    try {
      await this.#world.client.updateStatus(CronJob, next)
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }
}

function reference({ metadata }: Job) {
  const { namespace, name, uid, resourceVersion } = metadata
  return { apiVersion: 'batch/v1', kind: 'Job', namespace: namespace!, name, uid, resourceVersion }
}
