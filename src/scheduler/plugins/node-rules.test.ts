import { describe, expect, test } from 'vitest'
import { makeNode, makePod, makeScene, type NodeSketch, type PodSketch } from '../testing/index.ts'

const names = ['a', 'b', 'c', 'd']
const ask = (nodes: NodeSketch[], pod: PodSketch, placed: PodSketch[] = []) =>
  Object.values(
    makeScene({
      nodes: nodes.map((n, i) => makeNode(names[i]!, n)),
      pods: placed.map((p, i) => makePod(`placed${i}`, { on: 'a', ...p })),
    }).verdicts(makePod('p', pod)),
  )

const affinity = (...terms: object[]): PodSketch => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms as any } } },
})
const expression = (key: string, operator: string, ...values: string[]) => ({
  matchExpressions: [{ key, operator, values }],
})
const noAffinity = "node(s) didn't match Pod's node affinity/selector"

describe('NodeUnschedulable', () => {
  const nodes = [{ unschedulable: true }, {}]
  test.each<[string, PodSketch, string]>([
    ['refuses a cordoned node', {}, 'node(s) were unschedulable'],
    [
      'lets in who tolerates it',
      { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] },
      'ok',
    ],
    ['lets in who tolerates everything', { tolerations: [{ operator: 'Exists' }] }, 'ok'],
  ])('%s', (_, pod, verdict) => expect(ask(nodes, pod)).toEqual([verdict, 'ok']))
})

describe('TaintToleration', () => {
  const taint = (effect: 'NoSchedule' | 'NoExecute' | 'PreferNoSchedule', value?: string) => ({
    taints: [{ key: 'k', effect, ...(value ? { value } : {}) }],
  })
  const refused = (value = '') => `node(s) had untolerated taint {k: ${value}}`
  test.each<[string, NodeSketch, PodSketch['tolerations'], string]>([
    ['NoSchedule keeps away', taint('NoSchedule', 'v'), undefined, refused('v')],
    ['NoExecute keeps away', taint('NoExecute'), undefined, refused()],
    ['PreferNoSchedule does not', taint('PreferNoSchedule', 'v'), undefined, 'ok'],
    ['an equal value is tolerated', taint('NoSchedule', 'v'), [{ key: 'k', value: 'v' }], 'ok'],
    ['another value is not', taint('NoSchedule', 'v'), [{ key: 'k', value: 'w' }], refused('v')],
    ['Exists tolerates any value', taint('NoSchedule', 'v'), [{ key: 'k', operator: 'Exists' }], 'ok'],
    [
      'another effect is not tolerated',
      taint('NoSchedule', 'v'),
      [{ key: 'k', value: 'v', effect: 'NoExecute' }],
      refused('v'),
    ],
    ['a toleration without key and Exists means nothing', taint('NoSchedule', 'v'), [{ value: 'v' }], refused('v')],
  ])('%s', (_, node, tolerations, verdict) =>
    expect(ask([node], tolerations ? { tolerations } : {})).toEqual([verdict]),
  )

  test('prefers nodes with fewer taints that it does not tolerate', () => {
    const preferNot = (...keys: string[]) => ({
      taints: keys.map(key => ({ key, effect: 'PreferNoSchedule' as const })),
    })
    const scene = makeScene({
      nodes: [makeNode('a', preferNot('x', 'y')), makeNode('b', preferNot('x')), makeNode('c')],
    })
    expect(scene.scores(makePod('p'), 'TaintToleration')).toEqual({ a: 0, b: 50, c: 100 })
  })
})

