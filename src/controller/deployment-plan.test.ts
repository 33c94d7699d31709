import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ReplicaSet } from '../models/types/apps-v1.ts'
import { isScalingEvent, planCleanup, planRolling, planScaling, type Resize, resizeNeeded } from './deployment-plan.ts'
import {
  currentAnnotations,
  desiredReplicasAnnotation,
  generations,
  highestRevision,
  maxReplicasAnnotation,
  replicasOf,
  revisionAnnotation,
  revisionHistoryAnnotation,
  surgeAndUnavailable,
} from './deployment-replicas.ts'
import { deployment, replicaSet, type SetShape } from './testing/fixtures.ts'

const sizes = (resizes: Resize[]) =>
  Object.fromEntries(resizes.map(({ replicaSet: rs, replicas }) => [rs.metadata.name, replicas]))
const rolling = (maxSurge: number | string, maxUnavailable: number | string, replicas: number) =>
  deployment({ replicas, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } })

it.each([
  ['25%', '25%', 10, { surge: 3, unavailable: 2 }],
  [0, '10%', 3, { surge: 0, unavailable: 1 }],
  [0, 0, 3, { surge: 0, unavailable: 1 }],
  [2, 5, 3, { surge: 2, unavailable: 3 }],
  ['100%', '0%', 4, { surge: 4, unavailable: 0 }],
])('surge %s and unavailable %s of %i replicas', (surge, unavailable, replicas, expected) => {
  expect(surgeAndUnavailable(rolling(surge, unavailable, replicas))).toEqual(expected)
})

describe('a step of a rolling update', () => {
  const step = (
    replicas: number,
    surge: number | string,
    unavailable: number | string,
    now: SetShape,
    ...old: SetShape[]
  ) =>
    sizes(
      planRolling(rolling(surge, unavailable, replicas), {
        current: replicaSet(now),
        old: old.map(s => replicaSet(s)),
      }),
    )

  it('grows the new set as far as the surge allows', () => {
    expect(step(10, 2, 0, { name: 'new', replicas: 0 }, { name: 'old', replicas: 10 })).toEqual({ new: 2 })
  })
  it('then shrinks old sets by what is available beyond the minimum', () => {
    expect(step(10, 2, 0, { name: 'new', replicas: 2 }, { name: 'old', replicas: 10 })).toEqual({ old: 8 })
  })
  it('waits while new pods are not available', () => {
    expect(step(10, 2, 0, { name: 'new', replicas: 2, available: 0 }, { name: 'old', replicas: 10 })).toEqual({})
  })
  it('removes unhealthy old pods first', () => {
    expect(
      step(
        10,
        0,
        2,
        { name: 'new', replicas: 0 },
        { name: 'healthy', replicas: 4, created: '2026-01-01T00:00:00Z' },
        { name: 'sick', replicas: 6, available: 4, created: '2026-01-01T01:00:00Z' },
      ),
    ).toEqual({ sick: 4 })
  })
  it('shrinks the new set when fewer are wanted', () => {
    expect(step(3, 1, 1, { name: 'new', replicas: 5 })).toEqual({ new: 3 })
  })
  it('does nothing when done', () => {
    expect(step(3, 1, 1, { name: 'new', replicas: 3 }, { name: 'old', replicas: 0 })).toEqual({})
  })
})

/** Carries resizes out and lets pods become available as chance says: what a replica set controller would do. */
function carryOut(sets: ReplicaSet[], resizes: Resize[], chance: () => boolean): void {
  for (const { replicaSet: rs, replicas } of resizes) rs.spec.replicas = replicas
  for (const rs of sets) {
    const replicas = replicasOf(rs)
    let available = Math.min(rs.status!.availableReplicas!, replicas)
    while (available < replicas && chance()) available++
    rs.status = { replicas, readyReplicas: available, availableReplicas: available }
  }
}

