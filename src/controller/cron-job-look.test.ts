import { describe, expect, it } from 'vitest'
import { CronJob, Job } from '../models/kinds/index.ts'
import { cronJobReconciler } from './cron-job.ts'
import { jobOf } from './cron-job-plan.ts'
import { mostRecent, parseSchedule } from './cron-schedule.ts'
import { meta } from './testing/fixtures.ts'
import { stillWorld } from './testing/still-world.ts'

/** What one look at a CronJob does, by its policy, its past and the hour: the cases that Kubernetes' own controller is held to. */

const day = '2016-05-19T'
const priorHour = `${day}09:01:00Z`
const notYet = `${day}09:59:00Z`
const itIsTime = `${day}10:01:00Z`
const aWeekLater = '2016-05-26T10:00:00Z'
const hourly = '0 * * * ?'
const [short, medium, long] = [10, 2 * 3600, 1_000_000]
const key = { namespace: 'default', name: 'tick' }

type Policy = 'Allow' | 'Forbid' | 'Replace'
/** Of its Job before: there was none, it has ended, it runs. */
type Past = 'never ran' | 'is done' | 'is active'
interface Case {
  policy: Policy
  past: Past
  now: string
  deadline?: number
  schedule?: string
  suspend?: boolean
  /** When the Job before was due; in the prior hour unless given. */
  due?: string
  /** What of the Job before is not seen: the Job itself, or its place in the status. */
  unseen?: 'job' | 'reference'
}

async function look({ policy, past, now, deadline, schedule = hourly, suspend, due = priorHour, unseen }: Case) {
  const ran = past !== 'never ran'
  const cronJob: CronJob = {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { ...meta('tick'), creationTimestamp: ran ? `${day}08:59:00Z` : notYet },
    spec: {
      ...{ schedule, concurrencyPolicy: policy },
      ...(suspend ? { suspend } : {}),
      ...(deadline === undefined ? {} : { startingDeadlineSeconds: deadline }),
      jobTemplate: {
        metadata: { labels: { a: 'b' }, annotations: { x: 'y' } },
        spec: { template: { spec: { containers: [] } } },
      },
    },
    status: ran ? { lastScheduleTime: priorHour } : {},
  }
  const draft = jobOf(cronJob, Date.parse(due))
  const job = { ...draft, apiVersion: 'batch/v1', kind: 'Job', metadata: { ...draft.metadata, uid: '1234' } } as Job
  const completionTime = new Date(Date.parse(due) + 10_000).toISOString().replace('.000Z', 'Z')
  if (past === 'is done') job.status = { completionTime, conditions: [{ type: 'Complete', status: 'True' }] }
  else if (past === 'is active' && unseen !== 'reference')
    cronJob.status!.active = [{ apiVersion: 'batch/v1', kind: 'Job', ...key, name: job.metadata.name, uid: '1234' }]
  const jobs: [typeof Job, Job[]] = [Job, ran ? [job] : []]
  const cronJobs: [typeof CronJob, CronJob[]] = [CronJob, [cronJob]]
  const world = stillWorld({
    cached: [cronJobs, ...(unseen === 'job' ? [] : [jobs])],
    live: [cronJobs, jobs],
    nowMs: Date.parse(now),
  })
  const again = await cronJobReconciler().reconcile(key, world)
  const written = world.bodies.filter((_, i) => world.writes[i] === 'status CronJob default/tick')
  const status: CronJob['status'] = written.at(-1)?.status ?? cronJob.status
  const created = world.bodies.filter((_, i) => world.writes[i]!.startsWith('create Job'))
  return {
    ...{ world, status: status!, created, completionTime },
    creates: created.length,
    deletes: world.writes.filter(w => w.startsWith('delete Job')).length,
    active: status!.active?.length ?? 0,
    warnings: world.told.filter(t => t.startsWith('Warning')).length,
    again: again !== undefined,
  }
}

