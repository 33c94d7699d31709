import { describe, expect, it } from 'vitest'
import { jobReconciler } from './job.ts'
import { condition, fixed, indexed, look, nothing, onlyFailed, perIndex, queue, type Row } from './testing/job-look.ts'

/** What one look at a Job writes: the cases that Kubernetes' own controller is held to. */

describe('a Job', () => {
  it.each<Row>([
    ['begins with as many as may run at once', { spec: fixed(2, 5) }, { creates: 2, active: 2 }],
    ['without completions begins with as many', { spec: queue(2) }, { creates: 2, active: 2 }],
    ['leaves pods that wait alone', { spec: fixed(2, 5), pods: 'p p' }, { active: 2 }],
    ['counts the ready ones', { spec: fixed(3, 5), pods: 'R R r' }, { active: 3, ready: 2 }],
    [
      'makes another for one that has succeeded',
      { spec: fixed(2, 5), pods: 'r s' },
      { creates: 1, active: 2, succeeded: 1, patches: 1 },
    ],
    [
      'makes another for one that failed long ago',
      { spec: fixed(2, 5), pods: 'r f' },
      { creates: 1, active: 2, failed: 1, patches: 1 },
    ],
    ['waits after one that has just failed', { spec: fixed(1, 1), pods: 'f!' }, { failed: 1, patches: 1 }],
    [
      'waits no longer when one has succeeded at the same moment',
      { spec: fixed(2, 5), pods: 'r s! f!' },
      { creates: 1, active: 2, succeeded: 1, failed: 1, patches: 2 },
    ],
    [
      'makes no more than are missing to the end',
      { spec: fixed(3, 4), pods: 's s s' },
      { creates: 1, active: 1, succeeded: 3, patches: 3 },
    ],
    [
      'deletes what is more than may run at once, uncounted',
      { spec: fixed(2, 5), pods: 'r r r' },
      { deletes: 1, patches: 1, active: 2, terminating: 1 },
    ],
    [
      'counts the ready ones that it leaves',
      { spec: fixed(2, 5), pods: 'R R R' },
      { deletes: 1, patches: 1, active: 2, ready: 2, terminating: 1 },
    ],
    [
      'deletes what is more than is missing to the end',
      { spec: fixed(3, 4), pods: 'r r r s s' },
      { deletes: 1, patches: 3, active: 2, terminating: 1, succeeded: 2 },
    ],
    [
      'without completions makes none when one has succeeded',
      { spec: queue(2), pods: 'r s' },
      { active: 1, succeeded: 1, patches: 1 },
    ],
    [
      'that only replaces failed ones waits for those that go',
      { spec: { ...queue(1), ...onlyFailed }, pods: 'r f t' },
      { active: 1, failed: 1, terminating: 1, patches: 1 },
    ],
    [
      'counts those that go as failed otherwise',
      { spec: queue(1), pods: 'r f t' },
      { active: 1, failed: 2, terminating: 1, patches: 2 },
    ],
    [
      'deletes what is too much however many go',
      { spec: fixed(1, 1, onlyFailed), pods: 'r r t t t t' },
      { deletes: 1, active: 1, terminating: 5, patches: 1 },
    ],
    [
      'that goes holds none back and makes none',
      { spec: fixed(2, 5), pods: 'p r s', going: true },
      { active: 2, succeeded: 1, patches: 3 },
    ],
    [
      'that is suspended deletes its pods and says so',
      { spec: fixed(2, 4, { suspend: true }), pods: 'r r' },
      { deletes: 2, patches: 2, terminating: 2, conditions: ['Suspended=True JobSuspended'] },
    ],
    [
      'that is suspended while it goes does neither',
      { spec: fixed(2, 4, { suspend: true }), pods: 'r r', going: true },
      { active: 2, patches: 2 },
    ],
    [
      'that is resumed begins',
      { spec: fixed(2, 4), status: condition('Suspended', 'True', 'JobSuspended') },
      { creates: 2, active: 2, conditions: ['Suspended=False JobResumed'] },
    ],
    [
      'does not mind a condition that is not so',
      { spec: fixed(1, 1), pods: 'R', status: condition('FailureTarget', 'False', 'ByHand') },
      { active: 1, ready: 1, conditions: ['FailureTarget=False ByHand'] },
    ],
  ])('%s', async (_, given, expected) => expect(await look(given)).toEqual({ ...nothing, ...expected }))

  it('is not said to be suspended before it has seen what it did before', async () => {
    const reconciler = jobReconciler()
    await look({ spec: fixed(2, 4), pods: 'r r r' }, reconciler)
    const suspended = await look({ spec: fixed(2, 4, { suspend: true }), pods: 'r r r' }, reconciler)
    expect(suspended).toMatchObject({ deletes: 0, active: 3, conditions: [] })
  })
})

