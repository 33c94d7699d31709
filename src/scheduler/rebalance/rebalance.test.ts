import { expect, test } from 'vitest'
import type { Node, Pod } from '../../models/types/core-v1.ts'
import type { PodDisruptionBudget } from '../../models/types/policy-v1.ts'
import { defaultProfile } from '../plugins/index.ts'
import { makeNode, makePod, makeScene, type PodSketch } from '../testing/index.ts'
import { planRebalance } from './rebalance.ts'

const cpu = (cpus: string) => ({ allocatable: { cpu: cpus } })
const owned = (name: string, on: string, cpus: string, sketch: PodSketch = {}): Pod => {
  const pod = makePod(name, { ...sketch, on, requests: { cpu: cpus } })
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'r', uid: 'r', controller: true }
  return { ...pod, metadata: { ...pod.metadata, ownerReferences: [owner] } }
}
const stuck = (cpus: string) => makePod('stuck', { requests: { cpu: cpus } })

interface More {
  budgets?: PodDisruptionBudget[]
  mostMoves?: number
  nodes?: Node[]
}

function plan(pods: Pod[], pending: Pod[], more: More = {}) {
  const { state } = makeScene({
    nodes: [makeNode('a', cpu('4')), makeNode('b', cpu('4')), ...(more.nodes ?? [])],
    pods,
  })
  const world = { state, profiles: [defaultProfile], budgets: more.budgets ?? [], pending }
  const found = planRebalance(world, { mostMoves: more.mostMoves ?? 10 })
  expect(state.nodes.flatMap(n => n.placed).length).toBe(pods.length)
  return found
}

test('one small pod moves so that a large one fits; nothing is changed meanwhile', () => {
  const pods = [owned('s', 'a', '1'), owned('l', 'a', '1500m'), owned('o', 'b', '2500m')]
  const { rescues, before, after } = plan(pods, [stuck('2')])
  expect(rescues).toEqual([{ pod: 'default/stuck', node: 'a', moves: [{ pod: 'default/s', from: 'a', to: 'b' }] }])
  expect([before['cpu']!.requested, after['cpu']!.requested]).toEqual([5, 7])
})

test('two move where one is not enough, and none where it is too many', () => {
  const pods = [owned('s', 'a', '1'), owned('t', 'a', '1'), owned('o', 'b', '2', { priority: 5 })]
  expect(plan(pods, [stuck('4')]).rescues[0]!.moves).toHaveLength(2)
  expect(plan(pods, [stuck('4')], { mostMoves: 1 })).toMatchObject({ rescues: [], stuck: 1 })
})

test('one moves so that another may move, and a pod moves to where the one was that goes to its place', () => {
  const pods = [owned('x', 'a', '2'), owned('y', 'b', '1'), owned('z', 'b', '2', { priority: 5 })]
  const exchange = ['y: b to a', 'x: a to b']
  const movesOf = (more: More) => {
    const { rescues, stuck: left } = plan(pods, [stuck('3')], more)
    return left ? undefined : rescues[0]!.moves.map(m => `${m.pod.slice(8)}: ${m.from} to ${m.to}`)
  }
  expect(movesOf({})).toEqual(exchange)
  expect(movesOf({ mostMoves: 1 })).toBeUndefined()
  const full = owned('full', 'a', '1', { priority: 5 })
  pods.push(full)
  expect(movesOf({})).toBeUndefined()
  expect(movesOf({ nodes: [makeNode('c', cpu('1'))] })).toEqual(['y: b to c', 'x: a to b'])
})

test('who needs fewer moves goes before who is larger, and after who is more important', () => {
  const pods = [owned('s', 'a', '1'), owned('l', 'a', '1500m'), owned('o', 'b', '2500m')]
  const small = makePod('small', { requests: { cpu: '1500m' } })
  const order = (first: Pod) => plan(pods, [stuck('2'), first]).rescues.map(r => r.pod.slice(8))
  expect(order(small)).toEqual(['small'])
  expect(order(makePod('small', { requests: { cpu: '1500m' }, priority: -1 }))).toEqual(['stuck'])
})

test('what fits as things are needs no move', () => {
  expect(plan([owned('s', 'a', '1')], [stuck('3')]).rescues).toEqual([{ pod: 'default/stuck', node: 'b', moves: [] }])
})

test('pods without a controller, of higher priority, or kept by their budget stay', () => {
  const other = owned('o', 'b', '2500m', { priority: 5 })
  const budget = {
    metadata: { name: 'b', namespace: 'default' },
    spec: { selector: { matchLabels: { app: 'kept' } } },
    status: { disruptionsAllowed: 0 },
  } as unknown as PodDisruptionBudget
  const rescuesOf = (small: Pod, budgets: PodDisruptionBudget[] = []) =>
    plan([small, owned('l', 'a', '1500m', { priority: 5 }), other], [stuck('2')], { budgets }).rescues
  expect(rescuesOf(owned('s', 'a', '1'))).toHaveLength(1)
  expect(rescuesOf(makePod('s', { on: 'a', requests: { cpu: '1' } }))).toEqual([])
  expect(rescuesOf(owned('s', 'a', '1', { priority: 5 }))).toEqual([])
  expect(rescuesOf(owned('s', 'a', '1', { labels: { app: 'kept' } }), [budget])).toEqual([])
})
