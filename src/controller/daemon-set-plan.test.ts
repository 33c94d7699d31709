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

it('counts the oldest pod of a node, also while a new one is beside it', () => {
  const pods = podsByNode([pod('new', { ready: false }), pod('old', { hash: 'old', age: 1 })])
  expect(daemonSetStatus(surging, [node('n1')], pods, 'new', nowMs)).toMatchObject({
    numberReady: 1,
    numberAvailable: 1,
    updatedNumberScheduled: 0,
  })
})
