import { expect, it } from 'vitest'
import type { Pod } from '../../models/types/core-v1.ts'
import type { ObservedPod } from '../../runtime/runtime.ts'
import { phaseOf } from './phase.ts'
import { newRecords } from './records.ts'

const now = 1_000_000
type Seen = [name: string, state: 'running' | 'created' | 'exited', exitCode?: number]

function phase(seen: Seen[], { gone = false, operation }: { gone?: boolean; operation?: string } = {}) {
  const pod = {
    metadata: { name: 'web', namespace: 'shop', uid: 'u' },
    spec: { restartPolicy: 'Never', containers: [{ name: 'a' }, { name: 'b' }] },
  } as Pod
  const containers = seen.map(([name, state, exitCode]) => ({
    ...{ id: `${name}0`, sandbox: 's', name, attempt: 0, image: 'i', imageRef: 'r', createdAtMs: 0, labels: {} },
    ...{ annotations: {}, state, ...(exitCode === undefined ? {} : { exitCode }) },
  }))
  const observed = { uid: 'u', name: 'web', namespace: 'shop', sandboxes: [], containers } as unknown as ObservedPod
  const ended = seen
    .filter(([, state]) => state === 'exited')
    .map(([name]) => [`${name}0`, { atMonoMs: now, message: '' }])
  const operations = operation ? [[operation, { sinceMonoMs: now }]] : []
  const records = {
    ...newRecords(now, now),
    ended: new Map<string, never>(ended as never),
    operations: new Map<string, never>(operations as never),
  }
  return phaseOf({ pod, gone, observed, records, nowMs: now, monoMs: now })
}

it.each<[Seen[], string]>([
  [
    [
      ['a', 'exited', 0],
      ['b', 'exited', 0],
    ],
    'Succeeded',
  ],
  [
    [
      ['a', 'exited', 0],
      ['b', 'exited', 1],
    ],
    'Failed',
  ],
  [
    [
      ['a', 'exited', 0],
      ['b', 'running'],
    ],
    'Running',
  ],
])('a pod whose containers are %j is %s', (seen, answer) => {
  expect(phase(seen)).toBe(answer)
})

it('a pod that is ended before all of its containers ran has failed, once nothing of it starts or ends any more', () => {
  const begun: Seen[] = [['a', 'exited', 0]]
  expect(phase(begun)).toBe('Pending')
  expect(phase(begun, { gone: true, operation: 'start:b' })).toBe('Pending')
  expect(phase(begun, { gone: true, operation: 'sandbox' })).toBe('Pending')
  expect(phase(begun, { gone: true })).toBe('Failed')
  expect(
    phase(
      [
        ['a', 'exited', 0],
        ['b', 'created', 0],
      ],
      { gone: true },
    ),
  ).toBe('Failed')
})
