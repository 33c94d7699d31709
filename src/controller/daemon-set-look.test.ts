import { describe, expect, it } from 'vitest'
import { ControllerRevision, DaemonSet, Node, Pod } from '../models/kinds/index.ts'
import type { DaemonSetStatus } from '../models/types/apps-v1.ts'
import type { Taint, Toleration } from '../models/types/core-v1.ts'
import { daemonSetReconciler } from './daemon-set.ts'
import { belongsOn, daemonPod, isOfTemplate } from './daemon-set-pods.ts'
import { revisionHashLabel } from './revision-history.ts'
import { meta, template } from './testing/fixtures.ts'
import { type StillWorld, stillWorld } from './testing/still-world.ts'

/** Where daemons belong, and what one look at a DaemonSet writes: cases that Kubernetes' own controller is held to. */

const key = { namespace: 'default', name: 'log' }
const owner = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'log', uid: 'uid-log', controller: true }

const setOf = (spec: object = {}, annotations: Record<string, string> = {}): DaemonSet => ({
  ...{ apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { ...meta('log'), generation: 2, annotations } },
  spec: {
    selector: { matchLabels: { app: 'web' } },
    template: { ...template(), spec: { ...template().spec!, ...spec } },
  },
})
const nodeOf = (
  name: string,
  { labels = {}, ...spec }: { labels?: object; taints?: Taint[]; unschedulable?: boolean } = {},
) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name, uid: `uid-${name}`, labels }, spec }) as unknown as Node
const podOn = (name: string, node: string, phase = 'Running', labels: object = {}): Pod =>
  ({
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: { ...meta(name), labels: { app: 'web', ...labels }, ownerReferences: [owner] },
    ...{ spec: { nodeName: node, containers: [] }, status: { phase } },
  }) as unknown as Pod

const taint = (effect: Taint['effect'], key = 'dedicated'): Taint => ({ key, value: 'x', effect })
const tolerant = { tolerations: [{ key: 'dedicated', operator: 'Exists' as const }] }
const affinity = (operator: string, values: string[]) => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'type', operator, values }] }],
      },
    },
  },
})

const [runs, stays, goes] = [
  [true, true],
  [false, true],
  [false, false],
]

describe('a daemon on a node', () => {
  it.each<[string, object, Parameters<typeof nodeOf>[1], boolean[]]>([
    ['that asks for nothing', {}, {}, runs!],
    ['of its name', { nodeName: 'n1' }, {}, runs!],
    ['of another name', { nodeName: 'n2' }, {}, goes!],
    ['of its labels', { nodeSelector: { type: 'a' } }, { labels: { type: 'a' } }, runs!],
    ['of other labels', { nodeSelector: { type: 'a' } }, { labels: { type: 'b' } }, goes!],
    ['of its name and other labels', { nodeName: 'n1', nodeSelector: { type: 'a' } }, {}, goes!],
    ['that its affinity names', affinity('In', ['a']), { labels: { type: 'a' } }, runs!],
    ['that its affinity excludes', affinity('NotIn', ['a']), { labels: { type: 'a' } }, goes!],
    [
      'that takes no new pods',
      {},
      { unschedulable: true, taints: [taint('NoSchedule', 'node.kubernetes.io/unschedulable')] },
      runs!,
    ],
    ['that is not ready', {}, { taints: [taint('NoExecute', 'node.kubernetes.io/not-ready')] }, runs!],
    ['that is not heard of', {}, { taints: [taint('NoExecute', 'node.kubernetes.io/unreachable')] }, runs!],
    ['that is short of memory', {}, { taints: [taint('NoSchedule', 'node.kubernetes.io/memory-pressure')] }, runs!],
    ['without network', {}, { taints: [taint('NoSchedule', 'node.kubernetes.io/network-unavailable')] }, stays!],
    [
      'without network, of which it needs none',
      { hostNetwork: true },
      { taints: [taint('NoSchedule', 'node.kubernetes.io/network-unavailable')] },
      runs!,
    ],
    ['that wants no such pods any more', {}, { taints: [taint('NoSchedule')] }, stays!],
    ['that throws such pods out', {}, { taints: [taint('NoExecute')] }, goes!],
    ['that would rather not', {}, { taints: [taint('PreferNoSchedule')] }, runs!],
    ['whose taint it bears', tolerant, { taints: [taint('NoSchedule'), taint('NoExecute')] }, runs!],
  ])('%s', (_, spec, node, [shouldRun, mayContinue]) =>
    expect(belongsOn(setOf(spec), nodeOf('n1', node))).toEqual({ shouldRun, mayContinue }),
  )
})

