import { describe, expect, test } from 'vitest'
import { ClusterState } from '../cluster-state.ts'
import { Decider } from '../decider.ts'
import { makeNode, makePod } from '../testing/index.ts'
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
  [
    { ...head, profiles: [{ pluginConfig: [{ name: 'NodeAffinity', args: { addedAffinity: {} } }] }] },
    'profiles[0].pluginConfig[NodeAffinity].args.addedAffinity: NodeAffinity does not take it here',
  ],
  [{ ...head, extenders: [{ urlPrefix: 'x' }] }, 'extenders[0].urlPrefix: "x" is not the URL of an extender'],
  [{ ...head, extenders: [{ urlPrefix: 'http://x', httpTimeout: 'soon' }] }, 'extenders[0].httpTimeout: "soon"'],
])('what cannot be done is named: %#', (value, message) => expect(() => readConfiguration(value)).toThrow(message))