describe('NodeAffinity', () => {
  const nodes: NodeSketch[] = [{ labels: { zone: 'x', cores: '8' } }, { labels: { zone: 'y' } }, {}]
  const only = (...fits: number[]) => nodes.map((_, i) => (fits.includes(i) ? 'ok' : noAffinity))
  test.each<[string, PodSketch, number[]]>([
    ['nodeSelector wants equal labels', { nodeSelector: { zone: 'x' } }, [0]],
    ['In', affinity(expression('zone', 'In', 'x', 'y')), [0, 1]],
    ['NotIn also takes nodes without the label', affinity(expression('zone', 'NotIn', 'x')), [1, 2]],
    ['Exists', affinity(expression('zone', 'Exists')), [0, 1]],
    ['DoesNotExist', affinity(expression('zone', 'DoesNotExist')), [2]],
    ['Gt', affinity(expression('cores', 'Gt', '4')), [0]],
    ['Gt is strict', affinity(expression('cores', 'Gt', '8')), []],
    ['Lt', affinity(expression('cores', 'Lt', '9')), [0]],
    ['Gt of something that is no number', affinity(expression('zone', 'Gt', '4')), []],
    ['any of the terms', affinity(expression('zone', 'In', 'x'), expression('zone', 'In', 'y')), [0, 1]],
    ['an empty term matches nothing', affinity({}), []],
    ['selector and affinity both', { nodeSelector: { zone: 'x' }, ...affinity(expression('zone', 'In', 'y')) }, []],
    ['by name', affinity({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['b'] }] }), [1]],
    [
      'by not being named',
      affinity({ matchFields: [{ key: 'metadata.name', operator: 'NotIn', values: ['b'] }] }),
      [0, 2],
    ],
  ])('%s', (_, pod, fits) => expect(ask(nodes, pod)).toEqual(only(...fits)))

  test('a pod for one named node says which plugin left the others out', () => {
    const scene = makeScene({ nodes: [makeNode('a'), makeNode('b', { unschedulable: true }), makeNode('c')] })
    const pod = makePod('p', affinity({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['b'] }] }))
    expect(scene.decide(pod)).toBe(
      "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't satisfy plugin(s) [NodeAffinity].",
    )
  })

  test('prefers by weight, in proportion to the best', () => {
    const prefer = (weight: number, zone: string) => ({ weight, preference: expression('zone', 'In', zone) as any })
    const scene = makeScene({ nodes: nodes.map((n, i) => makeNode(names[i]!, n)) })
    const pod = makePod('p', {
      affinity: {
        nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [prefer(80, 'x'), prefer(20, 'y')] },
      },
    })
    expect(scene.scores(pod, 'NodeAffinity')).toEqual({ a: 100, b: 25, c: 0 })
  })
})

describe('NodePorts', () => {
  const taken = "node(s) didn't have free ports for the requested pod ports"
  const port = (port: number, ip?: string, protocol?: 'TCP' | 'UDP') => ({
    hostPorts: [{ port, ...(ip ? { ip } : {}), ...(protocol ? { protocol } : {}) }],
  })
  test.each<[string, PodSketch, PodSketch, string]>([
    ['the same port clashes', port(80), port(80), taken],
    ['another port does not', port(80), port(81), 'ok'],
    ['another protocol does not', port(80), port(80, undefined, 'UDP'), 'ok'],
    ['another address does not', port(80, '10.0.0.1'), port(80, '10.0.0.2'), 'ok'],
    ['0.0.0.0 clashes with every address', port(80, '10.0.0.1'), port(80, '0.0.0.0'), taken],
    ['every address clashes with 0.0.0.0', port(80), port(80, '10.0.0.2'), taken],
    ['who wants no host port clashes with nobody', port(80), {}, 'ok'],
  ])('%s', (_, placed, pod, verdict) => expect(ask([{}, {}], pod, [placed])).toEqual([verdict, 'ok']))
})

