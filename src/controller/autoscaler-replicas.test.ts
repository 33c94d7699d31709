import { describe, expect, it } from 'vitest'
import type { Pod } from '../models/types/core-v1.ts'
import { type Aim, groupPods, proposeFromAverage, proposeFromPods, proposeFromValue } from './autoscaler-replicas.ts'
import type { PodSample } from './metrics-source.ts'

const start = Date.UTC(2026, 0, 1)
const at = (second: number) => new Date(start + second * 1000).toISOString()
const nowMs = start + 3_600_000

interface PodFacts {
  phase?: string
  ready?: 'True' | 'False'
  /** Seconds after the start of time. */
  started?: number
  readySince?: number
}

const pod = (name: string, { phase = 'Running', ready = 'True', started = 0, readySince = 10 }: PodFacts = {}) =>
  ({
    metadata: { name },
    status: {
      phase,
      startTime: at(started),
      conditions: [{ type: 'Ready', status: ready, lastTransitionTime: at(readySince) }],
    },
  }) as Pod
const sample = (value: number): PodSample => ({ value, atMs: nowMs, windowMs: 60_000 })

/** @param values one for each pod; undefined: that one says nothing */
function group(values: (number | undefined)[], facts: PodFacts[] = [], isCpu = false) {
  const pods = values.map((_, i) => pod(`p${i}`, facts[i]))
  const samples = new Map(values.flatMap((v, i) => (v === undefined ? [] : [[`p${i}`, sample(v)] as const])))
  return groupPods(pods, samples, isCpu, nowMs)
}
const percent = (percent: number, requests: number[]): Aim => ({
  percent,
  requests: new Map(requests.map((r, i) => [`p${i}`, r])),
})

describe('a share of what is requested', () => {
  it.each([
    ['grows', 3, [0.3, 0.5, 0.7], 30, 5],
    ['shrinks', 5, [0.1, 0.3, 0.5, 0.25, 0.25], 50, 3],
    ['stays within the tolerance', 3, [1.01, 1.03, 1.02], 100, 3],
    ['counts pods that are measured, not those that were asked for', 7, [0.95, 0.95, 0.95], 50, 6],
  ])('%s', (_, current, values, target, replicas) => {
    const requests = values.map(() => 1)
    expect(proposeFromPods(current, group(values), percent(target, requests)).replicas).toBe(replicas)
  })
  it('is counted in whole percent and whole thousandths', () => {
    expect(proposeFromPods(2, group([0.3339, 0.3339]), percent(30, [1, 1]))).toEqual({
      replicas: 3,
      averageMillis: 334,
      utilization: 33,
    })
    // 38.9 of 35 would be beyond the tolerance, 38 is not.
    expect(proposeFromPods(10, group(Array(10).fill(0.389)), percent(35, Array(10).fill(1))).replicas).toBe(10)
  })
  it('leaves out pods that are going or have failed, and cannot do without any', () => {
    const grouped = group([1, 1], [{ phase: 'Failed' }, {}])
    expect([...grouped.measured.keys()]).toEqual(['p1'])
    expect(() => proposeFromPods(2, group([1], [{ phase: 'Pending' }]), percent(50, [1]))).toThrow(
      'did not receive metrics for targeted pods (pods might be unready)',
    )
  })
})

describe('pods that say nothing', () => {
  it('are taken as busy before shrinking and as idle before growing', () => {
    const aim = { each: 1 }
    expect(proposeFromPods(3, group([0.2, 0.2, undefined]), aim).replicas).toBe(2)
    expect(proposeFromPods(3, group([3, 3, undefined]), aim).replicas).toBe(6)
    expect(proposeFromPods(3, group([1.05, 1.05, undefined]), aim).replicas).toBe(3)
  })
  it('use all that they request, or what is wanted if that is more', () => {
    expect(proposeFromPods(4, group([0.1, 0.1, 0.1, undefined]), percent(50, [1, 1, 1, 1])).replicas).toBe(3)
    expect(proposeFromPods(4, group([0.1, 0.1, 0.1, undefined]), percent(200, [1, 1, 1, 1])).replicas).toBe(2)
  })
  it('use just what each should, however little that is', () => {
    expect(proposeFromPods(4, group([0.1, 0.1, 0.1, undefined]), { each: 0.5 }).replicas).toBe(2)
  })
  it('change nothing when the others use just what they should', () => {
    expect(proposeFromPods(4, group([1, 1, 1, undefined]), { each: 1 }).replicas).toBe(4)
  })
  it('never turn growing into shrinking', () => {
    expect(proposeFromPods(4, group([1.2, undefined, undefined, undefined]), { each: 1 }).replicas).toBe(4)
  })
})

describe('processors of a pod that is starting', () => {
  const young = { started: 3_500, readySince: 3_560 }
  it.each<[string, PodFacts, boolean]>([
    ['count a window after it became ready', { started: 3_400, readySince: 3_500 }, true],
    ['do not count before', young, false],
    ['do not count while it is not ready', { ...young, ready: 'False', readySince: 3_500 }, false],
    ['count later, ready or not', { ready: 'False', readySince: 200 }, true],
    ['do not count when it never was ready', { ready: 'False', readySince: 20 }, false],
  ])('%s', (_, facts, counts) => {
    expect(group([1], [facts], true).measured.size).toBe(counts ? 1 : 0)
    expect(group([1], [facts]).measured.size).toBe(1)
  })
  it('are taken as none before growing, and do not matter before shrinking', () => {
    const facts = [{}, {}, young]
    expect(proposeFromPods(3, group([0.9, 0.9, 0.9], facts, true), percent(50, [1, 1, 1])).replicas).toBe(4)
    expect(proposeFromPods(3, group([0.1, 0.1, 0.9], facts, true), percent(50, [1, 1, 1])).replicas).toBe(1)
  })
})

it.each([
  [3, 3, 20, 15, 4],
  [3, 1, 40, 20, 2],
  [3, 3, 21, 20, 3],
  [0, 0, 40, 15, 3],
  [0, 0, 0, 15, 0],
])(
  'of %i wanted, %i ready: a value of %i where %i should be asks for %i',
  (current, ready, value, target, replicas) => {
    expect(proposeFromValue(current, ready, value, target)).toBe(replicas)
  },
)

it.each([
  [5, 52, 10, 5],
  [5, 60, 10, 6],
  [0, 30, 10, 3],
  [3, 0, 10, 0],
])('%i running: a value of %i, %i for each, asks for %i', (running, value, target, replicas) => {
  expect(proposeFromAverage(running, value, target)).toBe(replicas)
})
