import { describe, expect, test } from 'vitest'
import type { PodDisruptionBudget } from '../models/types/policy-v1.ts'
import type { Unfit } from './decider.ts'
import { defaultProfile, type EnoughCandidates } from './plugins/index.ts'
import { findEviction } from './preemption.ts'
import { makeNode, makePod, makeScene, type PodSketch, type Scene } from './testing/index.ts'
import { claimVolume } from './testing/storage.ts'

const one = { cpu: '1' }

function preempt(scene: Scene, sketch: PodSketch, budgets: PodDisruptionBudget[] = []) {
  const { state, decider } = makeScene(scene)
  const info = state.classes.admit(makePod('p', sketch))
  const before = JSON.stringify(state.nodes.map(n => [n.requested, n.pods.map(p => p.metadata.name).sort()]))
  const unfit = decider.decide(info)
  expect(unfit.node).toBeUndefined()
  const found = findEviction(info, unfit as Unfit, state, decider, budgets)
  const after = JSON.stringify(state.nodes.map(n => [n.requested, n.pods.map(p => p.metadata.name).sort()]))
  expect(after).toBe(before)
  if (!found.eviction) return found.message
  const { node, victims } = found.eviction
  return `${node.name}: ${victims.map(v => v.key.name).join(' ')}`
}

const budget = (allowed: number, labels: Record<string, string>): PodDisruptionBudget => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { namespace: 'default', name: 'b', uid: 'b', resourceVersion: '1' },
  spec: { selector: { matchLabels: labels } },
  status: { currentHealthy: 1, desiredHealthy: 1, disruptionsAllowed: allowed, expectedPods: 1 },
})

