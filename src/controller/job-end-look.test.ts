import { describe, expect, it } from 'vitest'
import { Job, Pod } from '../models/kinds/index.ts'
import type { JobSpec, JobStatus } from '../models/types/batch-v1.ts'
import { jobReconciler } from './job.ts'
import { template } from './testing/fixtures.ts'
import {
  type Case,
  condition,
  fixed,
  indexed,
  jobOf,
  key,
  look,
  nothing,
  now,
  nowMs,
  onlyFailed,
  owner,
  perIndex,
  podOf,
  queue,
  type Row,
} from './testing/job-look.ts'
import { stillWorld } from './testing/still-world.ts'

/** How Jobs end, and when pods that are held for counting are let go: the cases that Kubernetes' own controller is held to. */

const ends = (reason: string, type = 'FailureTarget') => [`${type}=True ${reason}`]
const rule = (action: 'Ignore' | 'FailJob' | 'FailIndex', ...values: number[]): Partial<JobSpec> => ({
  ...onlyFailed,
  podFailurePolicy: { rules: [{ action, onExitCodes: { operator: 'In', values } }] },
})
const disrupted: Partial<JobSpec> = {
  ...onlyFailed,
  podFailurePolicy: { rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }] },
}
const firstOnly = { successPolicy: { rules: [{ succeededIndexes: '0' }] } }
const deadline = { activeDeadlineSeconds: 60 }
const longAgo: JobStatus = { startTime: '2026-01-01T00:00:00Z' }

