import { afterEach, describe, expect, it } from 'vitest'
import { CronJob, Event, Job, type Pod } from '../models/kinds/index.ts'
import { cronJobReconciler } from './cron-job.ts'
import { localTimestamp } from './cron-job-plan.ts'
import { mostRecent, parseSchedule } from './cron-schedule.ts'
import { jobReconciler } from './job.ts'
import { type PodFate, startTestCluster, type TestCluster } from './testing/cluster.ts'

let cluster: TestCluster
let fate: (pod: Pod) => PodFate
afterEach(() => cluster?.[Symbol.asyncDispose]())

const key = { namespace: 'default', name: 'tick' }
async function start(spec: Partial<CronJob['spec']> = {}) {
  cluster = await startTestCluster({ reconcilers: [cronJobReconciler(), jobReconciler()], fate: pod => fate(pod) })
  await cluster.client.create(CronJob, {
    metadata: key,
    spec: {
      schedule: '0 * * * *',
      jobTemplate: {
        metadata: { labels: { from: 'tick' } },
        spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'm', image: 'i' }] } } },
      },
      ...spec,
    },
  })
}
const get = () => cluster.client.get(CronJob, key)
const jobs = async () => (await cluster.client.list(Job, { namespace: 'default' })).items
const created = async () =>
  (await cluster.client.list(Event, { namespace: 'default' })).items
    .filter(e => e.involvedObject.kind === 'CronJob' && e.reason === 'SuccessfulCreate')
    .map(e => e.message!)
const hourMs = 3_600_000

async function hours(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await cluster.clock.advance(hourMs)
    await cluster.pass(2_000)
  }
}

describe('a CronJob', () => {
  it('starts a Job each hour for a day, once each, and keeps three', async () => {
    fate = () => 'succeeded'
    await start()
    await hours(24)
    const names = (await created()).filter(m => !m.startsWith('(combined'))
    expect(new Set(names).size).toBe(names.length)
    const left = (await jobs()).map(j => j.metadata.name).sort()
    expect(left.length).toBe(3)
    expect(left.at(-1)).toBe(`tick-${Math.floor(cluster.clock.now() / hourMs) * 60}`)
    expect((await jobs())[0]!.metadata).toMatchObject({
      labels: { from: 'tick' },
      annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': expect.stringMatching(/:00:00Z$/) },
      ownerReferences: [{ kind: 'CronJob', name: 'tick', controller: true }],
    })
    const { status } = await get()
    expect(status!.active ?? []).toEqual([])
    expect(Date.parse(status!.lastScheduleTime!) % hourMs).toBe(0)
    expect(cluster.clock.now() - Date.parse(status!.lastSuccessfulTime!)).toBeLessThan(hourMs)
  }, 60_000)

  it('that forbids concurrency waits for the Job that runs', async () => {
    fate = () => 'ready'
    await start({ concurrencyPolicy: 'Forbid' })
    await hours(3)
    expect((await jobs()).length).toBe(1)
    expect((await get()).status!.active).toHaveLength(1)
    const { items } = await cluster.client.list(Event, { namespace: 'default' })
    expect(items.map(e => e.reason)).toContain('JobAlreadyActive')
  })

  it('that replaces ends the Job that runs', async () => {
    fate = () => 'ready'
    await start({ concurrencyPolicy: 'Replace' })
    await hours(3)
    const running = (await jobs()).filter(j => !j.metadata.deletionTimestamp)
    expect(running.map(j => j.metadata.name)).toEqual([`tick-${Math.floor(cluster.clock.now() / hourMs) * 60}`])
    expect((await get()).status!.active!.map(a => a.name)).toEqual(running.map(j => j.metadata.name))
  })

  it('that allows concurrency starts them beside each other, and none while suspended', async () => {
    fate = () => 'ready'
    await start()
    await hours(3)
    expect((await get()).status!.active).toHaveLength(3)
    await cluster.client.patch(CronJob, key, { type: 'merge', body: { spec: { suspend: true } } })
    await hours(3)
    expect((await jobs()).length).toBe(3)
  })

  it('with a deadline starts nothing that is too late', async () => {
    fate = () => 'succeeded'
    await start({ startingDeadlineSeconds: 60, suspend: true })
    await cluster.clock.advance(hourMs + 30 * 60_000)
    await cluster.client.patch(CronJob, key, { type: 'merge', body: { spec: { suspend: false } } })
    await cluster.pass(5_000)
    expect(await jobs()).toEqual([])
    await hours(1)
    expect((await jobs()).length).toBe(1)
  })
})

describe('a Job that a person starts from a CronJob', () => {
  const byHand = async () => {
    const { metadata, spec } = await get()
    const owner = { apiVersion: 'batch/v1', kind: 'CronJob', name: metadata.name, uid: metadata.uid, controller: true }
    await cluster.client.create(Job, {
      metadata: {
        ...{ namespace: 'default', name: 'by-hand', ownerReferences: [owner] },
        annotations: { 'cronjob.kubernetes.io/instantiate': 'manual' },
      },
      spec: spec.jobTemplate.spec!,
    })
  }
  const names = async () => (await jobs()).map(j => j.metadata.name).sort()

  it.each(['Forbid', 'Replace'] as const)(
    'neither keeps one that does %s from its next run nor is ended by it',
    async concurrencyPolicy => {
      fate = () => 'ready'
      await start({ concurrencyPolicy })
      await byHand()
      await hours(1)
      const due = `tick-${Math.floor(cluster.clock.now() / hourMs) * 60}`
      expect(await names()).toEqual(['by-hand', due])
      expect((await get()).status!.active!.map(a => a.name)).toEqual([due])
      const { items } = await cluster.client.list(Event, { namespace: 'default' })
      expect(items.find(e => e.reason === 'UnexpectedJob')!.message).toBe(
        'Saw a job that the controller did not create or forgot: by-hand',
      )
    },
  )
})

