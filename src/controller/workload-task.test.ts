import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CronJob, Deployment, Job, Pod, Workload } from '../models/kinds/index.ts'
import { tryAnnotation } from '../models/workload-annotations.ts'
import { cronJobReconciler } from './cron-job.ts'
import { deploymentReconciler } from './deployment.ts'
import { jobReconciler } from './job.ts'
import { replicaSetReconciler } from './replica-set.ts'
import { type PodFate, startTestCluster, type TestCluster } from './testing/cluster.ts'
import { workloadReconciler } from './workload.ts'

let cluster: TestCluster
let fate: (pod: Pod) => PodFate

beforeEach(async () => {
  fate = () => 'succeeded'
  cluster = await startTestCluster({
    reconcilers: [
      workloadReconciler(),
      jobReconciler(),
      cronJobReconciler(),
      deploymentReconciler(),
      replicaSetReconciler(),
    ],
    fate: pod => fate(pod),
  })
})
afterEach(() => cluster[Symbol.asyncDispose]())

const key = { namespace: 'default', name: 'sum' }
const create = (spec: Partial<Workload['spec']>, name = 'sum') =>
  cluster.client.create(Workload, { metadata: { ...key, name }, spec: { image: 'sum:1', ...spec } })
const get = () => cluster.client.get(Workload, key)
const patch = (spec: object) => cluster.client.patch(Workload, key, { type: 'merge', body: { spec } })
const jobs = async () => (await cluster.client.list(Job, { namespace: 'default' })).items
const says = (text: RegExp) => async () => text.test((await get()).status?.message ?? '')
const condition = async (type: string) => {
  const { status, reason } = (await get()).status!.conditions!.find(c => c.type === type)!
  return [status, reason]
}
/** The pods of all Jobs meet this fate from now on. */
async function befall(next: PodFate): Promise<void> {
  const before = fate
  fate = pod => (pod.metadata.labels!['batch.kubernetes.io/job-name'] ? next : before(pod))
  for (const { metadata } of (await cluster.client.list(Pod, { namespace: 'default' })).items)
    await cluster.client.patch(
      Pod,
      { namespace: 'default', name: metadata.name },
      { type: 'merge', body: { metadata: { annotations: { now: next } } } },
    )
}

describe('a Workload that runs once', () => {
  it('is a Job, says how far it is, and that it is complete', async () => {
    fate = () => 'ready'
    await create({ job: { completions: 2, parallelism: 2 } })
    await cluster.until(says(/^running: 0 of 2 done, 2 active$/), 20_000, get)
    expect(await condition('Ready')).toEqual(['False', 'Running'])
    await befall('succeeded')
    await cluster.until(says(/^complete since 2026-01-01T/), 20_000, get)
    const { status } = await get()
    expect(status).toMatchObject({ succeeded: 2, replicas: 0 })
    expect([await condition('Ready'), await condition('Complete')]).toEqual([
      ['True', 'Complete'],
      ['True', 'Complete'],
    ])
    const [job] = await jobs()
    expect(job!.metadata.ownerReferences).toMatchObject([{ kind: 'Workload', name: 'sum', controller: true }])
    expect(job!.spec!.template.spec!.restartPolicy).toBe('Never')
  })

  it('does not run again when its Job is taken away after the end, but when it is taken away before', async () => {
    fate = () => 'ready'
    await create({ job: {} })
    await cluster.until(says(/1 active$/), 20_000, get)
    const [first] = await jobs()
    const background = { propagationPolicy: 'Background' } as const
    await cluster.client.delete(Job, { namespace: 'default', name: first!.metadata.name }, background)
    await cluster.until(async () => (await jobs())[0]?.metadata.uid !== first!.metadata.uid, 20_000, jobs)
    await befall('succeeded')
    await cluster.until(says(/^complete/), 20_000, get)
    const [second] = await jobs()
    await cluster.client.delete(Job, { namespace: 'default', name: second!.metadata.name }, background)
    await cluster.pass(30_000)
    expect([(await jobs()).length, (await get()).status!.message!.slice(0, 8)]).toEqual([0, 'complete'])
  })

  it('runs anew in another form, and the run before is ended; a new number of pods at once is the same run', async () => {
    fate = () => 'ready'
    await create({ job: {} })
    await cluster.until(says(/1 active$/), 20_000, get)
    const [first] = await jobs()
    await patch({ job: { parallelism: 0 } })
    await cluster.until(async () => (await jobs())[0]!.spec!.parallelism === 0, 20_000, jobs)
    expect((await jobs())[0]!.metadata.uid).toBe(first!.metadata.uid)
    await patch({ image: 'sum:2', job: null })
    await patch({ job: {} })
    await cluster.until(
      async () => (await jobs()).map(j => j.spec!.template.spec!.containers[0]!.image).join() === 'sum:2',
    )
  })

  it('says why it failed, and is tried again when somebody asks for it', async () => {
    fate = () => 'failed'
    await create({ job: { backoffLimit: 0 } })
    await cluster.until(says(/^failed: Job has reached the specified backoff limit$/), 20_000, get)
    expect([await condition('Failed'), await condition('Ready')]).toEqual([
      ['True', 'BackoffLimitExceeded'],
      ['False', 'BackoffLimitExceeded'],
    ])
    fate = () => 'succeeded'
    await cluster.client.patch(Workload, key, {
      type: 'merge',
      body: { metadata: { annotations: { [tryAnnotation]: '1' } } },
    })
    await cluster.until(says(/^complete/), 20_000, get)
    expect(await condition('Failed')).toEqual(['False', 'Complete'])
  })

  it('is what another one waits for', async () => {
    fate = () => 'ready'
    await create({ job: {} })
    await create({ dependsOn: ['sum'] }, 'shop')
    const shop = () => cluster.client.get(Workload, { ...key, name: 'shop' })
    await cluster.until(async () => (await shop()).status?.message === 'waits for sum: running: 0 of 1 done, 1 active')
    for (const { metadata } of (await cluster.client.list(Pod, { namespace: 'default' })).items)
      expect(metadata.labels!['optiflow.dev/workload']).toBe('sum')
    await befall('succeeded')
    await cluster.until(
      async () => !!(await cluster.client.get(Deployment, { ...key, name: 'shop' }).catch(() => false)),
    )
  })
})