describe('the end of a Job', () => {
  it.each<[string, Case, string[]]>([
    ['all have succeeded', { spec: fixed(2, 5), pods: 's s s s s' }, ends('CompletionsReached', 'SuccessCriteriaMet')],
    [
      'none but the last pods are left',
      { spec: queue(2), pods: 's f' },
      ends('CompletionsReached', 'SuccessCriteriaMet'),
    ],
    ['some run still', { spec: fixed(2, 2), pods: 's s r' }, []],
    ['too many failed', { spec: fixed(2, 3, { backoffLimit: 0 }), pods: 'f' }, ends('BackoffLimitExceeded')],
    ['as many failed as may', { spec: fixed(2, 3, { backoffLimit: 1 }), pods: 'f' }, []],
    ['it took too long', { spec: fixed(1, 2, deadline), pods: 'r s', status: longAgo }, ends('DeadlineExceeded')],
    [
      'it took too long, but was suspended',
      { spec: fixed(1, 2, { ...deadline, suspend: true }), status: longAgo },
      ['Suspended=True JobSuspended'],
    ],
    [
      'too many failed, and it took too long',
      { spec: fixed(1, 1, { ...deadline, backoffLimit: 0 }), pods: 'f', status: longAgo },
      ends('BackoffLimitExceeded'),
    ],
    [
      'a policy calls a failure hopeless',
      { spec: fixed(1, 1, rule('FailJob', 5)), pods: 'f=5' },
      ends('PodFailurePolicy'),
    ],
    ['a policy does not know the code', { spec: fixed(1, 1, rule('FailJob', 5)), pods: 'f=6' }, []],
    [
      'a policy calls the failure of a pod hopeless that is of no index',
      { spec: indexed(1, 1, rule('FailJob', 5)), pods: 'f=5' },
      ends('PodFailurePolicy'),
    ],
    [
      'ignored failures are no failures',
      { spec: fixed(1, 1, { ...rule('Ignore', 5), backoffLimit: 0 }), pods: 'f=5' },
      [],
    ],
    [
      'ignored failures of an index are none either',
      { spec: indexed(1, 1, { ...rule('Ignore', 5), ...perIndex, backoffLimit: 0 }), pods: 'f0#0=5' },
      [],
    ],
    [
      'one index is enough',
      { spec: indexed(3, 3, firstOnly), pods: 's0 r1 r2' },
      ends('SuccessPolicy', 'SuccessCriteriaMet'),
    ],
    [
      'enough have succeeded, and too many failed',
      { spec: indexed(2, 2, { ...firstOnly, backoffLimit: 0 }), pods: 's0 f1' },
      ends('BackoffLimitExceeded'),
    ],
    [
      'each index has its end, and one is lost',
      { spec: indexed(2, 2, perIndex), pods: 's0 f1#1' },
      ends('FailedIndexes'),
    ],
    [
      'more indexes are lost than may be',
      { spec: indexed(2, 3, { ...perIndex, maxFailedIndexes: 0 }), pods: 'f1#1 r0' },
      ends('MaxFailedIndexesExceeded'),
    ],
    [
      'a policy gives an index up',
      { spec: indexed(1, 1, { ...perIndex, ...rule('FailIndex', 5) }), pods: 'f0#0=5' },
      ends('FailedIndexes'),
    ],
  ])('%s', async (_, given, expected) => expect((await look(given)).conditions).toEqual(expected))

  it.each<Row>([
    [
      'what runs when it fails has failed with it',
      { spec: fixed(2, 3, { backoffLimit: 0 }), pods: 'R R f', status: condition('FailureTarget') },
      { deletes: 2, failed: 3, terminating: 2, patches: 3 },
    ],
    [
      'what is ignored has not',
      { spec: fixed(2, 3, disrupted), pods: 'r r:DisruptionTarget f', status: condition('FailureTarget') },
      { deletes: 2, failed: 2, terminating: 2, patches: 2 },
    ],
    [
      'what is of no index has not',
      { spec: indexed(2, 3), pods: 'r r1 f2', status: condition('FailureTarget') },
      { deletes: 2, failed: 2, terminating: 2, patches: 2 },
    ],
    [
      'what runs when it succeeds has not failed',
      { spec: indexed(2, 3, firstOnly), pods: 's0 r1 f2', status: condition('SuccessCriteriaMet') },
      { deletes: 1, succeeded: 1, failed: 1, terminating: 1, patches: 3 },
    ],
  ])('%s', async (_, given, expected) => {
    const { conditions, ...found } = await look(given)
    const { conditions: __, ...wanted } = { ...nothing, ...expected }
    expect(found).toEqual(wanted)
    expect(conditions).toEqual([`${given.status!.conditions![0]!.type}=True x`])
  })

  it('the index of what ran when it failed has not failed with its pod', async () => {
    const spec = indexed(4, 4, { ...perIndex, backoffLimitPerIndex: 0, maxFailedIndexes: 1 })
    const job = jobOf(spec, { ...condition('FailureTarget'), failedIndexes: '1,3' })
    const pods = ['t0', 't2'].map(podOf)
    const world = stillWorld({
      nowMs,
      cached: [
        [Job, [job]],
        [Pod, pods],
      ],
    })
    await jobReconciler().reconcile(key, world)
    const status = world.bodies.findLast(body => body?.status)?.status
    expect([status.failedIndexes, status.uncountedTerminatedPods.failed.length]).toEqual(['1,3', 2])
  })

  it('what was going already when it succeeds has failed before', async () => {
    const found = await look({ spec: indexed(2, 3, firstOnly), pods: 's0 t1' })
    expect(found).toMatchObject({ succeeded: 1, failed: 1, conditions: ends('SuccessPolicy', 'SuccessCriteriaMet') })
  })
})

it.each([
  ['just now', 'f!=5', 0],
  ['long ago', 'f=5', 1],
])('an ignored failure slows the next pod down like any other: %s', async (_, pods, creates) => {
  expect(await look({ spec: fixed(1, 1, rule('Ignore', 5)), pods })).toMatchObject({ creates, failed: 0, patches: 1 })
})

it('of a success rule only the indexes count that the Job still has', async () => {
  const spec = indexed(3, 2, { successPolicy: { rules: [{ succeededIndexes: '0,5-9' }] } })
  const { conditions } = await look({ spec, pods: 's0 r1' })
  expect(conditions).toEqual(ends('SuccessPolicy', 'SuccessCriteriaMet'))
})

