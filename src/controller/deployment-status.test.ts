import { describe, expect, it } from 'vitest'
import type { Deployment, DeploymentCondition, DeploymentStatus } from '../models/types/apps-v1.ts'
import { isComplete, msUntilDeadline, rolloutStatus } from './deployment-status.ts'
import { deployment, replicaSet } from './testing/fixtures.ts'

/** When a rollout moves, is done, or has taken too long. */

const startMs = Date.parse('2026-01-01T00:00:00Z')
const start = '2026-01-01T00:00:00Z'
const at = (seconds: number) => new Date(startMs + seconds * 1000).toISOString().replace('.000Z', 'Z')
const condition = (status: string, reason: string, time = start): DeploymentCondition => ({
  ...{ type: 'Progressing', status, reason, message: 'as before' },
  ...{ lastUpdateTime: time, lastTransitionTime: time },
})
const updated = condition('True', 'ReplicaSetUpdated')
const timedOut = condition('False', 'ProgressDeadlineExceeded')
const succeeded = (set: string): DeploymentCondition => ({
  ...condition('True', 'NewReplicaSetAvailable'),
  message: `ReplicaSet "${set}" has successfully progressed.`,
})
const available = succeeded('new')
const counts = (replicas: number, updatedReplicas: number, availableReplicas: number): DeploymentStatus => ({
  ...{ replicas, updatedReplicas, availableReplicas, readyReplicas: availableReplicas, observedGeneration: 1 },
})
const current = (
  seconds: number | undefined,
  replicas: number,
  status: DeploymentStatus,
  conditions: DeploymentCondition[] = [],
): Deployment => {
  const d = deployment({ replicas, strategy: { type: 'Recreate' } }, { status: { ...status, conditions } })
  if (seconds === undefined) delete d.spec.progressDeadlineSeconds
  else d.spec.progressDeadlineSeconds = seconds
  return d
}

describe('a rollout is', () => {
  it.each([
    ['not done while one pod is not available', [5, 5, 5, 4], false],
    ['not done while fewer are available than must be', [5, 5, 5, 3], false],
    ['done', [5, 5, 5, 5], true],
    ['not done while one is of the old template', [5, 5, 4, 5], false],
    ['not done while old pods run beside the new', [1, 2, 1, 1], false],
    ['not done while its only pod is not up', [1, 1, 1, 0], false],
  ] as const)('%s', (_, [wanted, there, ofNew, well], expected) => {
    const d = deployment({ replicas: wanted })
    expect(isComplete(d, counts(there, ofNew, well))).toBe(expected)
  })

  it('not done before its newest spec was seen', () => {
    const d = deployment({ replicas: 5 })
    d.metadata.generation = 2
    expect(isComplete(d, counts(5, 5, 5))).toBe(false)
  })
})

describe('a rollout moves', () => {
  type Counts = [replicas: number, updated: number, ready: number, available: number]
  const sets = ([replicas, ofNew, ready, well]: Counts) => {
    const now = replicaSet({ name: 'new', replicas: ofNew, available: 0 })
    now.status = { replicas: ofNew, readyReplicas: ready, availableReplicas: well }
    const old = replicaSet({ name: 'old', replicas: replicas - ofNew, available: 0 })
    return { current: now, old: [old] }
  }
  it.each<[string, Counts, Counts, boolean]>([
    ['when there are more new pods', [10, 4, 4, 4], [10, 6, 4, 4], true],
    ['not when nothing changes', [10, 4, 4, 4], [10, 4, 4, 4], false],
    ['when there are fewer old pods', [10, 4, 6, 6], [8, 4, 6, 6], true],
    ['not when there are fewer new pods', [10, 7, 3, 3], [10, 6, 3, 3], false],
    ['when there are fewer in all, and more new ones', [10, 4, 7, 7], [8, 8, 5, 5], true],
    ['when more are ready', [10, 10, 9, 8], [10, 10, 10, 8], true],
    ['when more are available', [10, 10, 10, 9], [10, 10, 10, 10], true],
  ])('%s', (_, before, after, expected) => {
    const [replicas, updatedReplicas, readyReplicas, availableReplicas] = before
    const d = current(60, 20, { replicas, updatedReplicas, readyReplicas, availableReplicas }, [timedOut])
    const found = rolloutStatus(d, sets(after), startMs, at(30)).conditions!.find(c => c.type === 'Progressing')!
    expect(found.reason).toBe(expected ? 'ReplicaSetUpdated' : 'ProgressDeadlineExceeded')
  })
})

