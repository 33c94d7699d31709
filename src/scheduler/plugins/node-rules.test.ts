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
const byName = (name: string) => ({ matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] })
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

describe('TaintToleration scores', () => {
  const taint = (key: string, effect: 'NoSchedule' | 'PreferNoSchedule' = 'PreferNoSchedule') => ({
    key,
    value: 'v',
    effect,
  })
  const tolerating = (...keys: string[]): PodSketch => ({
    tolerations: keys.map(key => ({ key, value: 'v', effect: 'PreferNoSchedule' })),
  })
  test.each<[string, PodSketch, ReturnType<typeof taint>[][], number[]]>([
    ['what is tolerated does not count', tolerating('x'), [[taint('x')], [taint('y')]], [100, 0]],
    [
      'however much of it there is',
      tolerating('x', 'y'),
      [[], [taint('x')], [taint('x'), taint('y')]],
      [100, 100, 100],
    ],
    ['each that is not tolerated counts', tolerating('w'), [[], [taint('x')], [taint('x'), taint('y')]], [100, 50, 0]],
    [
      'only PreferNoSchedule counts, on both sides',
      { tolerations: [{ key: 'x', value: 'v', effect: 'NoSchedule' }] },
      [[], [taint('y', 'NoSchedule')], [taint('x'), taint('y')]],
      [100, 100, 0],
    ],
    ['without tolerations', {}, [[], [taint('x')]], [100, 0]],
  ])('%s', (_, pod, taints, expected) => {
    const scene = makeScene({ nodes: taints.map((t, i) => makeNode(names[i]!, { taints: t })) })
    expect(Object.values(scene.scores(makePod('p', pod), 'TaintToleration'))).toEqual(expected)
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
    ['more labels than asked for are as good', { nodeSelector: { zone: 'x', cores: '8' } }, [0]],
    ['fewer are not', { nodeSelector: { zone: 'y', cores: '8' } }, []],
    ['affinity without terms', { affinity: { nodeAffinity: {} } }, [0, 1, 2]],
    [
      'all expressions of a term',
      affinity({
        matchExpressions: [
          { key: 'zone', operator: 'Exists' },
          { key: 'cores', operator: 'DoesNotExist' },
        ],
      }),
      [1],
    ],
    [
      'all fields and expressions of a term',
      affinity(
        { ...byName('a'), ...expression('zone', 'In', 'y') },
        { ...byName('b'), ...expression('zone', 'In', 'y') },
      ),
      [1],
    ],
    ['a name or labels', affinity(byName('c'), expression('zone', 'In', 'x')), [0, 2]],
    ['one of two names', affinity(byName('a'), byName('c')), [0, 2]],
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

  test('a pod that no node’s name can satisfy is told so once', () => {
    const both = ['a', 'b'].flatMap(name => byName(name).matchFields)
    const scene = makeScene({ nodes: [makeNode('a'), makeNode('b')] })
    const message = '0/2 nodes are available: pod affinity terms conflict.'
    expect(scene.decide(makePod('p', affinity({ matchFields: both })))).toBe(message)
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
    ['the second of several', { hostPorts: [{ port: 80 }, { port: 81 }] }, port(81), taken],
    ['the same port of one address', port(80, '10.0.0.1'), port(80, '10.0.0.1'), taken],
    ['the same port of UDP', port(80, '10.0.0.1', 'UDP'), port(80, '0.0.0.0', 'UDP'), taken],
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
    [
      'no room for one more, whatever is free',
      { allocatable: { pods: '1' } },
      { requests: { cpu: '1' } },
      [{}],
      'Too many pods',
    ],
    [
      'everything that is short, in one answer',
      { allocatable: { pods: '0', 'x.io/gpu': '1' } },
      { requests: { cpu: '5', memory: '9Gi', 'ephemeral-storage': '101Gi', 'x.io/gpu': '2' } },
      [],
      'Insufficient cpu; Insufficient memory; Insufficient ephemeral-storage; Too many pods; Insufficient x.io/gpu',
    ],
    ['none of an extended resource that no node has', {}, { requests: { 'x.io/none': '0' } }, [], 'ok'],
    [
      'huge pages',
      { allocatable: { 'hugepages-2Mi': '4Mi' } },
      { requests: { 'hugepages-2Mi': '6Mi' } },
      [],
      'Insufficient hugepages-2Mi',
    ],
    [
      'Kubernetes’ own resources',
      {},
      { requests: { 'kubernetes.io/something': '1' } },
      [],
      'Insufficient kubernetes.io/something',
    ],
    [
      'the biggest init container, of extended resources too',
      { allocatable: { 'x.io/gpu': '2' } },
      { init: [{ requests: { 'x.io/gpu': '2' } }, { requests: { 'x.io/gpu': '3' } }], requests: { 'x.io/gpu': '1' } },
      [],
      'Insufficient x.io/gpu',
    ],
    [
      'what the pod as a whole requests stands above its containers',
      {},
      { requests: { cpu: '1' }, resources: { requests: { cpu: '5' } } },
      [],
      'Insufficient cpu',
    ],
    [
      'and above its init containers, while other resources are theirs',
      {},
      { init: [{ requests: { cpu: '6', memory: '9Gi' } }], resources: { requests: { cpu: '4' } } },
      [],
      'Insufficient memory',
    ],
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

describe('ImageLocality', () => {
  const mebibyte = 1024 * 1024
  /** Images are named after their size in MiB. */
  const having = (...sizes: number[]): NodeSketch => ({
    images: sizes.map(size => ({ names: [`r.io/${size}:latest`], sizeBytes: size * mebibyte })),
  })
  const containers = (sizes: number[]) => sizes.map((size, i) => ({ name: `c${i}`, image: `r.io/${size}` }))
  test.each<[string, number[], number[], NodeSketch[], number[]]>([
    ['the bigger image', [40, 250], [], [having(40, 300, 2000), having(250, 10)], [0, 5]],
    ['two of them', [40, 300], [], [having(40, 300, 2000), having(250, 10)], [7, 0]],
    ['no more than a limit', [10, 4000], [], [having(4000, 30), having(250, 10)], [100, 0]],
    ['which counts by the share of nodes', [10, 4000], [], [having(4000, 30), having(250, 10), {}], [66, 0, 0]],
    ['several big ones', [300, 600, 900], [], [having(600, 40, 900), having(300, 600, 900), {}], [32, 36, 0]],
    ['several small ones', [30, 40], [], [having(20, 30, 40), having(4000, 30)], [1, 0]],
    ['those of init containers too', [30], [300], [having(40, 300, 2000), having(20, 30, 40)], [6, 0]],
  ])('%s', (_, images, initImages, nodes, expected) => {
    const scene = makeScene({ nodes: nodes.map((n, i) => makeNode(names[i]!, n)) })
    const pod = makePod('p', { initContainers: containers(initImages) })
    pod.spec.containers = containers(images)
    expect(Object.values(scene.scores(pod, 'ImageLocality'))).toEqual(expected)
  })
})

test('NodeName keeps a pod to the node it names', () => {
  const scene = makeScene({ nodes: [makeNode('a'), makeNode('b')] })
  expect(scene.verdicts(makePod('p', { nodeName: 'b' }))).toEqual({
    a: "node(s) didn't match the requested node name",
    b: 'ok',
  })
})
