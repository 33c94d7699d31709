import { expect, test } from 'vitest'
import type { Job } from '../../types/batch-v1.ts'
import { checkJobStatus } from './job-status-validation.ts'

// What kube-apiserver 1.32 answers to the same statuses.

const job = (status: object, spec: object = {}): Job =>
  ({ metadata: { name: 'j' }, spec: { completions: 3, parallelism: 1, ...spec }, status }) as never as Job
const told = (status: object, before: object = {}, spec: object = {}) =>
  checkJobStatus(job(status, spec), job(before, spec)).map(e => `${e.field}: ${e.message}`)
const holds = (...types: string[]) => ({ conditions: types.map(type => ({ type, status: 'True' })) })
const [early, late] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z']
const done = { startTime: early, completionTime: late, ...holds('SuccessCriteriaMet', 'Complete') }
const wrong = (text: string) => `status.conditions: Invalid value: ${text}`

test.each<[string, object, object, object, string[]]>([
  ['an end as it should be', done, {}, {}, []],
  ['an end carried on', { ...done, succeeded: 1 }, done, {}, []],
  [
    'an end without its beginning',
    holds('Complete'),
    {},
    {},
    [
      'status.completionTime: Required value: completionTime is required for Complete jobs',
      wrong('cannot set Complete=True condition without the SuccessCriteriaMet=true condition'),
      'status.startTime: Required value: startTime is required for finished job',
    ],
  ],
  [
    'both ends, with pods that run',
    { ...done, ...holds('Complete', 'Failed', 'SuccessCriteriaMet', 'FailureTarget'), active: 1, terminating: 1 },
    {},
    {},
    [
      wrong('cannot set Complete=True and Failed=true conditions'),
      wrong('cannot set Complete=True and FailureTarget=true conditions'),
      'status.active: Invalid value: 1: active>0 is invalid for finished job',
      'status.terminating: Invalid value: 1: terminating>0 is invalid for finished job',
      wrong('cannot set SuccessCriteriaMet=True and Failed=true conditions'),
      wrong('cannot set SuccessCriteriaMet=True and FailureTarget=true conditions'),
    ],
  ],
  [
    'pods that are still to be counted',
    { ...done, uncountedTerminatedPods: { succeeded: ['a', 'a', ''] } },
    {},
    {},
    [
      'status.uncountedTerminatedPods.succeeded[1]: Duplicate value: "a"',
      'status.uncountedTerminatedPods.succeeded[2]: Invalid value: "": must not be empty',
      'status.uncountedTerminatedPods: Invalid value: batch.UncountedTerminatedPods{Succeeded:[]types.UID{"a", "a", ""}, Failed:[]types.UID(nil)}: uncountedTerminatedPods needs to be empty for finished job',
    ],
  ],
  [
    'an end before the start',
    { ...done, startTime: late, completionTime: early },
    {},
    {},
    [
      'status.completionTime: Invalid value: 2026-01-01 00:00:00 +0000 UTC: completionTime cannot be set before startTime',
    ],
  ],
  [
    'indexes of a Job without',
    { completedIndexes: '0-4', failedIndexes: '1', ready: 1 },
    {},
    {},
    [
      'status.completedIndexes: Invalid value: "0-4": error parsing completedIndexes: too large index: "4"',
      'status.completedIndexes: Invalid value: "0-4": cannot set non-empty completedIndexes when non-indexed completion mode',
      'status.failedIndexes: Invalid value: "1": cannot set non-null failedIndexes when backoffLimitPerIndex is null',
      'status.ready: Invalid value: 1: cannot set more ready pods than active',
    ],
  ],
  [
    'an index that is in both lists',
    { completedIndexes: '0-2,x', failedIndexes: '1,1' },
    {},
    { completionMode: 'Indexed', backoffLimitPerIndex: 1 },
    [
      'status.completedIndexes: Invalid value: "0-2,x": error parsing completedIndexes: cannot convert string to integer for index: "x"',
      'status.failedIndexes: Invalid value: "1,1": error parsing failedIndexes: non-increasing order, previous: 1, current: 1',
      'status.failedIndexes: Invalid value: "1,1": failedIndexes and completedIndexes overlap at index: 1',
    ],
  ],
  [
    'an end taken back',
    { startTime: late, failed: 1, succeeded: 1 },
    { ...done, failed: 2, succeeded: 2 },
    {},
    [
      wrong('cannot disable the terminal Complete=True condition'),
      'status.failed: Invalid value: 1: cannot decrease the failed counter',
      'status.succeeded: Invalid value: 1: cannot decrease the succeeded counter',
      'status.startTime: Required value: startTime cannot be removed for unsuspended job',
      wrong('cannot disable the SuccessCriteriaMet=True condition'),
    ],
  ],
  [
    'a new start where the Job goes on',
    { startTime: late, conditions: [{ type: 'Suspended', status: 'False' }] },
    { startTime: early, ...holds('Suspended') },
    {},
    [],
  ],
])('%s', (_, status, before, spec, expected) => {
  expect(told(status, before, spec)).toEqual(expected)
})
