import { describe, expect, it } from 'vitest'
import {
  burstReplicas,
  chooseVictims,
  deletionCost,
  deletionCostAnnotation,
  replicaDifference,
} from './replica-plan.ts'
import { type PodShape, pod } from './testing/fixtures.ts'

const now = Date.parse('2026-01-02T00:00:00Z')
const since = '2026-01-01T00:00:00Z'

describe('which pods go first', () => {
  const cases: [title: string, first: PodShape, second: PodShape][] = [
    ['unscheduled before scheduled', { name: 'b', phase: 'Pending' }, { name: 'a', node: 'n1', phase: 'Pending' }],
    ['pending before running', { name: 'b', node: 'n1', phase: 'Pending' }, { name: 'a', node: 'n1' }],
    ['unknown before running', { name: 'b', node: 'n1', phase: 'Unknown' }, { name: 'a', node: 'n1' }],
    ['unready before ready', { name: 'b', node: 'n1' }, { name: 'a', node: 'n1', readySince: since }],
    [
      'cheap before dear',
      { name: 'b', node: 'n1', readySince: since, annotations: { [deletionCostAnnotation]: '-5' } },
      { name: 'a', node: 'n1', readySince: since },
    ],
    [
      'unreadiness before cost',
      { name: 'b', node: 'n1', annotations: { [deletionCostAnnotation]: '100' } },
      { name: 'a', node: 'n1', readySince: since, annotations: { [deletionCostAnnotation]: '-100' } },
    ],
    [
      'ready for an hour before ready for a day',
      { name: 'b', node: 'n1', readySince: '2026-01-01T23:00:00Z' },
      { name: 'a', node: 'n1', readySince: since },
    ],
    [
      'often restarted before steady',
      { name: 'b', node: 'n1', readySince: since, restarts: 3 },
      { name: 'a', node: 'n1', readySince: since },
    ],
    [
      'young before old',
      { name: 'b', node: 'n1', readySince: since, created: '2026-01-01T23:00:00Z' },
      { name: 'a', node: 'n1', readySince: since, created: '2025-01-01T00:00:00Z' },
    ],
    [
      'of ages of one magnitude the smaller uid',
      { name: 'a', node: 'n1', readySince: '2026-01-01T00:00:00Z' },
      { name: 'b', node: 'n1', readySince: '2026-01-01T00:10:00Z' },
    ],
  ]
  it.each(cases)('%s', (_, first, second) => {
    const pods = [pod(second), pod(first)]
    expect(chooseVictims(pods, [], 1, now).map(p => p.metadata.name)).toEqual([first.name])
    expect(chooseVictims(pods.reverse(), [], 1, now).map(p => p.metadata.name)).toEqual([first.name])
  })

  it('from the node with more of its kind, counting the siblings of other revisions', () => {
    const pods = [pod({ name: 'a', node: 'n1', readySince: since }), pod({ name: 'b', node: 'n2', readySince: since })]
    const siblings = [...pods, pod({ name: 'old', node: 'n2', readySince: since })]
    expect(chooseVictims(pods, siblings, 1, now).map(p => p.metadata.name)).toEqual(['b'])
  })

  it('with sidecars that restarted, where containers did alike; other init containers do not count', () => {
    const withInit = (name: string, restartPolicy: 'Always' | undefined, restarts: number) => {
      const made = pod({ name, node: 'n1', readySince: since, restarts: 1 })
      made.spec!.initContainers = [{ name: 'init', image: 'i', ...(restartPolicy ? { restartPolicy } : {}) }]
      made.status!.initContainerStatuses = [
        { name: 'init', image: 'i', imageID: '', ready: true, restartCount: restarts },
      ]
      return made
    }
    const pods = [withInit('a', 'Always', 0), withInit('b', 'Always', 2), withInit('c', undefined, 9)]
    expect(chooseVictims(pods, [], 1, now).map(p => p.metadata.name)).toEqual(['b'])
  })

  const pending: PodShape = { name: 'unscheduled', phase: 'Pending' }
  const scheduled: PodShape = { name: 'scheduled', node: 'n', phase: 'Pending' }
  const unready: PodShape = { name: 'unready', node: 'n' }
  const [on1, on2] = ['n1', 'n2'].map(node => ({ name: `on-${node}`, node, readySince: since })) as [PodShape, PodShape]
  it.each<[string, PodShape[], PodShape[] | undefined, number, string[]]>([
    ['none of none', [], undefined, 0, []],
    ['all, as they come, of all', [on1, on2, unready, scheduled], [], 4, ['on-n1', 'on-n2', 'unready', 'scheduled']],
    ['the unready one of two', [on1, unready], undefined, 1, ['unready']],
    ['the one without a node of two that wait', [scheduled, pending], undefined, 1, ['unscheduled']],
    ['both unready ones of three', [on1, unready, { ...unready, name: 'z' }], undefined, 2, ['unready', 'z']],
    ['the one beside another', [on1, on2], [on1, on2, { ...on2, name: 'z' }], 1, ['on-n2']],
    ['the one that waits, not the unready one', [scheduled, unready], undefined, 1, ['scheduled']],
    ['three of five', [on1, on2, unready, scheduled, pending], undefined, 3, ['unscheduled', 'scheduled', 'unready']],
  ])('%s', (_, shapes, related, count, expected) => {
    const pods = shapes.map(pod)
    const victims = chooseVictims(pods, related?.map(pod) ?? pods, count, now)
    expect(victims.map(p => p.metadata.name)).toEqual(expected)
  })

  it('all of them when all are too many', () => {
    const pods = [pod({ name: 'a' }), pod({ name: 'b' })]
    expect(chooseVictims(pods, [], 5, now)).toHaveLength(2)
  })
})

it.each([
  [undefined, 0],
  ['10', 10],
  ['-10', -10],
  ['+10', 0],
  ['010', 0],
  ['ten', 0],
  ['2147483648', 0],
])('a deletion cost of %s counts as %d', (text, cost) => {
  expect(
    deletionCost(pod({ name: 'a', annotations: text === undefined ? {} : { [deletionCostAnnotation]: text } })),
  ).toBe(cost)
})

it('never asks for more than one burst at a time', () => {
  expect([replicaDifference(0, 10_000), replicaDifference(10_000, 0), replicaDifference(3, 5)]).toEqual([
    -burstReplicas,
    burstReplicas,
    -2,
  ])
})