describe('the condition Progressing', () => {
  const look = (d: Deployment, current: number | undefined, old = 0, seconds = 30, well = current ?? 0) => {
    const set = current === undefined ? undefined : replicaSet({ name: 'new', replicas: current, available: well })
    const g = { current: set, old: [replicaSet({ name: 'old', replicas: old })] }
    const { conditions } = rolloutStatus(d, g, startMs + seconds * 1000, at(seconds))
    const found = conditions!.find(c => c.type === 'Progressing')
    return found && [found.status, found.reason, found.lastUpdateTime, found.lastTransitionTime]
  }
  const moving = counts(2, 1, 1)

  it('goes where there is no deadline', () => {
    expect(look(current(undefined, 3, counts(2, 2, 2), [updated]), 2)).toBeUndefined()
    expect(look(current(2 ** 31 - 1, 3, counts(2, 2, 2), [updated]), 2)).toBeUndefined()
  })
  it('keeps the time of its transition while it moves, and gets that of the move', () => {
    expect(look(current(60, 3, moving, [updated]), 2)).toEqual(['True', 'ReplicaSetUpdated', at(30), start])
  })
  it('is new in all when it moves after it had stopped', () => {
    expect(look(current(60, 3, moving, [timedOut]), 2)).toEqual(['True', 'ReplicaSetUpdated', at(30), at(30)])
  })
  it('is made when there is none', () => {
    expect(look(current(60, 3, moving), 2)).toEqual(['True', 'ReplicaSetUpdated', at(30), at(30)])
  })
  it('keeps the time of its transition when it is done', () => {
    expect(look(current(60, 3, counts(3, 3, 3), [updated]), 3)).toEqual([
      ...['True', 'NewReplicaSetAvailable', at(30), start],
    ])
  })
  it('is new in all when it is done after it had stopped', () => {
    expect(look(current(60, 3, counts(3, 3, 3), [timedOut]), 3)).toEqual([
      ...['True', 'NewReplicaSetAvailable', at(30), at(30)],
    ])
  })
  it('is made when it is done and there is none', () => {
    expect(look(current(60, 3, counts(3, 3, 3)), 3)).toEqual(['True', 'NewReplicaSetAvailable', at(30), at(30)])
  })
  it('does without a new set', () => {
    const d = current(60, 0, counts(3, 3, 3), [updated])
    expect(look(d, undefined)?.slice(0, 2)).toEqual(['True', 'NewReplicaSetAvailable'])
  })
  it('of a rollout that is done is not asked again while pods come and go', () => {
    const d = current(60, 3, counts(3, 3, 3), [available])
    expect(look(d, 3, 0, 4_000, 1)).toEqual(['True', 'NewReplicaSetAvailable', start, start])
  })
  it.each([
    ['beside old pods', 1],
    ['with no old pod left', 0],
  ])('starts the clock of a rollout %s that nobody saw begin', (_, old) => {
    const d = current(60, 1, counts(1 + old, 1, old), [succeeded('old')])
    expect(look(d, 1, old, 30, 0)).toEqual(['True', 'ReplicaSetUpdated', at(30), start])
  })
  it.each([
    ['11 s of 10', 10, 11, updated, 'ProgressDeadlineExceeded'],
    ['9 s of 10', 10, 9, updated, 'ReplicaSetUpdated'],
    ['an hour after it was done', 10, 3_600, available, 'NewReplicaSetAvailable'],
    ['no deadline at all', 2 ** 31 - 1, 3_600, updated, undefined],
  ] as const)('after %s', (_, deadline, seconds, before, reason) => {
    expect(look(current(deadline, 3, counts(2, 2, 2), [before]), 2, 0, seconds)?.[1]).toBe(reason)
  })
  it('that says it is too late stays as it is', () => {
    expect(look(current(60, 3, counts(2, 2, 2), [timedOut]), 2, 0, 90)).toEqual([
      ...['False', 'ProgressDeadlineExceeded', start, start],
    ])
  })
})

describe('the deadline', () => {
  const stuck = [condition('True', 'ReplicaSetUpdated')]
  it.each([
    ['is not waited for where there is none', current(undefined, 4, counts(3, 3, 2), stuck), 30, undefined],
    ['is not waited for where it is endless', current(2 ** 31 - 1, 4, counts(3, 3, 2), stuck), 30, undefined],
    ['is not waited for before anything moved', current(60, 4, counts(3, 3, 2)), 30, undefined],
    ['is not waited for when all is done', current(60, 3, counts(3, 3, 3), stuck), 30, undefined],
    ['is not waited for when it is over', current(60, 3, counts(3, 3, 0), [timedOut]), 30, undefined],
    ['is waited for', current(60, 3, counts(3, 3, 1), stuck), 30, 31_000],
    ['is waited for to the last second', current(60, 3, counts(3, 3, 1), stuck), 59, 2_000],
    ['that is reached is looked at soon', current(60, 3, counts(3, 3, 1), stuck), 60, 1_000],
    ['that is long over is looked at soon', current(60, 3, counts(3, 3, 1), stuck), 120, 1_000],
  ])('%s', (_, d, seconds, expected) => {
    expect(msUntilDeadline(d, d.status!, startMs + seconds * 1000)).toBe(expected)
  })
})
