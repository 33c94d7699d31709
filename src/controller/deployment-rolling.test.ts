import { describe, expect, it } from 'vitest'
import type { Pod } from '../models/types/core-v1.ts'
import { nextCurrentReplicas, oldPodsRun, planCleanup, planRolling, planScaling } from './deployment-plan.ts'
import { maxReplicasAnnotation, replicasOf, revisionAnnotation, surgeAndUnavailable } from './deployment-replicas.ts'
import { deployment, replicaSet } from './testing/fixtures.ts'

/** How a Deployment's sets grow, shrink and go: the cases that Kubernetes' own controller is held to. */

type Fraction = number | string
const rolling = (replicas: number, maxSurge: Fraction, maxUnavailable: Fraction) =>
  deployment({ replicas, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } })
const recreating = (replicas: number) => deployment({ replicas, strategy: { type: 'Recreate' } })

describe('the new set', () => {
  it.each([
    ['does not grow without a surge', 0, 10, 0, 0],
    ['grows by the surge', 2, 10, 0, 2],
    ['grows by the surge and by what is gone of the old', 2, 5, 0, 7],
    ['does not grow beyond the surge', 2, 10, 2, 2],
    ['shrinks to what is wanted', 2, 2, 11, 10],
  ])('%s: surge %i, %i old, %i new', (_, surge, old, now, expected) => {
    const current = replicaSet({ name: 'new', replicas: now })
    const resizes = planRolling(rolling(10, surge, 0), { current, old: [replicaSet({ name: 'old', replicas: old })] })
    const resized = resizes.find(r => r.replicaSet === current)
    expect(resized?.replicas ?? replicasOf(current)).toBe(expected)
  })

  it.each([
    ['stays when there are too many already', rolling(1, 1, 1), 5, 5],
    ['gets what is wanted, not more, of a large surge', rolling(6, 10, 1), 2, 6],
    ['gets all that is wanted where the old are gone first', recreating(3), 1, 3],
  ])('%s', (_, d, now, expected) => {
    const all = [replicaSet({ name: 'other', replicas: 5 })]
    expect(nextCurrentReplicas(d, all, now)).toBe(expected)
  })
})

describe('old sets', () => {
  it.each([
    // With neither surge nor unavailable pods allowed one is taken, or nothing could ever move.
    ['lose one where nothing may be missing and nothing may be added', 0, 10, 0, 10, 0, 9],
    ['lose as many as may be unavailable', 2, 10, 0, 10, 0, 8],
    ['lose those that are not well', 2, 10, 0, 8, 0, 8],
    ['lose one that is not well and one that is', 2, 10, 0, 9, 0, 8],
    ['lose none more while the new are not available', 2, 8, 2, 8, 0, 8],
    ['lose none when none are left', 2, 0, 0, 10, 0, 0],
    ['lose no more of those that are not well than may be missing', 2, 10, 0, 1, 0, 8],
  ])('%s', (_, unavailable, old, now, oldReady, newReady, expected) => {
    const set = replicaSet({ name: 'old', replicas: old, available: oldReady })
    const current = replicaSet({ name: 'new', replicas: now, available: newReady })
    const resizes = planRolling(rolling(10, 0, unavailable), { current, old: [set] })
    const resized = resizes.find(r => r.replicaSet === set)
    expect(resized?.replicas ?? replicasOf(set)).toBe(expected)
  })

  type Phases = (string | undefined)[]
  it.each<[string, number, Phases[], boolean]>([
    ['none', 0, [], false],
    ['pods of which nothing is known', 0, [[undefined, undefined], [undefined]], true],
    ['pods that only its status counts', 1, [[]], true],
    ['no pods', 0, [[]], false],
    ['pods that have ended', 0, [['Failed', 'Succeeded']], false],
    ['a pod of which its node says nothing', 0, [['Unknown']], true],
    ['a pod that waits', 0, [['Pending']], true],
    ['a pod that runs', 0, [['Running']], true],
    ['pods that have ended, and in another set one that waits', 0, [['Failed', 'Succeeded'], [], ['Pending']], true],
  ])('that have %s', (_, counted, pods, expected) => {
    const old = pods.map((_, i) => {
      const set = replicaSet({ name: `old-${i}`, replicas: 0 })
      set.status = { replicas: counted }
      return set
    })
    const podsOf = (set: (typeof old)[number]) => pods[old.indexOf(set)]!.map(phase => ({ status: { phase } }) as Pod)
    expect(oldPodsRun({ current: undefined, old }, podsOf)).toBe(expected)
  })
})