describe('NodeResourcesFit', () => {
  test.each<[string, NodeSketch, PodSketch, PodSketch[], string]>([
    [
      'exactly what is free fits',
      {},
      { requests: { cpu: '3', memory: '7Gi' } },
      [{ requests: { cpu: '1', memory: '1Gi' } }],
      'ok',
    ],
    [
      'a thousandth more does not',
      {},
      { requests: { cpu: '3001m' } },
      [{ requests: { cpu: '1' } }],
      'Insufficient cpu',
    ],
    [
      'all that is short is named',
      {},
      { requests: { cpu: '5', memory: '9Gi' } },
      [],
      'Insufficient cpu; Insufficient memory',
    ],
    ['ephemeral storage', {}, { requests: { 'ephemeral-storage': '101Gi' } }, [], 'Insufficient ephemeral-storage'],
    ['number of pods', { allocatable: { pods: '1' } }, {}, [{}], 'Too many pods'],
    [
      'an extended resource that is there',
      { allocatable: { 'x.io/gpu': '2' } },
      { requests: { 'x.io/gpu': '2' } },
      [],
      'ok',
    ],
    [
      'one that is used',
      { allocatable: { 'x.io/gpu': '2' } },
      { requests: { 'x.io/gpu': '2' } },
      [{ requests: { 'x.io/gpu': '1' } }],
      'Insufficient x.io/gpu',
    ],
    ['one that no node has', {}, { requests: { 'x.io/none': '1' } }, [], 'Insufficient x.io/none'],
    ['overhead counts', {}, { requests: { cpu: '4' }, overhead: { cpu: '100m' } }, [], 'Insufficient cpu'],
    [
      'an init container needs its own while it runs',
      {},
      { requests: { cpu: '1' }, initContainers: [{ name: 'i', resources: { requests: { cpu: '5' } } }] },
      [],
      'Insufficient cpu',
    ],
    [
      'init and containers do not run together',
      {},
      { requests: { cpu: '3' }, initContainers: [{ name: 'i', resources: { requests: { cpu: '3' } } }] },
      [],
      'ok',
    ],
    [
      'a sidecar runs beside the containers',
      {},
      {
        requests: { cpu: '3' },
        initContainers: [{ name: 'i', restartPolicy: 'Always', resources: { requests: { cpu: '2' } } }],
      },
      [],
      'Insufficient cpu',
    ],
    [
      'an init container runs beside the sidecars before it',
      {},
      {
        initContainers: [
          { name: 's', restartPolicy: 'Always', resources: { requests: { cpu: '2' } } },
          { name: 'i', resources: { requests: { cpu: '3' } } },
        ],
      },
      [],
      'Insufficient cpu',
    ],
    [
      'but not beside those after it',
      {},
      {
        initContainers: [
          { name: 'i', resources: { requests: { cpu: '3' } } },
          { name: 's', restartPolicy: 'Always', resources: { requests: { cpu: '2' } } },
        ],
      },
      [],
      'ok',
    ],
  ])('%s', (_, node, pod, placed, verdict) => expect(ask([node], pod, placed)).toEqual([verdict]))

  test('prefers the emptier node, counting pods without requests as small ones', () => {
    const scene = makeScene({
      nodes: [makeNode('a'), makeNode('b'), makeNode('c')],
      pods: [makePod('x', { on: 'a', requests: { cpu: '2', memory: '4Gi' } }), makePod('y', { on: 'b' })],
    })
    // a: cpu (4000−2000−100)/4000 = 47, memory (8192−4096−200)/8192 = 47. b: 95 and 95. c: 97 and 97.
    expect(scene.scores(makePod('p'), 'NodeResourcesFit')).toEqual({ a: 47, b: 95, c: 97 })
  })
})

test('NodeResourcesBalancedAllocation prefers nodes whose resources would be used evenly', () => {
  const scene = makeScene({
    nodes: [makeNode('a'), makeNode('b')],
    pods: [makePod('x', { on: 'a', requests: { cpu: '2' } })],
  })
  // a: cpu 3/4, memory 1/4, so 1 − 0.5/2. b: both 1/4.
  const pod = makePod('p', { requests: { cpu: '1', memory: '2Gi' } })
  expect(scene.scores(pod, 'NodeResourcesBalancedAllocation')).toEqual({ a: 75, b: 100 })
})

test('ImageLocality prefers nodes that have the image, big ones more, scaled by how common it is', () => {
  const mebibyte = 1024 * 1024
  const images = [{ names: ['app:1'], sizeBytes: 1_000 * mebibyte }]
  const scene = makeScene({
    nodes: [makeNode('a', { images }), makeNode('b', { images }), makeNode('c'), makeNode('d')],
  })
  // Half of the nodes have it: 500 of 1 000 MiB count; (500 − 23) / (1 000 − 23).
  expect(scene.scores(makePod('p'), 'ImageLocality')).toEqual({ a: 48, b: 48, c: 0, d: 0 })
  expect(scene.scores(makePod('q', { image: 'other' }), 'ImageLocality')).toEqual({})
})

test('NodeName keeps a pod to the node it names', () => {
  const scene = makeScene({ nodes: [makeNode('a'), makeNode('b')] })
  expect(scene.verdicts(makePod('p', { nodeName: 'b' }))).toEqual({
    a: "node(s) didn't match the requested node name",
    b: 'ok',
  })
})
