import { afterEach, describe, expect, it } from 'vitest'
import { Event, Job, Pod } from '../models/kinds/index.ts'
import type { Draft } from '../models/object.ts'
import { IndexSet } from './index-set.ts'
import { jobReconciler } from './job.ts'
import { type PodFate, startTestCluster, type TestCluster } from './testing/cluster.ts'
import { ttlAfterFinishedReconciler } from './ttl-after-finished.ts'

let cluster: TestCluster
let fate: (pod: Pod) => PodFate
afterEach(() => cluster?.[Symbol.asyncDispose]())

const start = async () => {
  fate = () => 'succeeded'
  cluster = await startTestCluster({
    reconcilers: [jobReconciler(), ttlAfterFinishedReconciler()],
    fate: pod => fate(pod),
  })
}

const key = { namespace: 'default', name: 'sum' }
const sum = (spec: Partial<Job['spec']> = {}): Draft<Job> => ({
  metadata: key,
  spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'i' }] } }, ...spec },
})
const get = () => cluster.client.get(Job, key)
const pods = async () => (await cluster.client.list(Pod, { namespace: 'default' })).items
const is = (type: string) => async () =>
  (await get()).status?.conditions?.some(c => c.type === type && c.status === 'True') ?? false
const why = async () => ({
  status: (await get()).status,
  pods: (await pods()).map(p => [
    p.metadata.name,
    p.status?.phase,
    p.metadata.finalizers,
    p.metadata.deletionTimestamp,
  ]),
})
const index = (pod: Pod) => Number(pod.metadata.annotations!['batch.kubernetes.io/job-completion-index'])
const exits = (code: number) => ({
  containerStatuses: [
    {
      name: 'main',
      image: 'i',
      imageID: '',
      ready: false,
      restartCount: 0,
      state: { terminated: { exitCode: code, reason: 'Error' } },
    },
  ],
})

