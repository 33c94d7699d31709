import { expect, test } from 'vitest'
import { Decider } from './decider.ts'
import { gpuMilliResource } from './gpu/gpu-request.ts'
import type { SchedulerPlugin } from './plugin.ts'
import { defaultProfile } from './plugins/index.ts'
import { makeNode, makePod, makeScene } from './testing/index.ts'

const shares = { allocatable: { cpu: '64', memory: '256Gi', pods: '100', [gpuMilliResource]: '8000' } }

test('when only prices have changed nodes are scored again by who foresees, and none is asked whether it fits', () => {
  const { state } = makeScene({ nodes: [makeNode('n', shares), makeNode('m', shares)] })
  const asked = { filter: 0, foreseeing: 0, relating: 0, other: 0 }
  const counting = (name: 'foreseeing' | 'relating' | 'other', more: Partial<SchedulerPlugin<true>>) => {
    const score = () => asked[name]++ % 2
    const plugin: SchedulerPlugin<true> = { name, byShape: true, prepare: () => true, score, ...more }
    return { plugin, weight: 1 }
  }
  const filter = () => {
    asked.filter++
    return undefined
  }
  const plugins = [
    counting('foreseeing', { foresees: true, filter }),
    counting('relating', { foresees: true, normalize: 'highest' }),
    counting('other', { normalize: 'highest' }),
  ]
  const decider = new Decider({ ...defaultProfile, plugins }, state)
  const next = (serial: number) => {
    const info = state.classes.admit(makePod(`p${serial}`, { requests: { cpu: '1', [gpuMilliResource]: '500' } }))
    state.see(info)
    decider.decide(info)
  }
  // The eighth is when the distribution is first learned, the twelfth when it is learned anew.
  for (let serial = 1; serial < 12; serial++) next(serial)
  const before = { ...asked }
  const { epoch, scoreEpoch } = state
  next(12)
  expect([state.epoch, state.scoreEpoch]).toEqual([epoch, scoreEpoch + 1])
  expect(asked).toEqual({ ...before, foreseeing: before.foreseeing + 2, relating: before.relating + 2 })
})

test('why a pod fits nowhere can be asked later, when others have been decided and nodes have changed', () => {
  const { state, decider } = makeScene({ nodes: [makeNode('n'), makeNode('m', { unschedulable: true })] })
  const decide = (cpu: string) => decider.decide(state.classes.admit(makePod('p', { requests: { cpu } })))
  const large = decide('10000')
  decide('1m')
  state.removeNode('n')
  expect(large).toMatchObject({
    failure: {
      nodes: 2,
      groups: [
        { plugin: 'NodeResourcesFit', reason: 'Insufficient cpu', count: 1, nodes: ['n'] },
        { plugin: 'NodeUnschedulable', reason: 'node(s) were unschedulable', count: 1, nodes: ['m'] },
      ],
      plugins: new Set(['NodeResourcesFit', 'NodeUnschedulable']),
    },
  })
})

test('a try with a node that does not exist costs nothing of what is known of those that do', () => {
  const { state } = makeScene({ nodes: [makeNode('n'), makeNode('m')] })
  const asked: string[] = []
  const counting: SchedulerPlugin<true> = {
    name: 'Counting',
    byShape: true,
    prepare: () => true,
    filter(_, { name }) {
      asked.push(name)
      return undefined
    },
  }
  const decider = new Decider({ ...defaultProfile, plugins: [{ plugin: counting, weight: 1 }] }, state)
  const info = state.classes.admit(makePod('p', {}))
  decider.decide(info)
  state.withNode(makeNode('one-more'), node => decider.check(info, node))
  decider.decide(info)
  expect(asked).toEqual(['n', 'm', 'one-more'])
})