describe('preemption', () => {
  const full = (on: string, priority: number, more: PodSketch = {}) =>
    makePod(`${on}${priority}`, { on, priority, requests: { cpu: '4' }, ...more })

  test.each<[string, Scene, PodSketch, string]>([
    [
      'takes the least important victim',
      { nodes: [makeNode('a'), makeNode('b')], pods: [full('a', 5), full('b', 2)] },
      { priority: 9, requests: one },
      'b: b2',
    ],
    [
      'takes no more than it needs',
      {
        nodes: [makeNode('a')],
        pods: [1, 2, 3, 4].map(n => makePod(`v${n}`, { on: 'a', priority: n, requests: one })),
      },
      { priority: 9, requests: { cpu: '2' } },
      'a: v2 v1',
    ],
    [
      'takes fewer rather than more of one priority',
      {
        nodes: [makeNode('a'), makeNode('b')],
        pods: [full('a', 1), ...['x', 'y'].map(n => makePod(n, { on: 'b', priority: 1, requests: { cpu: '2' } }))],
      },
      { priority: 9, requests: { cpu: '4' } },
      'a: a1',
    ],
    [
      'takes the one that started last',
      {
        nodes: [makeNode('a'), makeNode('b')],
        pods: [
          full('a', 1, { startTime: '2026-01-01T00:00:00Z' }),
          full('b', 1, { startTime: '2026-01-02T00:00:00Z' }),
        ],
      },
      { priority: 9, requests: one },
      'b: b1',
    ],
    [
      'takes nobody of equal importance',
      { nodes: [makeNode('a')], pods: [full('a', 9)] },
      { priority: 9, requests: one },
      '0/1 nodes are available: 1 No preemption victims found for incoming pod.',
    ],
    [
      'takes nobody where it would not help',
      { nodes: [makeNode('a', { unschedulable: true }), makeNode('b')], pods: [full('a', 1), full('b', 1)] },
      { priority: 9, requests: { cpu: '5' } },
      '0/2 nodes are available: 1 Insufficient cpu, 1 Preemption is not helpful for scheduling.',
    ],
    [
      'says of nodes that are too small what is short without less important pods',
      {
        nodes: [makeNode('a'), makeNode('b'), makeNode('c')],
        pods: [
          makePod('low', { on: 'a', priority: 1, requests: { memory: '7Gi' } }),
          makePod('high', { on: 'b', priority: 9, requests: { memory: '7Gi' } }),
          makePod('low', { on: 'b', priority: 1 }),
          full('c', 9),
        ],
      },
      { priority: 9, requests: { cpu: '5', memory: '2Gi' } },
      '0/3 nodes are available: 1 Insufficient memory, 1 No preemption victims found for incoming pod, 2 Insufficient cpu.',
    ],
    [
      'says of nodes without the user of a claim for one pod that it is in use',
      {
        nodes: [makeNode('a'), makeNode('b'), makeNode('c')],
        pods: [
          makePod('user', { on: 'a', priority: 9, volumes: [claimVolume('c')] }),
          makePod('low', { on: 'b', priority: 1 }),
          makePod('high', { on: 'c', priority: 9 }),
        ],
        claims: [{ name: 'c', volume: 'v', mode: 'ReadWriteOncePod' }],
        volumes: [{ name: 'v' }],
      },
      { priority: 9, volumes: [claimVolume('c')] },
      '0/3 nodes are available: 1 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode, ' +
        '2 No preemption victims found for incoming pod.',
    ],
    [
      'says all that is short where others would still be in the way',
      {
        nodes: [makeNode('a')],
        pods: [
          makePod('low', { on: 'a', priority: 1, requests: one }),
          makePod('high', { on: 'a', priority: 10, requests: { cpu: '3', memory: '7Gi' } }),
        ],
      },
      { priority: 9, requests: { cpu: '2', memory: '2Gi' } },
      '0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.',
    ],
    [
      'takes nobody where others would still be in the way',
      {
        nodes: [makeNode('a')],
        pods: [
          makePod('low', { on: 'a', priority: 1, requests: one }),
          makePod('high', { on: 'a', priority: 10, requests: { cpu: '3' } }),
        ],
      },
      { priority: 9, requests: { cpu: '2' } },
      '0/1 nodes are available: 1 Insufficient cpu.',
    ],
    [
      'takes nobody when the pod may not',
      { nodes: [makeNode('a')], pods: [full('a', 1)] },
      { priority: 9, requests: one, preemptionPolicy: 'Never' },
      'not eligible due to preemptionPolicy=Never.',
    ],
    [
      'waits for the victims it has already',
      {
        nodes: [makeNode('a'), makeNode('b')],
        pods: [full('a', 1, { terminating: true, preempted: true }), full('b', 1)],
      },
      { priority: 9, requests: one, nominated: 'a' },
      'not eligible due to a terminating pod on the nominated node.',
    ],
    [
      'does not wait for pods that end for a reason of their own',
      { nodes: [makeNode('a'), makeNode('b')], pods: [full('a', 3, { terminating: true }), full('b', 1)] },
      { priority: 9, requests: one, nominated: 'a' },
      'b: b1',
    ],
    [
      'does not wait for victims on a node that will not do any more',
      {
        nodes: [makeNode('a', { unschedulable: true }), makeNode('b')],
        pods: [full('a', 1, { terminating: true, preempted: true }), full('b', 1)],
      },
      { priority: 9, requests: one, nominated: 'a' },
      'b: b1',
    ],
    [
      'says of each node why it cannot be cleared',
      {
        nodes: [makeNode('a'), makeNode('b'), makeNode('c', { unschedulable: true })],
        pods: [
          full('a', 9),
          makePod('high', { on: 'b', priority: 9, requests: { cpu: '3' } }),
          makePod('low', { on: 'b', priority: 1, requests: one }),
        ],
      },
      { priority: 9, requests: { cpu: '2' } },
      '0/3 nodes are available: 1 Insufficient cpu, 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.',
    ],
    [
      'ends the more important pod if the less important one takes too little',
      {
        nodes: [makeNode('a')],
        pods: [
          makePod('big', { on: 'a', priority: 5, requests: { cpu: '3' } }),
          makePod('small', { on: 'a', priority: 1, requests: one }),
        ],
      },
      { priority: 9, requests: { cpu: '3' } },
      'a: big',
    ],
    [
      'of equally important ones, ends those that started last',
      {
        nodes: [makeNode('a')],
        pods: ['03', '01', '04', '02'].map(day =>
          makePod(`d${day}`, { on: 'a', priority: 1, requests: one, startTime: `2026-01-${day}T00:00:00Z` }),
        ),
      },
      { priority: 9, requests: { cpu: '2' } },
      'a: d03 d04',
    ],
    [
      'looks at the most important victim first, then at the sum',
      {
        nodes: [makeNode('a'), makeNode('b'), makeNode('c')],
        pods: [
          ...[5, 1].map(n => makePod(`a${n}`, { on: 'a', priority: n, requests: { cpu: '2' } })),
          ...[4, 4].map((n, i) => makePod(`b${i}`, { on: 'b', priority: n, requests: { cpu: '2' } })),
          ...[4, 3].map(n => makePod(`c${n}`, { on: 'c', priority: n, requests: { cpu: '2' } })),
        ],
      },
      { priority: 9, requests: { cpu: '4' } },
      'c: c4 c3',
    ],
    [
      'counts negative priorities as victims too',
      {
        nodes: [makeNode('a'), makeNode('b')],
        pods: [
          ...['x', 'y'].map(n => makePod(n, { on: 'a', priority: -5, requests: { cpu: '2' } })),
          makePod('z', { on: 'b', priority: -5, requests: { cpu: '4' } }),
        ],
      },
      { priority: 9, requests: { cpu: '4' } },
      'b: z',
    ],
    [
      'clears away what keeps pods from being spread',
      {
        nodes: ['a', 'b'].map(zone => makeNode(zone, { labels: { zone } })),
        pods: [
          ...['a0', 'a1'].map(n => makePod(n, { on: 'a', priority: 1, labels: { app: 'web' } })),
          makePod('b0', { on: 'b', priority: 10, requests: { cpu: '4' } }),
        ],
      },
      {
        priority: 9,
        labels: { app: 'web' },
        requests: one,
        topologySpreadConstraints: [
          {
            topologyKey: 'zone',
            maxSkew: 2,
            whenUnsatisfiable: 'DoNotSchedule',
            labelSelector: { matchLabels: { app: 'web' } },
          },
        ],
      },
      'a: a1',
    ],
    [
      'takes nobody where pod affinity has no domain',
      { nodes: [makeNode('a')], pods: [makePod('v', { on: 'a', priority: 1 })] },
      {
        priority: 9,
        labels: { app: 'web' },
        affinity: {
          podAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              { topologyKey: 'zone', labelSelector: { matchLabels: { app: 'web' } } },
            ],
          },
        },
      },
      '0/1 nodes are available: 1 Preemption is not helpful for scheduling.',
    ],
    [
      'frees a host port',
      { nodes: [makeNode('a')], pods: [makePod('v', { on: 'a', priority: 1, hostPorts: [{ port: 80 }] })] },
      { priority: 9, hostPorts: [{ port: 80 }] },
      'a: v',
    ],
    [
      'clears away the pod that anti-affinity minds',
      { nodes: [makeNode('a')], pods: [makePod('v', { on: 'a', priority: 1, labels: { app: 'web' } })] },
      {
        priority: 9,
        affinity: {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'web' } } },
            ],
          },
        },
      },
      'a: v',
    ],
  ])('%s', (_, scene, pod, outcome) => expect(preempt(scene, pod)).toBe(outcome))

  /** Of each node's pods the priority and, if it matters, on which day they started; all of them must go. */
  test.each<[string, Record<string, [priority: number, day?: number][]>, string]>([
    ['the least highest priority', { a: [[5], [5]], b: [[5], [1]], c: [[1], [1]] }, 'c'],
    ['then the least sum', { a: [[5], [5]], b: [[5], [1]], c: [[5], [5]] }, 'b'],
    ['then the fewest', { a: [[5], [-5], [5], [-5]], b: [[5], [-5]], c: [[5], [-5], [1]] }, 'b'],
    ['negative ones add to the sum', { a: [[5], [-5], [-5]], b: [[5], [-5]], c: [[5], [-5], [1]] }, 'b'],
    ['in this order', { a: [[5], [1], [1]], b: [[8]], c: [[5], [1], [1], [1]], d: [[5], [5], [5], [-5]] }, 'a'],
    [
      'then those that started last',
      {
        a: [
          [5, 2],
          [5, 2],
        ],
        b: [
          [5, 3],
          [5, 3],
        ],
        c: [
          [5, 1],
          [5, 1],
        ],
      },
      'b',
    ],
    [
      'by the one that started first',
      {
        a: [
          [5, 4],
          [5, 2],
        ],
        b: [
          [5, 5],
          [5, 1],
        ],
        c: [
          [5, 3],
          [5, 6],
        ],
      },
      'c',
    ],
    [
      'of the most important ones',
      {
        a: [
          [1, 4],
          [5, 2],
        ],
        b: [
          [5, 6],
          [1, 1],
        ],
        c: [
          [1, 3],
          [5, 5],
        ],
      },
      'b',
    ],
  ])('chooses the node of %s', (_, nodes, chosen) => {
    const pods = Object.entries(nodes).flatMap(([on, of]) =>
      of.map(([priority, day = 1], i) => {
        const requests = { cpu: `${Math.floor(4_000 / of.length)}m` }
        return makePod(`${on}${i}`, { on, priority, requests, startTime: `2026-01-0${day}T00:00:00Z` })
      }),
    )
    const scene = { nodes: Object.keys(nodes).map(name => makeNode(name)), pods }
    expect(preempt(scene, { priority: 9, requests: { cpu: '4' } })).toMatch(new RegExp(`^${chosen}: `))
  })

  test('goes where no disruption budget is broken, even at the cost of more important pods', () => {
    const pods = [full('a', 1, { labels: { app: 'kept' } }), full('b', 5)]
    const scene = { nodes: [makeNode('a'), makeNode('b')], pods }
    expect(preempt(scene, { priority: 9, requests: one }, [budget(0, { app: 'kept' })])).toBe('b: b5')
    expect(preempt(scene, { priority: 9, requests: one }, [budget(1, { app: 'kept' })])).toBe('a: a1')
  })

  test('what a budget has given up already is not broken again', () => {
    const pods = [1, 2].map(n =>
      makePod(`v${n}`, { on: 'a', priority: n, requests: { cpu: '2' }, labels: { app: 'x' } }),
    )
    const scene = { nodes: [makeNode('a'), makeNode('b')], pods: [...pods, full('b', 5)] }
    const given = (names: string[]) => {
      const made = budget(1, { app: 'x' })
      const disruptedPods = Object.fromEntries(names.map(name => [name, '2026-01-01T00:00:00Z']))
      return [{ ...made, status: { ...made.status!, disruptedPods } }]
    }
    expect(preempt(scene, { priority: 9, requests: { cpu: '4' } }, given([]))).toBe('b: b5')
    expect(preempt(scene, { priority: 9, requests: { cpu: '4' } }, given(['v1']))).toBe('a: v2 v1')
  })

  test('looks no further when it has seen enough nodes, one of them without a broken budget', () => {
    const looking = (enoughCandidates: EnoughCandidates, budgets: PodDisruptionBudget[] = []) =>
      preempt(
        {
          nodes: [...'abcde'].map(name => makeNode(name)),
          pods: [...'abcde'].map((on, i) => full(on, 8 - i, { labels: { on } })),
          profile: { ...defaultProfile, enoughCandidates },
        },
        { priority: 9, requests: one },
        budgets,
      )
    expect(looking({ percent: 0, nodes: 2 })).toBe('b: b7')
    expect(looking({ percent: 60, nodes: 1 })).toBe('c: c6')
    expect(looking({ percent: 100, nodes: 0 })).toBe('e: e4')
    const kept = [...'abc'].map(on => budget(0, { on }))
    expect(looking({ percent: 0, nodes: 2 }, kept)).toBe('d: d5')
  })
})