describe('a Job', () => {
  it('runs its pods to the wanted number of successes, never more at once than allowed, and counts each once', async () => {
    await start()
    let most = 0
    await cluster.client.create(Job, sum({ completions: 7, parallelism: 3 }))
    await cluster.until(
      async () => {
        most = Math.max(most, (await pods()).filter(p => p.status?.phase !== 'Succeeded').length)
        return is('Complete')()
      },
      60_000,
      why,
    )
    const { status } = await get()
    expect(status).toMatchObject({ succeeded: 7, completionTime: expect.any(String), startTime: expect.any(String) })
    expect([status!.active ?? 0, status!.failed ?? 0, status!.uncountedTerminatedPods ?? {}, most <= 3]).toEqual([
      0,
      0,
      {},
      true,
    ])
    expect(status!.conditions!.map(c => [c.type, c.reason, c.message])).toEqual([
      ['SuccessCriteriaMet', 'CompletionsReached', 'Reached expected number of succeeded pods'],
      ['Complete', 'CompletionsReached', 'Reached expected number of succeeded pods'],
    ])
    const all = await pods()
    expect([all.length, all.some(p => p.metadata.finalizers?.length)]).toEqual([7, false])
    await cluster.until(async () =>
      (await cluster.client.list(Event, { namespace: 'default' })).items.some(
        e => e.reason === 'Completed' && e.message === 'Job completed',
      ),
    )
  })

  it('gives up after backoffLimit failures, each later than the one before', async () => {
    await start()
    fate = () => 'failed'
    await cluster.client.create(Job, sum({ backoffLimit: 2 }))
    await cluster.until(is('Failed'), 200_000, why)
    const { status } = await get()
    expect(status!.conditions!.map(c => [c.type, c.reason, c.message])).toEqual([
      ['FailureTarget', 'BackoffLimitExceeded', 'Job has reached the specified backoff limit'],
      ['Failed', 'BackoffLimitExceeded', 'Job has reached the specified backoff limit'],
    ])
    expect([status!.failed, (await pods()).length]).toEqual([3, 3])
    const created = (await pods()).map(p => Date.parse(p.metadata.creationTimestamp!)).sort((a, b) => a - b)
    expect(created[1]! - created[0]!).toBeGreaterThanOrEqual(9_000)
    expect(created[2]! - created[1]!).toBeGreaterThanOrEqual(19_000)
  })

  it('is stopped at its deadline, its running pods with it', async () => {
    await start()
    fate = () => 'ready'
    await cluster.client.create(Job, sum({ activeDeadlineSeconds: 20, parallelism: 2, completions: 2 }))
    await cluster.pass(15_000)
    expect((await get()).status).toMatchObject({ active: 2, ready: 2 })
    await cluster.until(is('Failed'), 60_000, why)
    expect((await get()).status!.conditions!.at(-1)).toMatchObject({ reason: 'DeadlineExceeded' })
    await cluster.until(async () => (await pods()).length === 0, 10_000, why)
    expect((await get()).status!.failed).toBe(2)
  })

  it('suspended has no pods and counts none as failed; resumed it starts anew', async () => {
    await start()
    fate = () => 'ready'
    await cluster.client.create(Job, sum({ parallelism: 2, completions: 2 }))
    await cluster.until(async () => (await get()).status?.active === 2)
    await cluster.client.patch(Job, key, { type: 'merge', body: { spec: { suspend: true } } })
    await cluster.until(async () => (await is('Suspended')()) && (await pods()).length === 0, 20_000, why)
    const { status } = await get()
    expect([status!.active ?? 0, status!.failed ?? 0, status!.startTime]).toEqual([0, 0, '2026-01-01T00:00:00Z'])
    await cluster.pass(5_000)
    fate = () => 'succeeded'
    await cluster.client.patch(Job, key, { type: 'merge', body: { spec: { suspend: false } } })
    await cluster.until(is('Complete'), 20_000, why)
    expect((await get()).status!.conditions).toContainEqual(
      expect.objectContaining({ type: 'Suspended', status: 'False', reason: 'JobResumed', message: 'Job resumed' }),
    )
    expect((await get()).status!.startTime! > status!.startTime!).toBe(true)
  })

  it('suspended is complete when it has all that it needs', async () => {
    await start()
    fate = pod => (pod.metadata.annotations?.['hold'] ? 'pending' : 'succeeded')
    await cluster.client.create(Job, sum({ completions: 2, parallelism: 2 }))
    await cluster.client.patch(Job, key, { type: 'merge', body: { spec: { suspend: true } } })
    await cluster.client.patch(Job, key, { type: 'merge', body: { spec: { suspend: false } } })
    await cluster.until(async () => (await get()).status?.succeeded === 2)
    await cluster.until(is('Complete'), 20_000, why)
  })

  it('that fails lets go of pods that never ran, also when only failed ones would be replaced', async () => {
    await start()
    fate = () => 'pending'
    await cluster.client.create(
      Job,
      sum({ activeDeadlineSeconds: 5, parallelism: 2, completions: 2, podReplacementPolicy: 'Failed' }),
    )
    await cluster.until(is('Failed'), 60_000, why)
    expect([(await pods()).length, (await get()).status!.failed]).toEqual([0, 2])
  })

  it('that has succeeded early counts what it stops neither as failed nor as succeeded', async () => {
    await start()
    fate = pod => (index(pod) === 0 ? 'succeeded' : 'ready')
    const successPolicy = { rules: [{ succeededIndexes: '0' }] }
    const indexed = { completionMode: 'Indexed' as const, completions: 3, parallelism: 3 }
    await cluster.client.create(Job, sum({ ...indexed, successPolicy, backoffLimit: 0 }))
    await cluster.until(is('Complete'), 60_000, why)
    const { failed = 0, succeeded, terminating = 0, active = 0 } = (await get()).status!
    expect({ failed, succeeded, terminating, active }).toEqual({ failed: 0, succeeded: 1, terminating: 0, active: 0 })
  })

  it('that is deleted holds none of its pods back', async () => {
    await start()
    fate = () => 'ready'
    await cluster.client.create(Job, sum({ parallelism: 2, completions: 2, podReplacementPolicy: 'Failed' }))
    await cluster.until(async () => (await get()).status?.active === 2)
    await cluster.client.delete(Job, key, { propagationPolicy: 'Foreground' })
    await cluster.until(async () => (await pods()).every(p => !p.metadata.finalizers?.length), 20_000, why)
  })

  it('lets go of a pod that has lost its owner, when it is gone', async () => {
    await start()
    fate = () => 'ready'
    const { metadata } = await cluster.client.create(Pod, {
      metadata: {
        ...{ namespace: key.namespace, name: 'stray' },
        labels: { 'batch.kubernetes.io/job-name': 'long-gone' },
        finalizers: ['batch.kubernetes.io/job-tracking'],
      },
      spec: { containers: [{ name: 'm', image: 'i' }] },
    })
    await cluster.until(
      async () => !(await cluster.client.get(Pod, metadata as typeof key)).metadata.finalizers?.length,
      10_000,
    )
  })

  it('counts failures in a row from its last success on', async () => {
    await start()
    const ended = new Map<string, PodFate>()
    fate = pod => ended.get(pod.metadata.name) ?? 'pending'
    await cluster.client.create(Job, sum({ parallelism: 2, completions: 5 }))
    await cluster.until(async () => (await pods()).length === 2)
    const [bad, good] = await pods()
    const end = (pod: Pod, phase: 'Failed' | 'Succeeded', finishedAt: string) =>
      cluster.client.updateStatus(Pod, {
        ...pod,
        status: {
          phase,
          containerStatuses: [
            {
              ...{ name: 'main', image: 'i', imageID: '', ready: false, restartCount: 0 },
              state: { terminated: { exitCode: phase === 'Failed' ? 1 : 0, finishedAt } },
            },
          ],
        },
      })
    await end(bad!, 'Failed', '2026-01-01T00:00:00Z')
    await end(good!, 'Succeeded', '2026-01-01T00:00:01Z')
    // Without delay, which one failure in a row would have brought.
    await cluster.until(async () => (await pods()).filter(p => p.status?.phase === 'Pending').length === 2, 5_000, why)
  })

  it('does not count the failure of a pod that is of none of its indexes', async () => {
    await start()
    fate = pod => (pod.metadata.name === 'no-index' ? 'failed' : 'ready')
    const job = await cluster.client.create(
      Job,
      sum({ completionMode: 'Indexed', completions: 1, parallelism: 1, backoffLimit: 0 }),
    )
    await cluster.until(async () => (await get()).status?.active === 1)
    await cluster.client.create(Pod, {
      metadata: {
        ...{ namespace: key.namespace, name: 'no-index' },
        labels: { 'batch.kubernetes.io/controller-uid': job.metadata.uid },
        finalizers: ['batch.kubernetes.io/job-tracking'],
      },
      spec: { containers: [{ name: 'm', image: 'i' }] },
    })
    const stray = () => cluster.client.get(Pod, { namespace: key.namespace, name: 'no-index' }).catch(() => undefined)
    await cluster.until(async () => !(await stray())?.metadata.finalizers?.length, 10_000, why)
    await cluster.pass(2_000)
    expect((await get()).status).toMatchObject({ active: 1, ready: 1 })
    expect((await get()).status!.failed ?? 0).toBe(0)
  })

  it('is deleted when its time to live after the end is over', async () => {
    await start()
    await cluster.client.create(Job, sum({ ttlSecondsAfterFinished: 60 }))
    await cluster.until(is('Complete'))
    await cluster.pass(50_000)
    expect(await is('Complete')()).toBe(true)
    await cluster.pass(15_000)
    const job = await get().catch(() => undefined)
    // Foreground: without a garbage collector it stays, marked.
    expect(job === undefined || job.metadata.deletionTimestamp !== undefined).toBe(true)
  })

  it('whose pod a policy calls hopeless fails at once', async () => {
    await start()
    fate = () => 'ready'
    await cluster.client.create(
      Job,
      sum({
        backoffLimit: 6,
        podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } }] },
      }),
    )
    await cluster.until(async () => (await pods()).length === 1)
    const [pod] = await pods()
    fate = () => 'failed'
    await cluster.client.patch(
      Pod,
      { ...key, name: pod!.metadata.name },
      { type: 'merge', body: { status: { phase: 'Failed', ...exits(42) } } },
      { subresource: 'status' },
    )
    await cluster.until(is('Failed'), 30_000, why)
    expect((await get()).status!.conditions!.at(-1)).toMatchObject({
      reason: 'PodFailurePolicy',
      message: `Container main for pod default/${pod!.metadata.name} failed with exit code 42 matching FailJob rule at index 0`,
    })
  })
})

