import { describe, expect, test } from 'vitest'
import { ClusterState } from '../cluster-state.ts'
import { Decider } from '../decider.ts'
import { makeNode, makePod, makeScene } from '../testing/index.ts'
import { readConfiguration } from './configuration.ts'

const head = { apiVersion: 'kubescheduler.config.k8s.io/v1', kind: 'KubeSchedulerConfiguration' }
const profilesOf = (...profiles: object[]) => readConfiguration({ ...head, profiles }).profiles
const weights = (profile: object) => {
  const [read] = profilesOf(profile)
  return Object.fromEntries(read!.plugins.map(w => [w.plugin.name, w.weight]))
}

/** Where a pod goes by these rules: `full` is half used already. */
function choose(profile: object, requests: Record<string, string> = { cpu: '1', memory: '1Gi' }): string | undefined {
  const state = new ClusterState()
  for (const name of ['empty', 'full']) state.setNode(makeNode(name, { allocatable: { cpu: '8', memory: '8Gi' } }))
  state.addPod(state.classes.admit(makePod('there', { requests: { cpu: '4', memory: '4Gi' } })), 'full')
  const decision = new Decider(profilesOf(profile)[0]!, state).decide(state.classes.admit(makePod('p', { requests })))
  return decision.node?.name
}

describe('plugins', () => {
  test('nothing said is Kubernetes’ default', () => {
    expect(weights({})).toMatchObject({ TaintToleration: 3, NodeAffinity: 2, PodTopologySpread: 2, NodeName: 0 })
  })

  test.each([
    ['one is switched off', { multiPoint: { disabled: [{ name: 'ImageLocality' }] } }, 'ImageLocality', undefined],
    ['only its score', { score: { disabled: [{ name: 'TaintToleration' }] } }, 'TaintToleration', 0],
    [
      'another weight',
      { score: { disabled: [{ name: 'NodeAffinity' }], enabled: [{ name: 'NodeAffinity', weight: 7 }] } },
      'NodeAffinity',
      7,
    ],
    [
      'all off but one',
      { multiPoint: { disabled: [{ name: '*' }], enabled: [{ name: 'NodeResourcesFit', weight: 4 }] } },
      'NodeResourcesFit',
      4,
    ],
    [
      'all off, and another is gone',
      { multiPoint: { disabled: [{ name: '*' }], enabled: [{ name: 'NodeResourcesFit' }] } },
      'ImageLocality',
      undefined,
    ],
  ])('%s', (_, plugins, name, weight) => expect(weights({ plugins })[name]).toBe(weight))

  test('a rule that is switched off at filter refuses nothing, and preemption can be switched off', () => {
    const huge = { cpu: '100' }
    expect(choose({}, huge)).toBeUndefined()
    expect(choose({ plugins: { filter: { disabled: [{ name: 'NodeResourcesFit' }] } } }, huge)).toBeDefined()
    expect(profilesOf({})[0]!.preempts).toBeUndefined()
    const off = { plugins: { postFilter: { disabled: [{ name: 'DefaultPreemption' }] } } }
    expect(profilesOf(off)[0]!.preempts).toBe(false)
  })
})

