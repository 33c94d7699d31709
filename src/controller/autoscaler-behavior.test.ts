import { describe, expect, it } from 'vitest'
import type { HorizontalPodAutoscaler, HPAScalingRules } from '../models/types/autoscaling-v2.ts'
import { limited, type Memory } from './autoscaler-behavior.ts'

/** How far the size follows what metrics ask for: the cases that Kubernetes' own controller is held to. */

const nowMs = 10_000_000
const before = (seconds: number) => nowMs - seconds * 1000
type Spec = Pick<HorizontalPodAutoscaler['spec'], 'minReplicas' | 'maxReplicas' | 'behavior'>
const autoscaler = (spec: Spec) => ({ spec }) as HorizontalPodAutoscaler

/** At most so many pods and so many percent in so many seconds each, whichever is more. */
const rules = (pods: number, podsS: number, percent: number, percentS: number, windowS = 0): HPAScalingRules => ({
  stabilizationWindowSeconds: windowS,
  selectPolicy: 'Max',
  policies: [
    ...(pods ? [{ type: 'Pods', value: pods, periodSeconds: podsS }] : []),
    ...(percent ? [{ type: 'Percent', value: percent, periodSeconds: percentS }] : []),
  ],
})
/** Changes of size, in the middle of equal parts of the last two minutes. */
const lately = (sign: 1 | -1, ...changes: number[]) =>
  changes.map((change, i) => ({ change: sign * change, atMs: before(120 - (120 / changes.length) * (i + 0.5)) }))
const up = (...changes: number[]) => lately(1, ...changes)
const down = (...changes: number[]) => lately(-1, ...changes)