it('a daemon bears the states of its node for ever, whatever its template says of how long', () => {
  const brief: Toleration = {
    key: 'node.kubernetes.io/not-ready',
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: 300,
  }
  const own: Toleration = { key: 'dedicated', operator: 'Exists' }
  const { tolerations = [] } = daemonPod(setOf({ tolerations: [brief, own] }), 'n1', 'h').spec
  expect(tolerations.filter(t => t.key === brief.key)).toEqual([
    { key: brief.key, operator: 'Exists', effect: 'NoExecute' },
  ])
  expect(tolerations).toContainEqual(own)
})

describe('a pod is of the present template', () => {
  const both = { 'pod-template-generation': '7', [revisionHashLabel]: 'new' }
  it.each<[string, Record<string, string>, Record<string, string>, string, boolean]>([
    ['by both', { generation: '7' }, both, 'new', true],
    ['by its generation', { generation: '7' }, both, 'other', true],
    ['by its generation alone', { generation: '7' }, { 'pod-template-generation': '7' }, 'new', true],
    ['by its revision', { generation: '8' }, both, 'new', true],
    ['by neither', { generation: '8' }, both, 'other', false],
    ['without labels', { generation: '7' }, {}, '', false],
    ['without generation', {}, both, 'other', false],
  ])('%s', (_, { generation }, labels, hash, expected) => {
    const annotations: Record<string, string> = generation
      ? { 'deprecated.daemonset.template.generation': generation }
      : {}
    expect(isOfTemplate(setOf({}, annotations), podOn('p', 'n1', 'Running', labels), hash)).toBe(expected)
  })
})

describe('one look at a DaemonSet', () => {
  const look = async (
    pods: Pod[],
    nodes: Node[],
    { reconciler = daemonSetReconciler(), set = setOf(), revision = '' } = {},
  ) => {
    const first = stillWorld({ cached: [[DaemonSet, [set]]] })
    // Its revision, as it makes it itself.
    await daemonSetReconciler().reconcile(key, first)
    const made = first.bodies.find(body => body.data)
    const shown = { ...made, metadata: { ...meta(made.metadata.name), ...made.metadata } }
    const hash = made.metadata.labels[revisionHashLabel]
    for (const pod of pods) pod.metadata.labels![revisionHashLabel] = revision || hash
    const world: StillWorld = stillWorld({
      cached: [
        [DaemonSet, [set]],
        [Node, nodes],
        [Pod, pods],
        [ControllerRevision, [shown]],
      ],
    })
    await reconciler.reconcile(key, world)
    const status: DaemonSetStatus | undefined = world.bodies.findLast(body => body.status)?.status
    return { writes: world.writes.filter(w => w.includes(' Pod ')), told: world.told, status, reconciler }
  }

  it('puts one on each node', async () => {
    const { writes, status } = await look([], [nodeOf('n1'), nodeOf('n2')])
    expect(writes).toHaveLength(2)
    expect(status).toMatchObject({ desiredNumberScheduled: 2, currentNumberScheduled: 0, observedGeneration: 2 })
  })

  it('removes one that failed, says so, and the next only later; one that has succeeded at once', async () => {
    const first = await look([podOn('a', 'n1', 'Failed')], [nodeOf('n1')])
    expect([first.writes, first.told[0]]).toEqual([
      ['delete Pod default/a'],
      'Warning FailedDaemonPod Found failed daemon pod default/a on node n1, will try to kill it',
    ])
    const again = await look([podOn('b', 'n1', 'Failed')], [nodeOf('n1')], first)
    expect([again.writes, again.told]).toEqual([[], []])
    for (const name of ['c', 'd'])
      expect((await look([podOn(name, 'n1', 'Succeeded')], [nodeOf('n1')])).writes).toEqual([
        `delete Pod default/${name}`,
      ])
  })

  it('replaces old ones while a failed one waits to be removed', async () => {
    const { reconciler } = await look([podOn('a', 'n1', 'Failed')], [nodeOf('n1')])
    const pods = [podOn('b', 'n1', 'Failed'), podOn('old', 'n2', 'Pending')]
    const { writes } = await look(pods, [nodeOf('n1'), nodeOf('n2')], { reconciler, revision: 'old' })
    expect(writes).toContain('delete Pod default/old')
  })

  it('does not call its generation seen before it has seen what it did', async () => {
    const twins = () => [podOn('a', 'n1'), podOn('b', 'n1')]
    const { reconciler, writes } = await look(twins(), [nodeOf('n1')])
    const again = await look(twins(), [nodeOf('n1')], { reconciler })
    expect([writes, again.writes, again.status?.observedGeneration]).toEqual([['delete Pod default/b'], [], 0])
  })
})