describe('restarts in place', () => {
  const restarted = (letter: string, ...restarts: number[]) =>
    restarts.map((n, i) => {
      const made = podOf(letter, i)
      const status = { name: 'main', image: 'i', imageID: '', ready: false, restartCount: n }
      return { ...made, status: { ...made.status, containerStatuses: [status] } } as Pod
    })
  const onFailure = (backoffLimit: number) => {
    const { metadata, spec } = template()
    return fixed(2, 2, {
      backoffLimit,
      template: { metadata: metadata!, spec: { ...spec!, restartPolicy: 'OnFailure' } },
    })
  }
  it.each<[string, number, Pod[], boolean]>([
    ['none, none allowed', 0, restarted('r', 0), false],
    ['one, none allowed', 0, restarted('r', 1), true],
    ['none, one allowed', 1, restarted('r', 0), false],
    ['as many as allowed', 1, restarted('r', 1), true],
    ['of pods that wait', 1, restarted('p', 1), true],
    ['of pods that go', 1, restarted('t', 1), true],
    ['of several together', 10, restarted('r', 5, 5), true],
    ['too few', 10, restarted('r', 5, 4), false],
  ])('%s', async (_, limit, pods, fails) => {
    const world = stillWorld({
      cached: [
        [Job, [jobOf(onFailure(limit))]],
        [Pod, pods],
      ],
      nowMs,
    })
    await jobReconciler().reconcile(key, world)
    const status: JobStatus = world.bodies.find(body => body.spec?.template)?.status ?? {}
    expect((status.conditions ?? []).map(c => c.reason)).toEqual(fails ? ['BackoffLimitExceeded'] : [])
  })
})

describe('a pod that is held for counting', () => {
  const held = (metadata: object): Pod => {
    const made = podOf('r', 0)
    return { ...made, metadata: { ...made.metadata, deletionTimestamp: now, ownerReferences: [], ...metadata } }
  }
  const done = jobOf({}, condition('Complete'))
  const named = { labels: { 'batch.kubernetes.io/job-name': 'sum' } }
  const other = { ...owner, apiVersion: 'example.test/v1' }
  const { controller: _, ...notController } = owner
  it.each<[string, Pod, Job | undefined, boolean]>([
    [
      'of a Job that goes on stays held',
      held({ ownerReferences: [owner] }),
      jobOf({ suspend: true, ...onlyFailed }),
      false,
    ],
    ['of one that has ended is let go', held({ ownerReferences: [owner] }), done, true],
    ['of one that is gone is let go', held({ ownerReferences: [owner] }), undefined, true],
    ['of nobody is let go', held({}), undefined, true],
    ['of nobody, once of a Job that is gone, is let go', held(named), undefined, true],
    ['owned, not controlled, by a Job is let go', held({ ownerReferences: [notController] }), undefined, true],
    ['of the Job of somebody else stays held', held({ ownerReferences: [other] }), undefined, false],
    ['of a CronJob stays held', held({ ownerReferences: [{ ...owner, kind: 'CronJob' }] }), undefined, false],
    [
      'of a Job that others run stays held',
      held({ ownerReferences: [owner] }),
      { ...done, spec: { ...done.spec, managedBy: 'example.test/x' } },
      false,
    ],
  ])('%s', async (_, pod, job, letGo) => {
    const world = stillWorld({
      cached: [
        [Job, job ? [job] : []],
        [Pod, [pod]],
      ],
      nowMs,
    })
    const reconciler = jobReconciler()
    const keys = reconciler.watches![0]!.keys(pod, world.cache)
    for (const concerned of [...keys, key]) await reconciler.reconcile(concerned, world)
    const freed = world.bodies.filter(
      (body, i) => world.writes[i]!.startsWith('patch Pod') && !body.metadata.finalizers.length,
    )
    expect(freed.length > 0).toBe(letGo)
  })
})