describe('with policies', () => {
  type Row = [
    what: string,
    given: { range: [number, number]; up?: HPAScalingRules; down?: HPAScalingRules; events?: Memory['events'] },
    from: number,
    wanted: number,
    replicas: number,
    why: string,
  ]
  it.each<Row>([
    ['any size within its range', { range: [3, 8] }, 5, 7, 7, 'DesiredWithinRange'],
    ['no fewer than it must have', { range: [2, 8] }, 3, 1, 2, 'TooFewReplicas'],
    ['none, where it may have none', { range: [0, 10] }, 1, 0, 0, 'DesiredWithinRange'],
    ['no more than it may have, though it has more', { range: [1, 10] }, 20, 1000, 10, 'TooManyReplicas'],
    ['no more than it may have', { range: [100, 150] }, 100, 1000, 150, 'TooManyReplicas'],
    [
      'no more than a percentage allows, one at least',
      { range: [1, 2000], up: rules(0, 0, 1, 60) },
      3,
      1000,
      4,
      'ScaleUpLimit',
    ],
    ['no fewer than a number allows', { range: [3, 2000], down: rules(20, 60, 0, 0) }, 1000, 3, 980, 'ScaleDownLimit'],
    ['twice as many, by itself', { range: [1, 1000] }, 10, 50, 20, 'ScaleUpLimit'],
    [
      'more by number than by percentage',
      { range: [1, 1000], up: rules(100, 60, 100, 60) },
      10,
      500,
      110,
      'ScaleUpLimit',
    ],
    ['more by percentage than by number', { range: [1, 1000], up: rules(2, 60, 100, 60) }, 10, 500, 20, 'ScaleUpLimit'],
    [
      'all that is wanted by a large number',
      { range: [1, 1000], up: rules(100, 60, 0, 0) },
      10,
      50,
      50,
      'DesiredWithinRange',
    ],
    [
      'all that is wanted by a huge one',
      { range: [1, 1000], up: rules(10_000, 60, 0, 0) },
      10,
      50,
      50,
      'DesiredWithinRange',
    ],
    ['as many more as a number says', { range: [1, 1000], up: rules(30, 60, 0, 0) }, 10, 50, 40, 'ScaleUpLimit'],
    ['as many more as a percentage says', { range: [1, 1000], up: rules(0, 0, 200, 60) }, 10, 50, 30, 'ScaleUpLimit'],
    [
      'fewer by number than by percentage',
      { range: [1, 1000], down: rules(20, 60, 1, 60, 300) },
      100,
      2,
      80,
      'ScaleDownLimit',
    ],
    [
      'fewer by two than by one percent',
      { range: [1, 1000], down: rules(2, 60, 1, 60, 300) },
      100,
      2,
      98,
      'ScaleDownLimit',
    ],
    ['no fewer than one', { range: [1, 1000], down: rules(100, 60, 0, 0, 300) }, 10, 0, 1, 'TooFewReplicas'],
    [
      'no fewer than it must, by all of them',
      { range: [5, 1000], down: rules(0, 0, 100, 60, 300) },
      10,
      2,
      5,
      'TooFewReplicas',
    ],
    ['as many fewer as a number says', { range: [1, 1000], down: rules(5, 60, 0, 0, 300) }, 10, 2, 5, 'ScaleDownLimit'],
    [
      'as many fewer as a percentage says',
      { range: [1, 1000], down: rules(0, 0, 50, 60, 300) },
      10,
      5,
      5,
      'DesiredWithinRange',
    ],
    // From here on counting from what it was at the beginning of the period.
    [
      'up to its maximum',
      { range: [1, 200], up: rules(300, 60, 0, 0), events: up(1, 5, 9) },
      100,
      500,
      200,
      'TooManyReplicas',
    ],
    [
      'up to its maximum, by much',
      { range: [1, 200], up: rules(0, 0, 10_000, 60), events: up(1, 5, 9) },
      100,
      500,
      200,
      'TooManyReplicas',
    ],
    [
      'no more when more than that came',
      { range: [1, 1000], up: rules(5, 120, 0, 0), events: up(1, 5, 9) },
      100,
      500,
      100,
      'ScaleUpLimit',
    ],
    [
      'less what came',
      { range: [1, 1000], up: rules(150, 120, 0, 0), events: up(1, 5, 9) },
      100,
      500,
      235,
      'ScaleUpLimit',
    ],
    [
      'a percentage of what was',
      { range: [1, 1000], up: rules(0, 0, 200, 120), events: up(1, 5, 9) },
      100,
      500,
      255,
      'ScaleUpLimit',
    ],
    [
      'a percentage of what was before it grew and shrank',
      { range: [1, 1000], up: rules(0, 0, 300, 300), events: [...up(4), ...down(2)] },
      6,
      24,
      16,
      'ScaleUpLimit',
    ],
    ['as few as wanted, by itself', { range: [1, 1000], events: down(1, 5, 9) }, 10, 5, 5, 'DesiredWithinRange'],
    [
      'down to its minimum',
      { range: [1, 1000], down: rules(115, 120, 0, 0, 300), events: down(1, 5, 9) },
      100,
      0,
      1,
      'TooFewReplicas',
    ],
    [
      'down to a larger minimum',
      { range: [5, 1000], down: rules(130, 120, 0, 0, 300), events: down(1, 5, 9) },
      100,
      0,
      5,
      'TooFewReplicas',
    ],
    [
      'down to its minimum, by all of them',
      { range: [5, 1000], down: rules(0, 0, 100, 120, 300), events: down(1, 5, 9) },
      100,
      2,
      5,
      'TooFewReplicas',
    ],
    [
      'no fewer when more than that went',
      { range: [1, 1000], down: rules(5, 120, 0, 0, 300), events: down(1, 5, 9) },
      100,
      2,
      100,
      'ScaleDownLimit',
    ],
    [
      'half of what was',
      { range: [1, 1000], down: rules(0, 0, 50, 120, 300), events: down(2, 4, 6) },
      100,
      0,
      56,
      'ScaleDownLimit',
    ],
    [
      'half of what was before it grew and shrank',
      { range: [1, 1000], down: rules(0, 0, 50, 180), events: [...up(2), ...down(4)] },
      10,
      1,
      6,
      'ScaleDownLimit',
    ],
    [
      'no fewer when more than a tenth went',
      { range: [1, 1000], down: rules(0, 0, 10, 120, 300), events: down(10, 10, 10) },
      100,
      0,
      100,
      'ScaleDownLimit',
    ],
    [
      'as few as wanted, where none is too few',
      { range: [1, 1000], down: rules(0, 0, 1000, 120, 300), events: down(10, 10, 10) },
      10,
      5,
      5,
      'DesiredWithinRange',
    ],
    [
      'more, with the half of what came within its minute',
      { range: [1, 1000], up: rules(1000, 60, 0, 0), events: up(8, 12, 9, 11) },
      100,
      200,
      200,
      'DesiredWithinRange',
    ],
    [
      'more, with two periods',
      { range: [1, 1000], up: rules(1000, 120, 100, 60), events: up(8, 12, 9, 11) },
      100,
      200,
      200,
      'DesiredWithinRange',
    ],
    [
      'more, with two shorter periods',
      { range: [1, 1000], up: rules(1000, 30, 100, 60), events: up(8, 12, 9, 11) },
      100,
      200,
      200,
      'DesiredWithinRange',
    ],
    [
      'fewer, with the half of what went within its minute',
      { range: [1, 1000], down: rules(1000, 60, 0, 0, 300), events: down(8, 12, 9, 11) },
      100,
      5,
      5,
      'DesiredWithinRange',
    ],
    [
      'fewer, with two periods',
      { range: [1, 1000], down: rules(1000, 120, 100, 60, 300), events: down(8, 12, 9, 11) },
      100,
      5,
      5,
      'DesiredWithinRange',
    ],
    [
      'fewer, with two shorter periods',
      { range: [1, 1000], down: rules(1000, 30, 100, 60, 300), events: down(8, 12, 9, 11) },
      100,
      5,
      5,
      'DesiredWithinRange',
    ],
  ])('%s', (_, given, from, wanted, replicas, why) => {
    const [minReplicas, maxReplicas] = given.range
    const behavior = {
      ...(given.up ? { scaleUp: given.up } : {}),
      ...(given.down ? { scaleDown: given.down } : {}),
    }
    const memory = { recommendations: [], events: given.events ?? [] }
    const found = limited(autoscaler({ minReplicas, maxReplicas, behavior }), from, wanted, memory, nowMs)
    expect([found.replicas, found.limit?.reason ?? 'DesiredWithinRange']).toEqual([replicas, why])
  })

  it.each([
    ['up', 1, 50, 2],
    ['down', 5, 0, 3],
  ] as const)('the smallest of them counts when told so, %s', (direction, from, wanted, replicas) => {
    const least = { ...rules(2, 60, 50, 60), selectPolicy: 'Min' }
    const behavior = direction === 'up' ? { scaleUp: least } : { scaleDown: least }
    const memory = { recommendations: [], events: [] }
    const found = limited(autoscaler({ minReplicas: 0, maxReplicas: 100, behavior }), from, wanted, memory, nowMs)
    expect(found.replicas).toBe(replicas)
  })
})