describe('arguments', () => {
  const filling = (scoringStrategy: object) => ({
    plugins: { multiPoint: { disabled: [{ name: '*' }], enabled: [{ name: 'NodeResourcesFit' }] } },
    pluginConfig: [{ name: 'NodeResourcesFit', args: { kind: 'NodeResourcesFitArgs', scoringStrategy } }],
  })
  const shape = (...scores: number[]) => ({
    type: 'RequestedToCapacityRatio',
    requestedToCapacityRatio: { shape: scores.map((score, i) => ({ utilization: i * 50, score })) },
  })

  test.each([
    [{ type: 'LeastAllocated' }, 'empty'],
    [{ type: 'MostAllocated' }, 'full'],
    [{ type: 'MostAllocated', resources: [{ name: 'memory', weight: 3 }] }, 'full'],
    [shape(0, 10, 0), 'full'],
    [shape(10, 0, 0), 'empty'],
  ])('nodes are filled as %j says', (strategy, node) => expect(choose(filling(strategy))).toBe(node))

  test('default constraints of one’s own keep pods of a service apart', () => {
    const defaultConstraints = [{ topologyKey: 'zone', maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' }]
    const args = { defaultingType: 'List', defaultConstraints }
    const [profile] = profilesOf({ pluginConfig: [{ name: 'PodTopologySpread', args }] })
    const state = new ClusterState()
    state.objects.services.set({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: 'default', name: 's' },
      spec: { selector: { app: 'x' } },
    } as any)
    state.setNode(makeNode('n', { labels: { zone: 'a' } }))
    state.setNode(makeNode('m', { labels: { zone: 'b' }, unschedulable: true }))
    const decider = new Decider(profile!, state)
    const pod = (name: string) => state.classes.admit(makePod(name, { labels: { app: 'x' } }))
    state.addPod(pod('first'), 'n')
    expect(decider.decide(pod('second')).node).toBeUndefined()
  })
})

describe('arguments of single plugins', () => {
  const profileWith = (name: string, args: object) => profilesOf({ pluginConfig: [{ name, args }] })[0]!

  test('resources that others count are not counted, by name or by group; Kubernetes’ own always are', () => {
    const wanted = { 'a.io/x': '1', 'b.io/y': '1', 'kubernetes.io/z': '1' }
    const said = (args: object) => {
      const scene = makeScene({ nodes: [makeNode('n')], profile: profileWith('NodeResourcesFit', args) })
      return scene.verdicts(makePod('p', { requests: wanted }))['n']
    }
    const all = 'Insufficient a.io/x; Insufficient b.io/y; Insufficient kubernetes.io/z'
    expect(said({})).toBe(all)
    expect(said({ ignoredResources: ['a.io/x', 'kubernetes.io/z'] })).toBe(
      'Insufficient b.io/y; Insufficient kubernetes.io/z',
    )
    expect(said({ ignoredResourceGroups: ['b.io', 'a.i'] })).toBe('Insufficient a.io/x; Insufficient kubernetes.io/z')
  })

  test('added affinity holds for every pod besides its own', () => {
    const onZone = (zone: string) => ({ matchExpressions: [{ key: 'zone', operator: 'In' as const, values: [zone] }] })
    const addedAffinity = {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [onZone('x'), onZone('y')] },
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 4, preference: onZone('y') }],
    }
    const scene = makeScene({
      nodes: ['x', 'y', 'z'].map(zone => makeNode(zone, { labels: { zone } })),
      profile: profileWith('NodeAffinity', { addedAffinity }),
    })
    const enforced = "node(s) didn't match scheduler-enforced node affinity"
    expect(scene.verdicts(makePod('p'))).toEqual({ x: 'ok', y: 'ok', z: enforced })
    expect(scene.verdicts(makePod('p', { nodeSelector: { zone: 'x' } }))).toEqual({
      x: 'ok',
      y: "node(s) didn't match Pod's node affinity/selector",
      z: enforced,
    })
    expect(scene.scores(makePod('p'), 'NodeAffinity')).toEqual({ x: 0, y: 100, z: 0 })
    const preferredDuringSchedulingIgnoredDuringExecution = [{ weight: 8, preference: onZone('x') }]
    const own = { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution } } }
    expect(scene.scores(makePod('p', own), 'NodeAffinity')).toEqual({ x: 100, y: 50, z: 0 })
  })

  test('what placed pods prefer can be ignored for pods that prefer nothing', () => {
    const preferring = (app: string) => ({
      affinity: {
        podAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            {
              weight: 5,
              podAffinityTerm: { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app } } },
            },
          ],
        },
      },
    })
    const scores = (ignorePreferredTermsOfExistingPods: boolean, sketch: object = {}) =>
      makeScene({
        nodes: [makeNode('a'), makeNode('b')],
        pods: [makePod('there', { on: 'a', ...preferring('x') })],
        profile: profileWith('InterPodAffinity', { ignorePreferredTermsOfExistingPods }),
      }).scores(makePod('p', { labels: { app: 'x' }, ...sketch }), 'InterPodAffinity')
    expect(scores(false)).toEqual({ a: 100, b: 0 })
    expect(scores(true)).toEqual({})
    expect(scores(true, preferring('y'))).toEqual({ a: 100, b: 0 })
  })

  test.each([
    [{}, { percent: 10, nodes: 100 }],
    [{ minCandidateNodesAbsolute: 0 }, { percent: 10, nodes: 0 }],
    [
      { minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 2 },
      { percent: 0, nodes: 2 },
    ],
  ])('preemption looks at as many nodes as it is told: %j', (args, enoughCandidates) =>
    expect(profileWith('DefaultPreemption', args)).toMatchObject({ enoughCandidates }),
  )

  const rule = { topologyKey: 'zone', maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway' }
  const list = (...defaultConstraints: object[]) => ({ defaultingType: 'List', defaultConstraints })
  test.each<[string, object, string]>([
    [
      'NodeAffinity',
      { addedAffinity: { requiredDuringSchedulingIgnoredDuringExecution: {} } },
      'addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value',
    ],
    ['NodeResourcesFit', { ignoredResources: ['a b'] }, 'ignoredResources[0]: "a b"'],
    ['NodeResourcesFit', { ignoredResourceGroups: ['a/b'] }, 'ignoredResourceGroups: a/b may not contain "/"'],
    [
      'NodeResourcesFit',
      { scoringStrategy: { resources: [{ name: 'cpu', weight: 101 }] } },
      'scoringStrategy.resources[0].weight: 101 is not a whole number from 1 to 100',
    ],
    ['NodeResourcesFit', { scoringStrategy: { type: 'Most' } }, 'scoringStrategy.type: "Most" is none of'],
    [
      'NodeResourcesFit',
      {
        scoringStrategy: {
          type: 'RequestedToCapacityRatio',
          requestedToCapacityRatio: { shape: [{ utilization: 0, score: 11 }] },
        },
      },
      'scoringStrategy.requestedToCapacityRatio.shape[0].score: 11 is not a whole number from 0 to 10',
    ],
    ['NodeResourcesBalancedAllocation', { resources: [{ name: 'cpu', weight: 2 }] }, 'resources[0].weight: 2'],
    [
      'NodeResourcesBalancedAllocation',
      { resources: [{ name: 'cpu' }, { name: 'cpu' }] },
      'resources: cpu is there twice',
    ],
    [
      'InterPodAffinity',
      { hardPodAffinityWeight: 101 },
      'hardPodAffinityWeight: 101 is not a whole number from 0 to 100',
    ],
    ['VolumeBinding', { bindTimeoutSeconds: -1 }, 'bindTimeoutSeconds: -1 is not a whole number of at least 0'],
    ['VolumeBinding', { shape: [] }, 'shape: VolumeBinding does not take it here'],
    ['DefaultPreemption', { minCandidateNodesPercentage: 101 }, 'minCandidateNodesPercentage: 101'],
    [
      'DefaultPreemption',
      { minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 0 },
      'minCandidateNodesAbsolute: 0',
    ],
    ['DefaultPreemption', { most: 1 }, 'most: DefaultPreemption does not take it here'],
    ['PodTopologySpread', { defaultingType: 'Mine' }, 'defaultingType: "Mine" is none of System, List'],
    ['PodTopologySpread', { defaultConstraints: [rule] }, 'defaultConstraints: only with defaultingType List'],
    ['PodTopologySpread', list({ ...rule, maxSkew: 0 }), 'defaultConstraints[0].maxSkew: Invalid value: 0'],
    ['PodTopologySpread', list({ ...rule, topologyKey: '' }), 'defaultConstraints[0].topologyKey: Required value'],
    [
      'PodTopologySpread',
      list({ ...rule, whenUnsatisfiable: 'Never' }),
      'defaultConstraints[0].whenUnsatisfiable: Unsupported value: "Never"',
    ],
    [
      'PodTopologySpread',
      list({ ...rule, labelSelector: {} }),
      'defaultConstraints[0].labelSelector: what belongs together',
    ],
    ['PodTopologySpread', list(rule, rule), 'defaultConstraints[0].{topologyKey, whenUnsatisfiable}: Duplicate value'],
  ])('%s refuses %j', (name, args, message) =>
    expect(() => profileWith(name, args)).toThrow(`profiles[0].pluginConfig[${name}].args.${message}`),
  )
})

