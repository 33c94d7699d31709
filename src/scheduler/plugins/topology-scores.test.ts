import { describe, expect, test } from 'vitest'
import type { TopologySpreadConstraint } from '../../models/types/core-v1.ts'
import { makeNode, makePod, makeScene, type NodeSketch, type PodSketch } from '../testing/index.ts'

const host = 'kubernetes.io/hostname'
const foo = { foo: '' }
const bar = { bar: '' }

describe('PodTopologySpread scores', () => {
  type Constraint = Partial<TopologySpreadConstraint>
  const spread = (...constraints: Constraint[]): PodSketch => ({
    labels: { ...foo, ...bar },
    topologySpreadConstraints: constraints.map(c => ({
      maxSkew: 1,
      topologyKey: host,
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: { matchLabels: foo },
      ...c,
    })),
  })
  /** One pod on each of the named nodes: `aab` is two on a and one on b. */
  const on = (names: string, sketch: PodSketch = { labels: foo }) => [...names].map(name => ({ on: name, ...sketch }))
  const plain = (names: string): Record<string, NodeSketch> => Object.fromEntries([...names].map(name => [name, {}]))
  const inZones = (zones: Record<string, string>): Record<string, NodeSketch> =>
    Object.fromEntries(Object.entries(zones).map(([name, zone]) => [name, { labels: { zone } }]))
  const zones = inZones({ a: '1', b: '1', x: '2', y: '2' })
  const own = (key: string, names: string, more: Record<string, NodeSketch> = {}) =>
    Object.fromEntries([...names].map(n => [n, { ...more[n], labels: { [key]: n, ...more[n]?.labels } }]))
  const both = { labels: { ...foo, ...bar } }
  const zoneAndHost = spread({ topologyKey: 'zone' }, { labelSelector: { matchLabels: bar } })
  const chosen = { a: { labels: { disk: 'ssd' } }, b: { labels: { disk: 'ssd' } } }
  const selecting = { nodeSelector: { disk: 'ssd' } }
  const tainted = { c: { taints: [{ key: 'k', effect: 'NoSchedule' as const }] } }

  test.each<[string, PodSketch, Record<string, NodeSketch>, PodSketch[], string, number[]]>([
    ['nobody there', spread({}), plain('ab'), [], 'ab', [100, 100]],
    ['a single candidate', spread({}), plain('ab'), on('aab'), 'a', [100]],
    ['as many on each', spread({}), plain('ab'), on('ab'), 'ab', [100, 100]],
    ['2/1/0/3 by host', spread({}), plain('abcd'), on('aabddd'), 'abcd', [20, 60, 100, 0]],
    ['no selector', spread({ labelSelector: undefined as any }), plain('ab'), on('aab'), 'ab', [100, 100]],
    ['a selector of everything', spread({ labelSelector: {} }), plain('ab'), on('aab'), 'ab', [100, 100]],
    ['2/1/0/3 with maxSkew 2', spread({ maxSkew: 2 }), plain('abcd'), on('aabddd'), 'abcd', [33, 66, 100, 16]],
    ['4/3/2/1 with maxSkew 3', spread({ maxSkew: 3 }), plain('abcd'), on('aaaabbbccd'), 'abcd', [44, 66, 77, 100]],
    ['4/2/1/~3~, the last is no candidate', spread({}), plain('abxy'), on('aaaabbxyyy'), 'abx', [33, 83, 100]],
    [
      '4/?2?/1/~3~, the second has no such label',
      spread({ topologyKey: 'node' }),
      { ...own('node', 'axy'), b: {} },
      on('aaaabbxyyy'),
      'abx',
      [16, 0, 100],
    ],
    ['4+2/1+~3~ by zone', spread({ topologyKey: 'zone' }), zones, on('aaaabbxyyy'), 'abx', [75, 75, 100]],
    ['by zone and host, 2+~1~/2+~4~', spread({ topologyKey: 'zone' }, {}), zones, on('aabxxyyyy'), 'ax', [100, 63]],
    [
      'two selectors',
      zoneAndHost,
      zones,
      [...on('ay'), ...on('b', both), ...on('y', { labels: bar })],
      'abxy',
      [60, 20, 100, 60],
    ],
    [
      'two selectors, some nodes empty',
      zoneAndHost,
      zones,
      [...on('x'), ...on('y', both), ...on('b', { labels: bar })],
      'abxy',
      [100, 60, 40, 0],
    ],
    [
      'two selectors, the last is no candidate',
      zoneAndHost,
      zones,
      [...on('ay'), ...on('b', both), ...on('y', { labels: bar })],
      'abx',
      [50, 25, 100],
    ],
    [
      'pods of other namespaces do not count',
      spread({}),
      plain('ab'),
      [...on('abb'), ...on('a', { labels: foo, namespace: 'other' })],
      'ab',
      [100, 33],
    ],
    [
      'terminating pods do not count',
      spread({}),
      plain('ab'),
      [...on('a', { labels: foo, terminating: true }), ...on('b')],
      'ab',
      [100, 0],
    ],
    [
      'minDomains means nothing',
      spread({ topologyKey: 'node', maxSkew: 2, minDomains: 10 }),
      own('node', 'abc'),
      on('aabbc'),
      'abc',
      [75, 75, 100],
    ],
    [
      'nodes that the pod may not have do not count',
      { ...spread({ topologyKey: 'node' }), ...selecting },
      own('node', 'abc', chosen),
      on('aabc'),
      'abc',
      [0, 33, 100],
    ],
    [
      'unless they are to count',
      { ...spread({ topologyKey: 'node', nodeAffinityPolicy: 'Ignore' }), ...selecting },
      own('node', 'abc', chosen),
      on('aabc'),
      'abc',
      [66, 100, 100],
    ],
    [
      'nodes with taints do not count if taints are honoured',
      spread({ topologyKey: 'node', nodeTaintsPolicy: 'Honor' }),
      own('node', 'abc', tainted),
      on('aabc'),
      'abc',
      [0, 33, 100],
    ],
    [
      'and do otherwise',
      spread({ topologyKey: 'node' }),
      own('node', 'abc', tainted),
      on('aabc'),
      'abc',
      [66, 100, 100],
    ],
    [
      'matchLabelKeys beside an empty selector',
      spread(
        { topologyKey: 'zone', labelSelector: {}, matchLabelKeys: ['foo'] },
        { labelSelector: {}, matchLabelKeys: ['bar'] },
      ),
      zones,
      [...on('ax'), ...on('b', both), ...on('x', { labels: bar })],
      'abxy',
      [60, 20, 60, 100],
    ],
  ])('%s', (_, pod, nodes, placed, among, expected) => {
    const scene = makeScene({
      nodes: Object.entries(nodes).map(([name, sketch]) => makeNode(name, sketch)),
      pods: placed.map((p, i) => makePod(`placed${i}`, p)),
    })
    expect(Object.values(scene.scores(makePod('p', pod), 'PodTopologySpread', [...among]))).toEqual(expected)
  })

  test('by default, hosts alone count where there are no zones', () => {
    const scene = makeScene({
      nodes: [...'abcd'].map(name => makeNode(name)),
      pods: on('aaaabbbccd').map((p, i) => makePod(`placed${i}`, p)),
      services: [foo],
    })
    const scores = scene.scores(makePod('p', { labels: foo }), 'PodTopologySpread')
    expect(scores).toEqual({ a: 44, b: 66, c: 77, d: 100 })
  })

  test('by default, nodes without a zone are one zone more', () => {
    const scene = makeScene({
      nodes: [...'abc'].map(name =>
        makeNode(name, name === 'c' ? {} : { labels: { 'topology.kubernetes.io/zone': name } }),
      ),
      pods: on('aaa').map((p, i) => makePod(`placed${i}`, p)),
      services: [foo],
    })
    // a: 3·ln(3 hosts + 2) + 2 + 3·ln(3 zones + 2) + 4 = 16, b: 6, c: 2.
    const scores = scene.scores(makePod('p', { labels: foo }), 'PodTopologySpread')
    expect(scores).toEqual({ a: 12, b: 75, c: 100 })
  })
})