type Wanted = [replicas: number, secondsAgo: number][]
const recommended = (wanted: Wanted) => wanted.map(([replicas, ago]) => ({ replicas, atMs: before(ago) }))

describe('without policies', () => {
  it.each([
    ['any size within its range', [3, 8], 5, 7, 7, undefined],
    ['no fewer than it must have', [2, 8], 3, 1, 2, 'TooFewReplicas'],
    ['none, where it may have none', [0, 10], 1, 0, 0, undefined],
    ['no more than it may have', [1, 10], 20, 1000, 10, 'TooManyReplicas'],
    ['no more than twice as many', [1, 2000], 3, 1000, 6, 'ScaleUpLimit'],
  ] as const)('%s', (_, [minReplicas, maxReplicas], from, wanted, replicas, why) => {
    const memory = { recommendations: [], events: [] }
    const found = limited(autoscaler({ minReplicas, maxReplicas }), from, wanted, memory, nowMs)
    expect([found.replicas, found.limit?.reason]).toEqual([replicas, why])
  })

  it.each<[string, Wanted, number, number, number]>([
    ['the size that is wanted, at first', [], 5, 5, 1],
    [
      'the most that was wanted lately',
      [
        [4, 120],
        [5, 60],
      ],
      3,
      5,
      3,
    ],
    [
      'the size that is wanted, where less was',
      [
        [1, 120],
        [2, 60],
      ],
      3,
      3,
      3,
    ],
    [
      'the size that is wanted, where more was long ago',
      [
        [10, 600],
        [9, 540],
      ],
      3,
      3,
      1,
    ],
    [
      'the most of lately, whatever was long ago',
      [
        [10, 600],
        [4, 60],
        [5, 120],
        [9, 540],
      ],
      3,
      5,
      3,
    ],
  ])('%s', (_, wanted, desired, replicas, kept) => {
    const memory = { recommendations: recommended(wanted), events: [] }
    expect(limited(autoscaler({ minReplicas: 1, maxReplicas: 100 }), 50, desired, memory, nowMs).replicas).toBe(
      replicas,
    )
    expect(memory.recommendations).toHaveLength(kept)
  })
})