describe('a Workload with a schedule', () => {
  it('is a CronJob, and says when it runs next, that it runs, and how it went', async () => {
    await create({ schedule: '0 3 * * *', timeZone: 'Europe/Berlin', job: { concurrencyPolicy: 'Forbid' } })
    await cluster.until(says(/^next run at 2026-01-01T02:00:00Z$/), 20_000, get)
    expect(await condition('Ready')).toEqual(['True', 'Scheduled'])
    expect((await cluster.client.get(CronJob, key)).spec).toMatchObject({
      ...{ schedule: '0 3 * * *', timeZone: 'Europe/Berlin', concurrencyPolicy: 'Forbid' },
    })
    fate = () => 'ready'
    await cluster.clock.advance(7_200_000)
    await cluster.until(says(/^1 running since 2026-01-01T02:00:0\dZ; next run at 2026-01-02T02:00:00Z$/), 20_000, get)
    await befall('succeeded')
    await cluster.until(
      says(/^next run at 2026-01-02T02:00:00Z; last run complete \(2026-01-01T02:00:0\dZ\)$/),
      20_000,
      get,
    )
    await patch({ job: { suspend: true } })
    await cluster.until(says(/^suspended; last run complete/), 20_000, get)
  })

  it('becomes an app when the schedule is taken out, and the other way round', async () => {
    await create({ schedule: '@daily' })
    await cluster.until(says(/^next run/), 20_000, get)
    fate = () => 'ready'
    await patch({ schedule: null })
    await cluster.until(says(/^1 of 1 ready$/), 20_000, get)
    expect((await cluster.client.list(CronJob, { namespace: 'default' })).items).toEqual([])
    await patch({ schedule: '@daily' })
    await cluster.until(says(/^next run/), 20_000, get)
    expect((await cluster.client.list(Deployment, { namespace: 'default' })).items).toEqual([])
  })
})

it.each([
  [{ schedule: '61 * * * *' }, 'spec.schedule: Invalid value: "61 * * * *"'],
  [
    { schedule: '@daily', timeZone: 'Mars/Base' },
    'spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base',
  ],
  [{ timeZone: 'Europe/Berlin' }, 'spec.timeZone: Forbidden: may only be used together with `schedule`'],
  [{ job: {}, replicas: 3 }, 'spec.replicas: Forbidden: may not be specified for what runs to its end'],
  [{ job: {}, update: {} }, 'spec.update: Forbidden: may not be specified for what runs to its end'],
  [{ job: { concurrencyPolicy: 'Forbid' as const } }, 'spec.job.concurrencyPolicy: Forbidden'],
])('%j is refused with the reason', async (spec, reason) => {
  await expect(create(spec)).rejects.toThrow(reason)
})