describe('how many may be missing', () => {
  it.each([
    [rolling(10, 1, 5), 5],
    [rolling(10, 1, 10), 10],
    [rolling(5, 1, 10), 5],
    [rolling(0, 1, 10), 0],
    [recreating(10), 0],
    [rolling(10, 1, '50%'), 5],
    [rolling(10, 1, '60%'), 6],
    [rolling(10, 1, '100%'), 10],
    [rolling(5, 1, '100%'), 5],
  ])('%#', (d, expected) => expect(surgeAndUnavailable(d).unavailable).toBe(expected))

  it.each([
    ['39%', '39%', 4, 3],
    // What cannot be read counts as nothing: Kubernetes stops there, we go on as carefully as can be.
    ['oops', '39%', 0, 3],
    ['55%', 'urg', 6, 0],
    [0, '39%', 0, 3],
    ['39%', 0, 4, 0],
    [0, 0, 0, 1],
    ['0%', '0%', 0, 1],
  ])('of 10, with a surge of %s and %s unavailable', (surge, missing, ...expected) => {
    const { surge: more, unavailable } = surgeAndUnavailable(rolling(10, surge, missing))
    expect([more, unavailable]).toEqual(expected)
  })
})

describe("a set's share of a new size", () => {
  it.each([
    ['is nothing of nothing', { wanted: 0, now: 10 }, -10],
    ['is not known where nothing says what the sets were sized for', { wanted: 10, now: 5 }, 0],
    ['is not known of a size of 0', { wanted: 10, now: 5, max: '0' }, 0],
    ['is told by the pods that there are, where the set does not say', { wanted: 120, now: 50, there: 100 }, 10],
    ['is told by the pods that there are, where it says 0', { wanted: 120, now: 50, there: 100, max: '0' }, 10],
    ['grows with the whole', { wanted: 120, now: 50, max: '100' }, 10],
    ['grows with the whole and its surge', { wanted: 120, surge: 10, now: 50, max: '110' }, 9],
    ['shrinks with the whole', { wanted: 10, now: 6, max: '12' }, -1],
    ['shrinks with the whole and its surge', { wanted: 100, surge: 10, now: 50, max: '130' }, -8],
  ] as [string, { wanted: number; now: number; surge?: number; max?: string; there?: number }, number][])(
    '%s',
    (_, { wanted, now, surge = 0, max, there = 0 }, expected) => {
      const d = rolling(wanted, surge, 1)
      d.status = { replicas: there }
      const annotations: Record<string, string> = max === undefined ? {} : { [maxReplicasAnnotation]: max }
      // The larger one takes what rounding leaves over, so that the share of the other is its own.
      const sized = { [maxReplicasAnnotation]: String(wanted + surge) }
      const larger = replicaSet({ name: 'larger', replicas: now + 1, annotations: sized })
      const set = replicaSet({ name: 'set', replicas: now, annotations })
      const planned = planScaling(d, { current: undefined, old: [larger, set] }).find(r => r.replicaSet === set)!
      expect(planned.replicas - now).toBe(expected)
    },
  )
})

describe('of old sets', () => {
  interface Old {
    revision?: string
    wanted?: number
    there?: number
    leaves?: boolean
  }
  const clean = (limit: number, ...sets: Old[]) => {
    const old = sets.map(({ revision, wanted = 0, there = wanted, leaves }, i) => {
      const annotations: Record<string, string> = revision ? { [revisionAnnotation]: revision } : {}
      const created = `2026-01-01T00:0${i}:00Z`
      const set = replicaSet({ name: `r${i + 1}`, replicas: wanted, annotations, created })
      set.status = { replicas: there, observedGeneration: 1 }
      if (leaves) set.metadata.deletionTimestamp = '2026-01-01T01:00:00Z'
      return set
    })
    return planCleanup(deployment({ revisionHistoryLimit: limit }), old).map(rs => rs.metadata.name)
  }
  it.each<[string, number, Old[], string[]]>([
    ['all but the limit go', 1, [{}, {}, {}], ['r1', 'r2']],
    ['only the empty ones go', 0, [{}, { there: 1 }, { wanted: 1, there: 0 }, { wanted: 1 }], ['r1']],
    ['all go without a limit of mercy', 0, [{}, {}], ['r1', 'r2']],
    ['none that has pods goes', 0, [{ wanted: 1 }, { wanted: 1 }], []],
    ['none that is going goes again', 0, [{ leaves: true }], []],
    ['none goes when all are kept', 2 ** 31 - 1, [{}, {}, {}], []],
    ['the lower revision goes', 1, [{ revision: '1' }, { revision: '2' }], ['r1']],
    ['the lower revision goes, though it is younger', 1, [{ revision: '2' }, { revision: '1' }], ['r2']],
    ['one without a revision goes first', 1, [{ revision: '1' }, {}], ['r2']],
    ['one without a revision goes first, and is older', 1, [{}, { revision: '2' }], ['r1']],
    ['one with pods takes a place', 1, [{ revision: '1', wanted: 1 }, { revision: '2' }, { revision: '3' }], ['r2']],
    [
      'several with pods take all places',
      1,
      [{ revision: '1', wanted: 1 }, { revision: '2', wanted: 1 }, { revision: '3' }],
      [],
    ],
    [
      'as many as are too many go by revision',
      2,
      [{ revision: '3' }, { revision: '1' }, { revision: '4' }, { revision: '2' }],
      ['r2', 'r4'],
    ],
  ])('%s', (_, limit, old, expected) => expect(clean(limit, ...old)).toEqual(expected))
})