describe('patience', () => {
  const any = { policies: [{ type: 'Pods', value: 100_000, periodSeconds: 15 }] }
  it.each<[string, Wanted, { from: number; wanted: number; up?: number; down?: number }, number]>([
    ['is none of none', [], { from: 100, wanted: 5 }, 5],
    [
      'keeps the most of lately before it shrinks',
      [
        [4, 120],
        [5, 60],
      ],
      { from: 100, wanted: 3, down: 180 },
      5,
    ],
    [
      'keeps the least of lately before it grows',
      [
        [4, 120],
        [5, 60],
      ],
      { from: 1, wanted: 7, up: 300 },
      4,
    ],
    [
      'to grow does not matter when it shrinks',
      [
        [1, 120],
        [2, 60],
      ],
      { from: 100, wanted: 3, up: 300 },
      3,
    ],
    [
      'to shrink does not matter when it grows',
      [
        [4, 120],
        [5, 60],
      ],
      { from: 1, wanted: 3, down: 300 },
      3,
    ],
    [
      'of none forgets what was long ago, shrinking',
      [
        [10, 600],
        [9, 540],
      ],
      { from: 100, wanted: 3 },
      3,
    ],
    [
      'of none forgets what was long ago, growing',
      [
        [10, 600],
        [9, 540],
      ],
      { from: 1, wanted: 100 },
      100,
    ],
    [
      'to shrink counts its window alone',
      [
        [10, 600],
        [4, 60],
        [5, 120],
        [9, 540],
      ],
      { from: 100, wanted: 3, down: 180 },
      5,
    ],
    [
      'to grow counts its window alone',
      [
        [10, 6000],
        [6, 60],
        [5, 120],
        [9, 180],
      ],
      { from: 1, wanted: 100, up: 300 },
      5,
    ],
    [
      'both ways does not grow when less is wanted',
      [
        [2, 6000],
        [3, 180],
      ],
      { from: 2, wanted: 1, up: 300, down: 300 },
      2,
    ],
    [
      'both ways does not shrink when more is wanted',
      [
        [2, 6000],
        [1, 180],
      ],
      { from: 2, wanted: 3, up: 300, down: 300 },
      2,
    ],
  ])('%s', (_, wanted, { from, wanted: desired, up = 0, down = 0 }, replicas) => {
    const behavior = {
      scaleUp: { ...any, stabilizationWindowSeconds: up },
      scaleDown: { ...any, stabilizationWindowSeconds: down },
    }
    const memory = { recommendations: recommended(wanted), events: [] }
    const found = limited(autoscaler({ minReplicas: 0, maxReplicas: 1_000, behavior }), from, desired, memory, nowMs)
    expect(found.replicas).toBe(replicas)
  })
})