test('extenders are read with their limits', () => {
  const { extenders } = readConfiguration({
    ...head,
    extenders: [
      {
        urlPrefix: 'https://x/ext/',
        filterVerb: 'filter',
        httpTimeout: '1m30s',
        managedResources: [{ name: 'example.com/foo', ignoredByScheduler: true }],
      },
    ],
  })
  expect(extenders).toEqual([
    expect.objectContaining({ urlPrefix: 'https://x/ext', timeoutMs: 90_000, ignoredResources: ['example.com/foo'] }),
  ])
})

test.each([
  [{}, 'is not a KubeSchedulerConfiguration'],
  [{ ...head, profiles: [{}, {}] }, 'profiles: two have the schedulerName default-scheduler'],
  [{ ...head, percentageOfNodesToScore: 50 }, 'percentageOfNodesToScore: is always 100 here'],
  [{ ...head, nonsense: 1 }, 'nonsense: is not known'],
  [
    { ...head, profiles: [{ plugins: { score: { enabled: [{ name: 'Coffee' }] } } }] },
    'profiles[0].plugins.score: there is no plugin "Coffee"',
  ],
  [{ ...head, profiles: [{ plugins: { brew: {} } }] }, 'profiles[0].plugins.brew: is none of'],
  [{ ...head, extenders: [{ urlPrefix: 'x' }] }, 'extenders[0].urlPrefix: "x" is not the URL of an extender'],
  [{ ...head, extenders: [{ urlPrefix: 'http://x', httpTimeout: 'soon' }] }, 'extenders[0].httpTimeout: "soon"'],
])('what cannot be done is named: %#', (value, message) => expect(() => readConfiguration(value)).toThrow(message))