describe('an Indexed Job', () => {
  it('has one success for each index, with names, labels and variables that say which', async () => {
    await start()
    await cluster.client.create(Job, sum({ completionMode: 'Indexed', completions: 5, parallelism: 2 }))
    await cluster.until(is('Complete'), 60_000, why)
    expect((await get()).status).toMatchObject({ succeeded: 5, completedIndexes: '0-4' })
    const all = await pods()
    expect(all.map(index).sort()).toEqual([0, 1, 2, 3, 4])
    const third = all.find(p => index(p) === 3)!
    expect(third.metadata.name).toMatch(/^sum-3-/)
    expect(third.spec.hostname).toBe('sum-3')
    expect(third.metadata.labels!['batch.kubernetes.io/job-completion-index']).toBe('3')
    expect(third.spec.containers[0]!.env).toMatchObject([
      {
        name: 'JOB_COMPLETION_INDEX',
        valueFrom: { fieldRef: { fieldPath: "metadata.labels['batch.kubernetes.io/job-completion-index']" } },
      },
    ])
  })

  it('with a limit per index loses only the indexes that keep failing', async () => {
    await start()
    fate = pod => (index(pod) === 1 ? 'failed' : 'succeeded')
    await cluster.client.create(
      Job,
      sum({ completionMode: 'Indexed', completions: 3, parallelism: 3, backoffLimitPerIndex: 1 }),
    )
    await cluster.until(is('Failed'), 300_000, why)
    const { status } = await get()
    expect(status).toMatchObject({ succeeded: 2, failed: 2, completedIndexes: '0,2', failedIndexes: '1' })
    expect(status!.conditions!.at(-1)).toMatchObject({ reason: 'FailedIndexes', message: 'Job has failed indexes' })
    expect(
      (await pods())
        .filter(p => index(p) === 1)
        .map(p => p.metadata.annotations!['batch.kubernetes.io/job-index-failure-count'])
        .sort(),
    ).toEqual(['0', '1'])
  })

  it('ends as soon as a success policy is met, stopping the others', async () => {
    await start()
    fate = pod => (index(pod) === 0 ? 'succeeded' : 'ready')
    await cluster.client.create(
      Job,
      sum({
        completionMode: 'Indexed',
        completions: 3,
        parallelism: 3,
        successPolicy: { rules: [{ succeededIndexes: '0' }] },
      }),
    )
    await cluster.until(is('Complete'), 60_000, why)
    expect((await get()).status).toMatchObject({ succeeded: 1, completedIndexes: '0' })
    expect((await get()).status!.conditions!.map(c => [c.type, c.reason])).toEqual([
      ['SuccessCriteriaMet', 'SuccessPolicy'],
      ['Complete', 'SuccessPolicy'],
    ])
  })
})

describe('sets of indexes', () => {
  it.each([
    ['1,3-5,7', '1,3-5,7', 5],
    ['', '', 0],
    ['0-2,2-4', '0-4', 5],
    ['3,2,1', '1-3', 3],
    ['1,2', '1,2', 2],
    ['x,5-,9', '9', 1],
  ])('%s is %s, of %i', (text, expected, size) => {
    const set = IndexSet.parse(text)
    expect([set.toString(), set.size]).toEqual([expected, size])
  })
  it('know their members and overlaps', () => {
    const set = IndexSet.parse('1,3-5,9')
    expect([0, 1, 2, 3, 5, 6, 9].map(i => set.has(i))).toEqual([false, true, false, true, true, false, true])
    expect(set.overlap(IndexSet.parse('4-9'))).toBe(3)
    expect(IndexSet.parse('0-100', 3).toString()).toBe('0-2')
  })
})
