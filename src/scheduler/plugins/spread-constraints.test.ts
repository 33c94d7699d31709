import { expect, test } from 'vitest'
import type { TopologySpreadConstraint } from '../../models/types/core-v1.ts'
import { makeNode, makePod, makeScene, type NodeSketch, type PodSketch } from '../testing/index.ts'
import { podTopologySpread } from './pod-topology-spread.ts'

const foo = { foo: '' }
const bar = { bar: '' }
const both = { ...foo, ...bar }
type Constraint = Partial<TopologySpreadConstraint>

/** By zone and by node. */
const spread = (zone: Constraint = {}, node: Constraint = {}): TopologySpreadConstraint[] =>
  [
    { topologyKey: 'zone', ...zone },
    { topologyKey: 'node', ...node },
  ].map(c => ({ maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: foo }, ...c }))
const selectors = spread({}, { labelSelector: { matchLabels: bar } })

/** Nodes a and b are of zone 1, x and y of zone 2; these of them are chosen by `disk: ssd`. */
const nodes = (chosen = ''): Record<string, NodeSketch> =>
  Object.fromEntries(
    ['a', 'b', 'x', 'y'].map(node => [
      node,
      { labels: { node, zone: 'ab'.includes(node) ? '1' : '2', ...(chosen.includes(node) ? { disk: 'ssd' } : {}) } },
    ]),
  )
const taints = [{ key: 'k', effect: 'NoSchedule' as const }]
const taintedY = (chosen = '') => ({ ...nodes(chosen), y: { ...nodes(chosen)['y'], taints } })
const ssd: PodSketch = { nodeSelector: { disk: 'ssd' } }
const on = (names: string, labels: Record<string, string> = foo) => [...names].map(name => ({ on: name, labels }))

/** By this rule alone: what others would refuse fits. */
test.each<[string, TopologySpreadConstraint[], PodSketch, Record<string, NodeSketch>, PodSketch[], string]>([
  ['3/3 by zone, 2/1/0/3 by node', spread(), {}, nodes(), on('aabyyy'), 'x'],
  ['3/4 by zone, 2/1/0/4 by node', spread(), {}, nodes(), on('aabyyyy'), ''],
  ['two selectors: 1/0, 0/0/0/1', selectors, { labels: both }, nodes(), [...on('a'), ...on('y', bar)], 'x'],
  ['two selectors: 1/0, 0/0/1/1', selectors, { labels: both }, nodes(), [...on('a'), ...on('xy', bar)], ''],
  ['two selectors: 2/3, 1/0/0/1', selectors, { labels: both }, nodes(), [...on('ayy'), ...on('ay', both)], 'b'],
  [
    'two selectors, the first does not mean the pod',
    selectors,
    { labels: bar },
    nodes(),
    [...on('a'), ...on('xy', bar)],
    'ab',
  ],
  [
    'a node without one of the labels counts for none',
    spread(),
    {},
    { ...nodes(), x: { labels: { zone: '2' } } },
    on('ay'),
    'b',
  ],
  [
    'nodes that the pod may not have count by node and not by zone',
    spread({}, { nodeAffinityPolicy: 'Ignore' }),
    ssd,
    nodes('abx'),
    on('aby'),
    'x',
  ],
  [
    'nodes with taints count by node and not by zone',
    spread({ nodeTaintsPolicy: 'Honor' }),
    {},
    taintedY(),
    on('aby'),
    'x',
  ],
  [
    'nodes that the pod may not have count for neither, those with taints for both',
    spread(),
    ssd,
    taintedY('axy'),
    on('aby'),
    'bx',
  ],
  [
    'all count by node, by zone only those that will do',
    spread({ nodeTaintsPolicy: 'Honor' }, { nodeAffinityPolicy: 'Ignore' }),
    ssd,
    taintedY('axy'),
    on('aby'),
    'x',
  ],
])('two constraints: %s', (_, topologySpreadConstraints, pod, of, placed, fits) => {
  const scene = makeScene({
    nodes: Object.entries(of).map(([name, sketch]) => makeNode(name, sketch)),
    pods: placed.map((p, i) => makePod(`placed${i}`, p)),
    profile: { schedulerName: 's', plugins: [{ plugin: podTopologySpread, weight: 1 }] },
  })
  const verdicts = scene.verdicts(makePod('p', { labels: foo, topologySpreadConstraints, ...pod }))
  expect(
    Object.keys(verdicts)
      .filter(name => verdicts[name] === 'ok')
      .join(''),
  ).toBe(fits)
})