it('a rolling update, from whatever state, ends, and never has too many pods or takes away too many', () => {
  const fraction = fc.oneof(
    fc.integer({ min: 0, max: 12 }),
    fc.integer({ min: 0, max: 100 }).map(p => `${p}%`),
  )
  const set = fc.record({ replicas: fc.integer({ min: 0, max: 12 }), sick: fc.integer({ min: 0, max: 12 }) })
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 20 }),
      fraction,
      fraction,
      set,
      fc.array(set, { maxLength: 3 }),
      fc.infiniteStream(fc.boolean()),
      (wanted, surge, unavailable, now, before, luck) => {
        const d = rolling(surge, unavailable, wanted)
        const shape = (name: string, s: typeof now): SetShape => ({
          name,
          replicas: s.replicas,
          available: Math.max(s.replicas - s.sick, 0),
        })
        const current = replicaSet(shape('new', now))
        const old = before.map((s, i) => replicaSet(shape(`old-${i}`, s)))
        const all = [...old, current]
        const limits = surgeAndUnavailable(d)
        const count = () => all.reduce((n, rs) => n + replicasOf(rs), 0)
        const available = () => all.reduce((n, rs) => n + Math.min(rs.status!.availableReplicas!, replicasOf(rs)), 0)
        for (let round = 0; round < 500; round++) {
          const [hadPods, hadAvailable] = [count(), available()]
          const resizes = planRolling(d, { current, old })
          carryOut([], resizes, () => false)
          expect(count()).toBeLessThanOrEqual(Math.max(hadPods, wanted + limits.surge))
          if (replicasOf(current) > wanted || old.length)
            expect(available()).toBeGreaterThanOrEqual(Math.min(hadAvailable, wanted - limits.unavailable))
          carryOut(all, [], round < 300 ? () => luck.next().value! : () => true)
          const done = replicasOf(current) === wanted && old.every(rs => !replicasOf(rs))
          if (done && !planRolling(d, { current, old }).length) return
        }
        throw new Error(`did not end: ${all.map(rs => `${rs.metadata.name}=${replicasOf(rs)}`).join(' ')}`)
      },
    ),
    { numRuns: 500 },
  )
})

describe('a change of size', () => {
  const annotated = (desired: number, max: number) => ({
    [desiredReplicasAnnotation]: String(desired),
    [maxReplicasAnnotation]: String(max),
  })

  it('is told from a rollout by the size noted on the replica sets', () => {
    const set = replicaSet({ name: 'new', replicas: 3, annotations: annotated(3, 4) })
    expect(isScalingEvent(deployment({ replicas: 3 }), { current: set, old: [] })).toBe(false)
    expect(isScalingEvent(deployment({ replicas: 5 }), { current: set, old: [] })).toBe(true)
  })

  it('amid a rollout is shared in proportion, what rounding leaves over going to the largest', () => {
    const d = rolling(3, 2, 15)
    const current = replicaSet({ name: 'new', replicas: 5, annotations: annotated(10, 13) })
    const old = [replicaSet({ name: 'old', replicas: 8, annotations: annotated(10, 13) })]
    expect(sizes(planScaling(d, { current, old }))).toEqual({ old: 11, new: 7 })
  })

  type Counts = Record<string, number>
  it.each<[string, { from: number; to: number; surge?: [number, number] }, Counts, Counts]>([
    ['a share each, growing', { from: 10, to: 20 }, { new: 4, old: 6 }, { new: 8, old: 12 }],
    ['a share each, shrinking', { from: 10, to: 5 }, { new: 4, old: 6 }, { new: 2, old: 3 }],
    ['nothing for the smallest', { from: 9, to: 4 }, { new: 8, old: 1 }, { new: 4, old: 0 }],
    ['three sets', { from: 8, to: 12 }, { new: 2, old: 4, older: 2 }, { new: 3, old: 6, older: 3 }],
    [
      'what is left over to the newest of equals',
      { from: 3, to: 4 },
      { new: 1, old: 1, older: 1 },
      { new: 2, old: 1, older: 1 },
    ],
    ['taken from the oldest of equals', { from: 3, to: 2 }, { new: 1, old: 1, older: 1 }, { new: 1, old: 1, older: 0 }],
    ['without a new set, to the newest old one', { from: 4, to: 5 }, { old: 2, older: 2 }, { old: 3, older: 2 }],
    ['to the newest of empty ones', { from: 0, to: 6 }, { new: 0, old: 0 }, { new: 6, old: 0 }],
    ['with the surge', { from: 20, to: 40, surge: [4, 4] }, { new: 12, old: 12 }, { new: 22, old: 22 }],
    ['with another surge', { from: 10, to: 30, surge: [2, 6] }, { new: 4, old: 8 }, { new: 12, old: 24 }],
  ])('%s', (_, { from, to, surge: [before, after] = [0, 0] }, sizesBefore, expected) => {
    const minute = { new: 3, old: 2, older: 1 } as Counts
    const sets = Object.entries(sizesBefore).map(([name, replicas]) =>
      replicaSet({
        ...{ name, replicas, annotations: annotated(from, from + before) },
        created: `2026-01-01T00:0${minute[name]}:00Z`,
      }),
    )
    const g = {
      current: sets.find(rs => rs.metadata.name === 'new'),
      old: sets.filter(rs => rs.metadata.name !== 'new'),
    }
    expect({ ...sizesBefore, ...sizes(planScaling(rolling(after, 0, to), g)) }).toEqual(expected)
  })

  it('of a new set that is full but broken takes nothing from old pods, which are all that works', () => {
    const current = replicaSet({ name: 'new', replicas: 2, available: 0, annotations: annotated(2, 3) })
    const old = [replicaSet({ name: 'old', replicas: 1, annotations: annotated(2, 3) })]
    expect(sizes(planScaling(rolling(1, 1, 2), { current, old }))).toEqual({ new: 2, old: 1 })
  })

  it('takes old sets that are adopted while the new one is complete down at once', () => {
    const current = replicaSet({ name: 'new', replicas: 2, annotations: annotated(2, 3) })
    const old = [replicaSet({ name: 'stray', replicas: 5 })]
    expect(sizes(planScaling(rolling(1, 1, 2), { current, old }))).toEqual({ stray: 0 })
  })

  it('that a set has already is still noted on it, or a rollout could never begin', () => {
    const only = replicaSet({ name: 'old', replicas: 3, annotations: annotated(5, 7) })
    const d = rolling('25%', '25%', 3)
    expect(isScalingEvent(d, { current: undefined, old: [only] })).toBe(true)
    const [resize] = planScaling(d, { current: undefined, old: [only] })
    expect([resize!.replicas, resizeNeeded(d, resize!)]).toEqual([3, true])
  })

  it.each(['-1', '', 'many', '4294967296'])('is not taken from the annotation %j', text => {
    const set = replicaSet({ name: 'old', replicas: 3, annotations: { [desiredReplicasAnnotation]: text } })
    expect(isScalingEvent(deployment(), { current: set, old: [] })).toBe(false)
  })

  it('to zero empties all sets', () => {
    const current = replicaSet({ name: 'new', replicas: 5, annotations: annotated(10, 13) })
    const old = [replicaSet({ name: 'old', replicas: 8, annotations: annotated(10, 13) })]
    expect(sizes(planScaling(rolling(3, 2, 0), { current, old }))).toEqual({ old: 0, new: 0 })
  })

  it('goes to the only set that has pods, or to the newest when none has', () => {
    const current = replicaSet({ name: 'new', replicas: 0 })
    const old = [replicaSet({ name: 'old', replicas: 4 })]
    expect(sizes(planScaling(deployment({ replicas: 6 }), { current, old }))).toEqual({ old: 6 })
    const empty = [replicaSet({ name: 'old', replicas: 0 })]
    expect(sizes(planScaling(deployment({ replicas: 6 }), { current, old: empty }))).toEqual({ new: 6 })
  })
})

