import { describe, expect, it } from 'vitest'
import type { VirtualClock } from '../base/virtual-clock.ts'
import { Node, Pod } from '../models/kinds/index.ts'
import type { Toleration } from '../models/types/core-v1.ts'
import { taintEvictionReconciler } from './taint-eviction.ts'
import { meta, pod } from './testing/fixtures.ts'
import { stillWorld } from './testing/still-world.ts'

/** When pods leave a tainted node: the cases that Kubernetes' own controller is held to. */

/** What holds at a time: the keys of the node's taints, the pod's node, and for how many seconds it tolerates what. */
interface Moment {
  /** Seconds since the start. */
  atS?: number
  taints?: string[]
  isPlaced?: boolean
  tolerates?: Record<string, number>
}

const start = { atS: 0, taints: [], isPlaced: true, tolerates: {} } satisfies Moment
const ever = Infinity

const rows: [string, Moment[], number | undefined][] = [
  ['a pod without a node', [{ isPlaced: false, taints: ['a'] }], undefined],
  ['a node without a taint', [{}], undefined],
  ['a taint that it does not tolerate', [{ taints: ['a'] }], 0],
  ['a taint that it tolerates for a while', [{ taints: ['a'], tolerates: { a: 100 } }], 100],
  ['a taint that it tolerates for ever', [{ taints: ['a'], tolerates: { a: ever } }], undefined],
  ['a taint, and it tolerates another', [{ taints: ['a'], tolerates: { b: ever } }], 0],
  ['two taints, of which it tolerates one', [{ taints: ['a', 'b'], tolerates: { a: 100 } }], 0],
  ['two taints, one for a shorter time', [{ taints: ['a', 'b'], tolerates: { a: 1, b: 100 } }], 1],
  ['two taints, the other for a shorter time', [{ taints: ['a', 'b'], tolerates: { a: 2, b: 1 } }], 1],
  ['two taints, one for ever', [{ taints: ['a', 'b'], tolerates: { a: ever, b: 1 } }], 1],
  ['two taints, the other for ever', [{ taints: ['a', 'b'], tolerates: { a: 1, b: ever } }], 1],

  [
    'a pod that is placed on a tainted node',
    [
      { taints: ['a'], isPlaced: false },
      { atS: 5, isPlaced: true },
    ],
    5,
  ],
  [
    'a pod that is placed on a node whose taint it tolerates',
    [
      { taints: ['a'], isPlaced: false, tolerates: { a: ever } },
      { atS: 5, isPlaced: true },
    ],
    undefined,
  ],
  [
    'a toleration that is taken away',
    [
      { taints: ['a'], tolerates: { a: 100 } },
      { atS: 5, tolerates: {} },
    ],
    5,
  ],
  [
    'a toleration that is made longer too late',
    [
      { taints: ['a'], tolerates: { a: 10 } },
      { atS: 5, tolerates: { a: 100 } },
    ],
    10,
  ],
  [
    'a toleration that is for ever in time',
    [
      { taints: ['a'], tolerates: { a: 10 } },
      { atS: 5, tolerates: { a: ever } },
    ],
    undefined,
  ],
  ['a taint that comes', [{}, { atS: 5, taints: ['a'] }], 5],
  ['a taint that comes and is tolerated for a while', [{ tolerates: { a: 100 } }, { atS: 5, taints: ['a'] }], 105],
  ['two that come, of which it tolerates one', [{ tolerates: { a: 100 } }, { atS: 5, taints: ['a', 'b'] }], 5],
  [
    'a taint that goes in time',
    [
      { taints: ['a'], tolerates: { a: 10 } },
      { atS: 5, taints: [] },
    ],
    undefined,
  ],
  [
    'a taint that goes in time and comes back',
    [
      { taints: ['a'], tolerates: { a: 10 } },
      { atS: 5, taints: [] },
      { atS: 8, taints: ['a'] },
    ],
    18,
  ],
  [
    'one for ever, then another for a while, which goes',
    [
      { tolerates: { a: ever, b: 60 } },
      { atS: 5, taints: ['a'] },
      { atS: 10, taints: ['a', 'b'] },
      { atS: 20, taints: ['a'] },
    ],
    undefined,
  ],
  [
    'one for ever, then another for a while, which stays',
    [{ tolerates: { a: ever, b: 60 } }, { atS: 5, taints: ['a'] }, { atS: 10, taints: ['a', 'b'] }],
    70,
  ],
]

const tolerationsOf = (tolerates: Record<string, number>): Toleration[] =>
  Object.entries(tolerates).map(([key, seconds]) => ({
    ...{ key, operator: 'Equal' as const, value: `value of ${key}`, effect: 'NoExecute' as const },
    ...(seconds === ever ? {} : { tolerationSeconds: seconds }),
  }))

describe('a pod leaves its node', () => {
  it.each(rows)('in view of %s', async (_, moments, expectedS) => {
    const { namespace: __, ...metadata } = meta('n')
    const node: Node = { apiVersion: 'v1', kind: 'Node', metadata, spec: {} }
    const one = pod({ name: 'p' })
    const world = stillWorld({ cached: [[Pod, [one]] as never, [Node, [node]] as never] })
    const { reconcile } = taintEvictionReconciler()
    let leftS: number | undefined
    let now: Required<Moment> = start
    for (let s = 0; s <= 200 && leftS === undefined; s++) {
      const next = moments.find(({ atS = 0 }) => atS === s)
      now = { ...now, ...next }
      node.spec!.taints = [
        { key: 'calm', value: 'value of calm', effect: 'NoSchedule' as const },
        ...now.taints.map(key => ({ key, value: `value of ${key}`, effect: 'NoExecute' as const })),
      ]
      one.spec!.tolerations = tolerationsOf(now.tolerates)
      if (now.isPlaced) one.spec!.nodeName = 'n'
      await reconcile({ namespace: 'default', name: 'p' }, world)
      if (world.writes.length) leftS = s
      await (world.clock as VirtualClock).advance(1_000)
    }
    expect(leftS).toBe(expectedS)
    if (leftS === undefined) return expect(world.told.filter(t => t.includes('Marking'))).toEqual([])
    expect(world.writes).toEqual(['status Pod default/p', 'delete Pod default/p'])
    expect(world.bodies[0].status.conditions).toContainEqual(
      expect.objectContaining({ type: 'DisruptionTarget', status: 'True', reason: 'DeletionByTaintManager' }),
    )
    expect(world.told.at(-1)).toBe('Normal TaintManagerEviction Marking for deletion Pod default/p')
  })
})