it('a new schedule is not owed what it would have made before it was set', async () => {
  fate = () => 'succeeded'
  await start({ schedule: '0 0 1 1 *' })
  await hours(5)
  const minute = new Date(cluster.clock.now() - 10 * 60_000).getUTCMinutes()
  await cluster.client.patch(CronJob, key, { type: 'merge', body: { spec: { schedule: `${minute} * * * *` } } })
  await cluster.pass(60_000)
  expect(await jobs()).toEqual([])
  await hours(1)
  expect((await jobs()).length).toBe(1)
})

it('says which schedule never comes, and what was missed', async () => {
  fate = () => 'succeeded'
  await start({ schedule: '0 0 31 2 *' })
  const text = async (reason: string) =>
    (await cluster.client.list(Event, { namespace: 'default' })).items.find(e => e.reason === reason)?.message
  await cluster.until(async () => (await text('InvalidSchedule')) !== undefined)
  expect(await text('InvalidSchedule')).toBe('invalid schedule: 0 0 31 2 * : it never comes')
})

describe('a schedule', () => {
  const at = (text: string) => Date.parse(text)
  it.each([
    ['*/15 * * * *', 'UTC', '2026-01-01T00:07:00Z', '2026-01-01T00:15:00Z'],
    ['0 9 * * 1-5', 'UTC', '2026-01-02T10:00:00Z', '2026-01-05T09:00:00Z'],
    ['0 9 * * *', 'America/New_York', '2026-07-01T00:00:00Z', '2026-07-01T13:00:00Z'],
    ['0 9 * * *', 'America/New_York', '2026-01-01T00:00:00Z', '2026-01-01T14:00:00Z'],
    ['@daily', 'UTC', '2026-01-01T10:00:00Z', '2026-01-02T00:00:00Z'],
    ['0 0 29 2 *', 'UTC', '2026-01-01T00:00:00Z', '2028-02-29T00:00:00Z'],
    ['0 0 13 * 5', 'UTC', '2026-01-03T00:00:00Z', '2026-01-09T00:00:00Z'],
    // Read as Kubernetes does, which a library for cron does not always.
    ['0 10/4 * * *', 'UTC', '2026-01-01T11:00:00Z', '2026-01-01T14:00:00Z'],
    ['? 9 ? * ?', 'UTC', '2026-01-01T10:00:00Z', '2026-01-02T09:00:00Z'],
    ['0 0 13,* * 5', 'UTC', '2026-01-03T00:00:00Z', '2026-01-09T00:00:00Z'],
    ['0 0 */1 * 5', 'UTC', '2026-01-03T00:00:00Z', '2026-01-09T00:00:00Z'],
    ['0 0 1-31 * 5', 'UTC', '2026-01-03T00:00:00Z', '2026-01-04T00:00:00Z'],
    ['0 0 * JAN-Mar Mon', 'UTC', '2026-01-01T00:00:00Z', '2026-01-05T00:00:00Z'],
    // Once a day whatever clocks do, where Kubernetes leaves out a time that is skipped and repeats one that comes twice.
    ['30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', '2026-03-29T01:00:00Z'],
    ['30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', '2026-10-25T00:30:00Z'],
    ['30 2 * * *', 'Europe/Berlin', '2026-10-25T00:30:00Z', '2026-10-26T01:30:00Z'],
    ['@every 90m', 'UTC', '2026-01-01T00:00:00Z', '2026-01-01T01:30:00Z'],
  ])('%s in %s is due after %s at %s', (text, zone, after, expected) => {
    expect(parseSchedule(text, zone).next(at(after))).toBe(at(expected))
  })
  it.each(['* * * *', '* * * * * *', '61 * * * *', 'never'])('%s is refused', text => {
    expect(() => parseSchedule(text)).toThrow(RangeError)
  })
  it('that stood still for a year is due once, at its latest time', () => {
    const schedule = parseSchedule('* * * * *')
    const now = at('2026-12-31T23:59:30Z')
    expect(mostRecent(schedule, at('2026-01-01T00:00:00Z'), now)).toEqual({
      atMs: at('2026-12-31T23:59:00Z'),
      missed: 101,
    })
    expect(mostRecent(schedule, now, now + 10_000)).toBeUndefined()
  })
  it('that counts from its last time keeps its pace, however much was missed', () => {
    const every = parseSchedule('@every 7m')
    const last = at('2026-01-01T00:03:10Z')
    expect(mostRecent(every, last, last + 1_000 * 420_000 + 5_000)).toEqual({
      atMs: last + 1_000 * 420_000,
      missed: 1000,
    })
    expect(mostRecent(every, last, last + 419_000)).toBeUndefined()
  })
  it('is written in its own zone', () => {
    expect(localTimestamp(at('2026-07-01T13:00:00Z'), 'America/New_York')).toBe('2026-07-01T09:00:00-04:00')
    expect(localTimestamp(at('2026-07-01T13:00:00Z'), 'Asia/Kolkata')).toBe('2026-07-01T18:30:00+05:30')
    expect(localTimestamp(at('2026-07-01T13:00:00Z'))).toBe('2026-07-01T13:00:00Z')
  })
})