describe('InterPodAffinity scores', () => {
  const s1 = { security: 'S1' }
  const s2 = { security: 'S2' }
  const term = (weight: number, topologyKey: string, labels: object, more: object = {}) => ({
    weight,
    podAffinityTerm: { topologyKey, labelSelector: { matchLabels: labels }, ...more },
  })
  const prefers = (near: object[], apart: object[] = []): PodSketch =>
    ({
      affinity: {
        podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: near },
        podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: apart },
      },
    }) as PodSketch
  const withS1 = prefers([term(5, 'region', s1)])
  const withS2 = prefers([term(6, 'region', s2)])
  const awayFromS1 = prefers([], [term(5, 'az', s1)])
  const awayFromS2 = prefers([], [term(5, 'az', s2)])
  const mixed = prefers([term(8, 'region', s1)], [term(5, 'az', s2)])
  const teams = { namespaces: ['c'], namespaceSelector: { matchLabels: { team: '1' } } }
  const picky = (weight: number, ...matchExpressions: object[]) => ({
    weight,
    podAffinityTerm: { topologyKey: 'region', labelSelector: { matchExpressions } },
  })
  const hard: PodSketch = {
    affinity: {
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: 'region', labelSelector: { matchExpressions: [{ key: 'security', operator: 'Exists' }] } },
        ],
      },
    },
  }
  const [china, india, az1, az2] = [{ region: 'c' }, { region: 'i' }, { az: '1' }, { az: '2' }]
  const at = (on: string, labels: Record<string, string>, more: PodSketch = {}): PodSketch => ({ on, labels, ...more })

  test.each<[string, PodSketch, Record<string, string>[], PodSketch[], number[]]>([
    ['nobody wants anything', { labels: s1 }, [china, india], [], []],
    [
      'near: only where label and pods match',
      { labels: s1, ...withS1 },
      [china, india, az1],
      [at('n1', s1), at('n2', s2), at('n3', s1)],
      [100, 0, 0],
    ],
    ['near: all nodes of the domain', withS1, [china, { ...china, ...az1 }, india], [at('n1', s1)], [100, 100, 0]],
    [
      'near: the domain with more of them',
      withS2,
      [china, india, china, india],
      [at('n1', s2), at('n3', s2), at('n2', s2), at('n1', s2)],
      [100, 0, 100, 0],
    ],
    [
      'near: several terms of several operators',
      prefers([
        picky(
          8,
          { key: 'security', operator: 'NotIn', values: ['S1'] },
          { key: 'security', operator: 'In', values: ['S2'] },
        ),
        picky(2, { key: 'security', operator: 'Exists' }, { key: 'wrong', operator: 'DoesNotExist' }),
      ]),
      [china, india, az1],
      [at('n1', s1), at('n2', s2), at('n3', s1)],
      [20, 100, 0],
    ],
    [
      'those placed want it near',
      { labels: s2 },
      [china, india, az1],
      [at('n1', s1, withS1), at('n2', s2, withS2)],
      [0, 100, 0],
    ],
    [
      'those placed want pods of a selected namespace near',
      { labels: s1, namespace: 'a' },
      [china, india],
      [at('n1', s1, prefers([term(5, 'region', s1, teams)])), at('n2', s2, withS2)],
      [100, 0],
    ],
    [
      'those placed want pods of a selected namespace away',
      { labels: s1, namespace: 'a' },
      [china, india, az1],
      [at('n1', s1, prefers([], [term(5, 'region', s1, teams)])), at('n2', s2, withS2)],
      [0, 100, 100],
    ],
    [
      'those placed need it',
      { labels: s1 },
      [china, india, az1],
      [at('n1', {}, hard), at('n2', {}, hard)],
      [100, 100, 0],
    ],
    ['apart: not where they are', { ...awayFromS1 }, [az1, china], [at('n1', s1), at('n2', s2)], [0, 100]],
    ['apart: a missing label is no domain', awayFromS1, [az1, china], [at('n1', s1), at('n2', s1)], [0, 100]],
    ['apart: the domain with fewer', awayFromS1, [az1, az2], [at('n1', s1), at('n1', s1), at('n2', s1)], [0, 100]],
    [
      'those placed want it away',
      { labels: s2 },
      [az1, az2],
      [at('n1', s1, awayFromS2), at('n2', s2, awayFromS1)],
      [0, 100],
    ],
    ['near and apart', { labels: s1, ...mixed }, [china, az1], [at('n1', s1), at('n2', s2)], [100, 0]],
    [
      'near and apart, of both sides',
      { labels: s1, ...mixed },
      [china, az1, india, az2],
      [at('n1', s1), at('n2', s2), at('n3', {}, mixed), at('n4', {}, awayFromS1)],
      [100, 0, 100, 0],
    ],
    [
      'only part of a domain has pods that want something',
      { labels: s1 },
      [china, china],
      [at('n1', s1), at('n2', {}, mixed)],
      [0, 0],
    ],
    [
      'near: pods of namespaces that are selected or named',
      prefers([term(5, 'region', s1, teams)]),
      [china, india],
      [
        at('n1', s1, { namespace: 'a' }),
        at('n1', s1, { namespace: 'c' }),
        at('n2', s1, { namespace: 'b' }),
        at('n2', s1, { namespace: 'd' }),
        at('n2', s1),
      ],
      [100, 0],
    ],
  ])('%s', (_, pod, labels, placed, expected) => {
    const scene = makeScene({
      nodes: labels.map((of, i) => makeNode(`n${i + 1}`, { labels: of })),
      pods: placed.map((p, i) => makePod(`placed${i}`, p)),
      namespaces: { default: {}, a: { team: '1' }, b: { team: '1' }, c: { team: '2' }, d: { team: '2' } },
    })
    expect(Object.values(scene.scores(makePod('p', pod), 'InterPodAffinity'))).toEqual(expected)
  })
})
