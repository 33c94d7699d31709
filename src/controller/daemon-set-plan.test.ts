import { expect, it } from 'vitest'
import type { DaemonSet } from '../models/types/apps-v1.ts'
import type { Node, Pod } from '../models/types/core-v1.ts'
import { daemonSetStatus, planPresence, planRollout, podsByNode } from './daemon-set-plan.ts'
import { revisionHashLabel } from './revision-history.ts'

const nowMs = Date.UTC(2026, 0, 1, 1)
const node = (name: string) => ({ metadata: { name }, spec: {} }) as Node
const set = (rollingUpdate: object) =>
  ({
    metadata: { name: 'log', namespace: 'default', uid: 'u' },
    spec: {
      selector: { matchLabels: { app: 'log' } },
      template: { metadata: { labels: { app: 'log' } }, spec: { containers: [] } },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate },
    },
  }) as unknown as DaemonSet
const surging = set({ maxSurge: 1, maxUnavailable: 0 })

interface PodFacts {
  hash?: string
  ready?: boolean
  ending?: boolean
  phase?: string
  age?: number
}

const pod = (name: string, { hash = 'new', ready = true, ending, phase = 'Running', age = 0 }: PodFacts = {}) =>
  ({
    metadata: {
      name,
      labels: { [revisionHashLabel]: hash },
      creationTimestamp: new Date(nowMs - 60_000 - age).toISOString(),
      ...(ending ? { deletionTimestamp: new Date(nowMs).toISOString() } : {}),
    },
    spec: { nodeName: 'n1' },
    status: {
      phase,
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: '2026-01-01T00:00:00Z' }],
    },
  }) as unknown as Pod

const presence = (of: DaemonSet, ...pods: Pod[]) => {
  const { create, remove } = planPresence(of, [node('n1')], podsByNode(pods), 'new', nowMs)
  return [...create, ...remove.map(p => `-${p.metadata.name}`)]
}

it('with a surge a pod that is ending has its successor at once, without one only when it is gone', () => {
  const ending = pod('a', { ending: true })
  expect(presence(surging, ending)).toEqual(['n1'])
  expect(presence(set({ maxUnavailable: 1 }), ending)).toEqual([])
})

it('a pod that has ended and is held by a finalizer does not keep its node', () => {
  expect(presence(set({ maxUnavailable: 1 }), pod('a', { ending: true, phase: 'Failed' }))).toEqual(['n1'])
})

it('with a surge an old pod goes when the new one is up, or when it serves nobody itself', () => {
  const [old, fresh] = [{ hash: 'old', age: 1 }, { ready: false }]
  expect(presence(surging, pod('old', old), pod('new', fresh))).toEqual([])
  expect(presence(surging, pod('old', old), pod('new'))).toEqual(['-old'])
  expect(presence(surging, pod('old', { ...old, ready: false }), pod('new', fresh))).toEqual(['-old'])
})

it('an update goes on where no pod may be missing and none be added: one at a time', () => {
  const pods = podsByNode([pod('old', { hash: 'old' })])
  const { remove } = planRollout(set({ maxSurge: 0, maxUnavailable: '0%' }), [node('n1')], pods, 'new', nowMs)
  expect(remove.map(p => p.metadata.name)).toEqual(['old'])
})

const tainted = { metadata: { name: 'n1' }, spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } } as Node
const onNode = (name: string, nodeName: string, facts: PodFacts) => {
  const made = pod(name, facts)
  return { ...made, spec: { ...made.spec, nodeName } } as Pod
}
const rollout = (of: DaemonSet, nodes: Node[], ...pods: Pod[]) => {
  const { create, remove } = planRollout(of, nodes, podsByNode(pods), 'new', nowMs)
  return [...create, ...remove.map(p => `-${p.metadata.name}`)]
}

it('where no daemon begins any more an old one is replaced like others, so that none of an old template stays for ever', () => {
  expect(rollout(set({ maxUnavailable: 1 }), [tainted], pod('old', { hash: 'old' }))).toEqual(['-old'])
  const others = [tainted, node('n2')]
  // The other one is not up: nothing may be taken away.
  const fresh = onNode('fresh', 'n2', { ready: false })
  expect(rollout(set({ maxUnavailable: 1 }), others, pod('old', { hash: 'old' }), fresh)).toEqual([])
})

it('with a surge what serves where it does not belong goes once others serve in its stead', () => {
  const [nodes, old] = [[tainted, node('n2')], pod('old', { hash: 'old' })]
  // Where one is missing this one is all there is.
  expect(rollout(surging, nodes, old, onNode('fresh', 'n2', { ready: false }))).toEqual([])
  expect(rollout(surging, nodes, old, onNode('fresh', 'n2', {}))).toEqual(['-old'])
  expect(rollout(surging, nodes, pod('old', { hash: 'old', ready: false }))).toEqual(['-old'])
})

it('with a surge only so many are beside old ones at a time, and old ones that are down are no reason to wait', () => {
  const nodes = ['n1', 'n2', 'n3'].map(node)
  const old = nodes.map(n => onNode(`old-${n.metadata.name}`, n.metadata.name, { hash: 'old' }))
  expect(rollout(surging, nodes, ...old)).toEqual(['n1'])
  expect(rollout(surging, nodes, ...old, onNode('fresh', 'n1', { ready: false }))).toEqual([])
  expect(rollout(surging, nodes, ...old, onNode('fresh', 'n1', {}))).toEqual(['n2', '-old-n1'])
  const down = onNode('old-n3', 'n3', { hash: 'old', ready: false })
  expect(rollout(surging, nodes, old[0]!, old[1]!, down, onNode('fresh', 'n1', { ready: false }))).toEqual(['n3'])
})

it('a node without a daemon, or with too many, counts as one that is down', () => {
  const nodes = ['n1', 'n2'].map(node)
  const old = pod('old', { hash: 'old' })
  expect(rollout(set({ maxUnavailable: 1 }), nodes, old)).toEqual([])
  const twins = [onNode('a', 'n2', {}), onNode('b', 'n2', {})]
  expect(rollout(set({ maxUnavailable: 1 }), nodes, old, ...twins)).toEqual([])
  expect(rollout(set({ maxUnavailable: 2 }), nodes, old, ...twins)).toEqual(['-old'])
})

it('old ones that serve nobody are all replaced at once', () => {
  const nodes = ['n1', 'n2', 'n3'].map(node)
  const down = nodes.map(n => onNode(`old-${n.metadata.name}`, n.metadata.name, { hash: 'old', ready: false }))
  expect(rollout(set({ maxUnavailable: 1 }), nodes, ...down)).toEqual(['-old-n1', '-old-n2', '-old-n3'])
})

it('counts the oldest pod of a node, also while a new one is beside it', () => {
  const pods = podsByNode([pod('new', { ready: false }), pod('old', { hash: 'old', age: 1 })])
  expect(daemonSetStatus(surging, [node('n1')], pods, 'new', nowMs)).toMatchObject({
    numberReady: 1,
    numberAvailable: 1,
    updatedNumberScheduled: 0,
  })
})
