import { describe, expect, it } from 'vitest'
import type { Pod } from '../models/types/core-v1.ts'
import { backoffLeftMs, countFailures, indexBackoffLeftMs, noFailures } from './job-backoff.ts'
import { endedMs, podOf } from './job-pods.ts'
import { template } from './testing/fixtures.ts'

/** The cases that Kubernetes' own controller is held to. */

const at = (ms: number) => new Date(ms).toISOString()
const t = Date.UTC(2026, 0, 1, 1)
const terminated = (ms: number, name = 'main') => ({ name, state: { terminated: { exitCode: 1, finishedAt: at(ms) } } })
const running = { name: 'other', state: { running: {} } }
const podWith = (status: object, metadata: object = {}, spec: object = {}) =>
  ({ metadata: { creationTimestamp: at(t - 60_000), ...metadata }, spec, status }) as unknown as Pod
const ended = (ms: number) => podWith({ containerStatuses: [terminated(ms)] })

describe('failures in a row', () => {
  it.each([
    ['one', noFailures, [], [t], { inARow: 1, lastMs: t }],
    ['two, the last counts', noFailures, [], [t, t - 1], { inARow: 2, lastMs: t }],
    ['a success after them', noFailures, [t], [t - 2, t - 1], noFailures],
    ['a success amid them', noFailures, [t - 2], [t, t - 4, t - 3, t - 1], { inARow: 2, lastMs: t }],
    ['to those before', { inARow: 2, lastMs: t - 9 }, [], [t], { inARow: 3, lastMs: t }],
    ['at the moment of a success', noFailures, [t], [t], noFailures],
    ['none', { inARow: 2, lastMs: t - 9 }, [], [], { inARow: 2, lastMs: t - 9 }],
    ['a success alone', { inARow: 2, lastMs: t - 9 }, [t], [], noFailures],
  ])('%s', (_, before, succeeded, failed, expected) =>
    expect(countFailures(before, succeeded.map(ended), failed.map(ended))).toEqual(expected),
  )
})

describe('the time until the next pod', () => {
  it.each([
    [0, 0, 0],
    [1, 0, 10_000],
    [1, 1_000, 9_000],
    [1, 10_000, 0],
    [1, 11_000, 0],
    [3, 0, 40_000],
    [6, 0, 320_000],
    [7, 0, 600_000],
    [9, 0, 600_000],
  ])('after %i failures, %i ms ago: %i ms', (inARow, agoMs, expected) =>
    expect(backoffLeftMs({ inARow, lastMs: t }, t + agoMs)).toBe(expected),
  )

  it('of an index counts its failures before, those that a policy ignored too', () => {
    const failures = 'batch.kubernetes.io/job-index-failure-count'
    const ignored = 'batch.kubernetes.io/job-index-ignored-failure-count'
    const last = (annotations: object) => podWith({ containerStatuses: [terminated(t)] }, { annotations })
    expect(indexBackoffLeftMs(undefined, t)).toBe(0)
    expect(indexBackoffLeftMs(last({ [failures]: '2' }), t)).toBe(40_000)
    expect(indexBackoffLeftMs(last({ [failures]: '1', [ignored]: '1' }), t)).toBe(40_000)
  })
})

describe('a pod has ended', () => {
  const unready = { type: 'Ready', status: 'False', lastTransitionTime: at(t - 5_000) }
  const deleted = { deletionTimestamp: at(t), deletionGracePeriodSeconds: 30 }
  const sidecar = { initContainers: [{ name: 'side', restartPolicy: 'Always' }, { name: 'first' }] }
  it.each([
    ['with the last of its containers', podWith({ containerStatuses: [terminated(t - 9), terminated(t)] }), t],
    [
      'when it was deleted, while one of them runs',
      podWith({ containerStatuses: [terminated(t - 9), running] }, { deletionTimestamp: at(t) }),
      t,
    ],
    ['when its deletion was asked for', podWith({}, deleted), t - 30_000],
    ['when it ceased to be ready', podWith({ conditions: [unready] }, deleted), t - 5_000],
    ['not by being ready', podWith({ conditions: [{ ...unready, status: 'True' }] }, deleted), t - 30_000],
    ['at the latest when it was made', podWith({}), t - 60_000],
    [
      'with the last of its sidecars',
      podWith(
        {
          containerStatuses: [terminated(t - 9)],
          initContainerStatuses: [terminated(t, 'side'), terminated(t + 9, 'first')],
        },
        {},
        sidecar,
      ),
      t,
    ],
  ])('%s', (_, pod, expected) => expect(endedMs(pod)).toBe(expected))
})

it.each([
  ['sum', 1, 'sum-1-'],
  ['h'.repeat(63), 1, `${'h'.repeat(55)}-1-`],
  ['h'.repeat(57), 1, `${'h'.repeat(55)}-1-`],
  ['h'.repeat(63), 1234, `${'h'.repeat(52)}-1234-`],
])('pods of %s, index %i, are named %s', (name, index, expected) => {
  const job = { metadata: { name, namespace: 'default', uid: 'u' }, spec: { template: template() } } as never
  expect(podOf(job, index).metadata.generateName).toBe(expected)
})