it('the oldest set with the present template is the current one, whatever its hash label', () => {
  const first = replicaSet({ name: 'a', replicas: 1, created: '2026-01-01T00:00:00Z' })
  const twin = replicaSet({ name: 'b', replicas: 1, created: '2026-01-02T00:00:00Z' })
  const other = replicaSet({ name: 'c', replicas: 1, image: 'app:2' })
  first.spec.template!.metadata!.labels!['pod-template-hash'] = 'abc'
  const { current, old } = generations(deployment(), [twin, other, first])
  expect([current?.metadata.name, old.map(o => o.metadata.name).sort()]).toEqual(['a', ['b', 'c']])
})

it('annotations of the current set: the deployment’s own, the revision, and the revisions it had', () => {
  const d = deployment()
  d.metadata.annotations = {
    team: 'blue',
    'kubectl.kubernetes.io/last-applied-configuration': '{}',
    [revisionAnnotation]: '7',
  }
  expect(currentAnnotations(d, { [revisionAnnotation]: '2', [revisionHistoryAnnotation]: '1' }, 8n)).toEqual({
    team: 'blue',
    [revisionAnnotation]: '8',
    [revisionHistoryAnnotation]: '1,2',
  })
  expect(currentAnnotations(d, undefined, 1n)).toEqual({
    team: 'blue',
    [revisionAnnotation]: '1',
    [desiredReplicasAnnotation]: '3',
    [maxReplicasAnnotation]: '4',
  })
  expect(currentAnnotations(d, { [revisionAnnotation]: '9' }, 8n)).toEqual({ team: 'blue', [revisionAnnotation]: '9' })
})

it('counts revisions beyond what a number holds', () => {
  const sets = ['3546343826724305832', '7', 'x'].map(revision =>
    replicaSet({ name: `r${revision}`, replicas: 0, annotations: { [revisionAnnotation]: revision } }),
  )
  const next = highestRevision(sets) + 1n
  expect(currentAnnotations(deployment(), {}, next)).toMatchObject({ [revisionAnnotation]: '3546343826724305833' })
})

it('cleans up the oldest revisions beyond the limit, never one that has or may have pods', () => {
  const old = [3, 1, 2, 4].map(n =>
    replicaSet({ name: `r${n}`, replicas: n === 2 ? 1 : 0, annotations: { [revisionAnnotation]: String(n) } }),
  )
  const names = (limit: number | undefined) =>
    planCleanup(deployment({ revisionHistoryLimit: limit }), old).map(rs => rs.metadata.name)
  expect([names(1), names(0), names(undefined), names(10)]).toEqual([['r1', 'r3'], ['r1', 'r3', 'r4'], [], []])
  old[0]!.metadata.generation = 2
  expect(names(1)).toEqual(['r1'])
})