describe('an Indexed Job', () => {
  it.each<Row>([
    ['begins with the first', { spec: indexed(2, 5) }, { creates: 2, indexes: [0, 1], active: 2 }],
    [
      'that only replaces failed ones has none beside one that goes',
      { spec: indexed(3, 5, onlyFailed), pods: 't0' },
      { creates: 2, indexes: [1, 2], active: 2, terminating: 1 },
    ],
    [
      'otherwise has another beside one that goes',
      { spec: indexed(2, 5), pods: 't0' },
      { creates: 2, indexes: [0, 1], active: 2, terminating: 1, failed: 1, patches: 1 },
    ],
    [
      'counts an index once',
      { spec: indexed(2, 3), pods: 's0 s1 s1' },
      { creates: 1, indexes: [2], active: 1, succeeded: 2, patches: 3 },
    ],
    [
      'fills the gaps',
      { spec: indexed(8, 20), pods: 'r0 s2 p3 s4 s5 s7 s8 s9' },
      { creates: 6, indexes: [1, 6, 10, 11, 12, 13], active: 8, succeeded: 6, patches: 6 },
    ],
    [
      'tries those that failed anew',
      { spec: indexed(3, 4), pods: 'f0 p1 f2' },
      { creates: 2, indexes: [0, 2], active: 3, failed: 2, patches: 2 },
    ],
    [
      'has no use for pods without an index of its own, and counts none of them',
      { spec: indexed(2, 5), pods: 'r s f rx sx fx px s0 r1 r2' },
      { deletes: 3, active: 2, terminating: 3, succeeded: 1, patches: 8 },
    ],
    [
      'has no use for pods of indexes that it no longer has',
      { spec: indexed(2, 5), pods: 's0 r5 s6 p7 f8' },
      { deletes: 2, terminating: 2, succeeded: 1, patches: 5 },
    ],
    [
      'keeps the most advanced pod of an index',
      { spec: indexed(5, 5), pods: 'rx s0 r1 r2 p2' },
      { deletes: 2, active: 2, terminating: 2, succeeded: 1, patches: 3 },
    ],
    [
      'with a limit per index counts a failure when its successor is there',
      { spec: indexed(2, 2, perIndex), pods: 'f0#0' },
      { creates: 2, indexes: [0, 1], active: 2 },
    ],
    [
      'has counted it by then',
      { spec: indexed(2, 2, perIndex), pods: 'f0#0 r0#1 r1' },
      { active: 2, failed: 1, patches: 1 },
    ],
    ['whose index waits after a failure makes none in its place', { spec: indexed(1, 3, perIndex), pods: 'f0#0!' }, {}],
    [
      'whose one index waits begins those that need not',
      { spec: indexed(2, 3, perIndex), pods: 'f0#0!' },
      { creates: 1, indexes: [1], active: 1 },
    ],
    [
      'goes on without an index that is lost',
      { spec: indexed(2, 3, perIndex), pods: 'f0#1 r1' },
      { creates: 1, indexes: [2], active: 2, failed: 1, patches: 1 },
    ],
  ])('%s', async (_, given, expected) => expect(await look(given)).toEqual({ ...nothing, ...expected }))
})