const policies: Policy[] = ['Allow', 'Forbid', 'Replace']
const forAll = (more: Omit<Case, 'policy'>) => policies.map(policy => ({ policy, ...more }))
const nothing = { creates: 0, deletes: 0, active: 0, warnings: 0, again: true }
const one = { ...nothing, creates: 1, active: 1 }
const rows: [Case, typeof nothing][] = [
  ...forAll({ past: 'never ran', now: notYet, schedule: 'no schedule at all' }).map(
    c => [c, { ...nothing, warnings: 1, again: false }] as [Case, typeof nothing],
  ),
  ...forAll({ past: 'never ran', now: notYet }).map(c => [c, nothing] as [Case, typeof nothing]),
  ...forAll({ past: 'never ran', now: itIsTime }).map(c => [c, one] as [Case, typeof nothing]),
  [
    { policy: 'Allow', past: 'never ran', now: itIsTime, suspend: true },
    { ...nothing, again: false },
  ],
  [{ policy: 'Allow', past: 'never ran', now: `${day}10:12:00Z`, deadline: short }, nothing],
  [{ policy: 'Allow', past: 'never ran', now: itIsTime, deadline: long }, one],

  ...forAll({ past: 'is done', now: notYet }).map(c => [c, nothing] as [Case, typeof nothing]),
  ...forAll({ past: 'is done', now: itIsTime }).map(c => [c, one] as [Case, typeof nothing]),
  [
    { policy: 'Allow', past: 'is done', now: itIsTime, suspend: true },
    { ...nothing, again: false },
  ],
  [{ policy: 'Allow', past: 'is done', now: itIsTime, deadline: short }, nothing],
  [{ policy: 'Allow', past: 'is done', now: itIsTime, deadline: long }, one],

  ...forAll({ past: 'is active', now: notYet }).map(c => [c, { ...nothing, active: 1 }] as [Case, typeof nothing]),
  [
    { policy: 'Allow', past: 'is active', now: itIsTime },
    { ...one, active: 2 },
  ],
  [
    { policy: 'Forbid', past: 'is active', now: itIsTime },
    { ...nothing, active: 1 },
  ],
  [
    { policy: 'Replace', past: 'is active', now: itIsTime },
    { ...one, deletes: 1 },
  ],
  [
    { policy: 'Allow', past: 'is active', now: itIsTime, suspend: true },
    { ...nothing, active: 1, again: false },
  ],
  [
    { policy: 'Allow', past: 'is active', now: itIsTime, deadline: short },
    { ...nothing, active: 1 },
  ],
  [
    { policy: 'Allow', past: 'is active', now: itIsTime, deadline: long },
    { ...one, active: 2 },
  ],

  // What was missed is made up for once, and said when it is much.
  ...forAll({ past: 'is done', now: aWeekLater, deadline: long }).map(
    c => [c, { ...one, warnings: 1 }] as [Case, typeof nothing],
  ),
  ...forAll({ past: 'is done', now: aWeekLater }).map(c => [c, { ...one, warnings: 1 }] as [Case, typeof nothing]),
  ...forAll({ past: 'is done', now: aWeekLater, deadline: medium }).map(c => [c, one] as [Case, typeof nothing]),
  ...forAll({ past: 'is done', now: aWeekLater, deadline: short }).map(c => [c, one] as [Case, typeof nothing]),

  // The clock went back after it ran.
  [{ policy: 'Forbid', past: 'is done', now: notYet, due: itIsTime }, nothing],
  // The Job of this hour is there, and either it or its place in the status is not seen yet.
  ...forAll({ past: 'is active', now: itIsTime, due: `${day}10:00:00Z`, deadline: long, unseen: 'job' }).map(
    c => [c, { ...nothing, active: 1 }] as [Case, typeof nothing],
  ),
  ...forAll({ past: 'is active', now: itIsTime, due: `${day}10:00:00Z`, deadline: long, unseen: 'reference' }).map(
    c => [c, { ...nothing, active: 1 }] as [Case, typeof nothing],
  ),
]

describe('one look at a CronJob', () => {
  it.each(rows)('%j', async (given, expected) => {
    const { creates, deletes, active, warnings, again, created, status, completionTime } = await look(given)
    expect({ creates, deletes, active, warnings, again }).toEqual(expected)
    if (given.past === 'is done') expect(status.lastSuccessfulTime).toBe(completionTime)
    for (const { metadata, spec } of created) {
      expect(metadata).toMatchObject({
        name: expect.stringMatching(/^tick-\d+$/),
        labels: { a: 'b' },
        annotations: { x: 'y', 'batch.kubernetes.io/cronjob-scheduled-timestamp': expect.any(String) },
        ownerReferences: [{ apiVersion: 'batch/v1', kind: 'CronJob', name: 'tick', uid: 'uid-tick', controller: true }],
      })
      expect(spec).toEqual({ template: { spec: { containers: [] } } })
    }
  })

  it('says that the one before still runs, once, where it is forbidden to run beside it', async () => {
    const { world } = await look({ policy: 'Forbid', past: 'is active', now: itIsTime })
    expect(world.told).toEqual([
      'Normal JobAlreadyActive Not starting job because prior execution is running and concurrency policy is Forbid',
    ])
  })
})

describe('what is due', () => {
  const at = (text: string) => Date.parse(text)
  const [t1, t2] = [at(`${day}10:00:00Z`), at(`${day}11:00:00Z`)]
  const minute = 60_000
  it.each([
    ['nothing before the first time', t1 - 10 * minute, t1 - 7 * minute, undefined],
    ['the first time, when it has come', t1 - 10 * minute, t1 + 2_000, { atMs: t1, missed: 1 }],
    ['nothing after a time at which it ran', t1, t1 + 2 * minute, undefined],
    ['the next after a time at which it ran', t1, t2 + 5 * minute, { atMs: t2, missed: 1 }],
    ['the latest of two', t1 - 60 * minute, t2 + 5 * minute, { atMs: t2, missed: 2 }],
    [
      'the latest of many, which are not counted',
      t1 - 60 * minute,
      t2 + 240 * 60 * minute,
      { atMs: t2 + 240 * 60 * minute, missed: 101 },
    ],
    [
      'the latest within a deadline',
      t2 + 238 * 60 * minute,
      t2 + 240 * 60 * minute,
      { atMs: t2 + 240 * 60 * minute, missed: 2 },
    ],
  ])('is %s', (_, since, now, expected) => {
    expect(mostRecent(parseSchedule(hourly), since, now)).toEqual(expected)
  })
})
