import { expect, test } from 'vitest'
import { Decider } from './decider.ts'
import { gpuMilliResource } from './gpu/gpu-request.ts'
import type { SchedulerPlugin } from './plugin.ts'
import { defaultProfile } from './plugins/index.ts'
import { makeNode, makePod, makeScene } from './testing/index.ts'

const shares = { allocatable: { cpu: '64', memory: '256Gi', pods: '100', [gpuMilliResource]: '8000' } }

test('when only prices have changed nodes are scored again, and none is asked whether it fits', () => {
  const { state } = makeScene({ nodes: [makeNode('n', shares), makeNode('m', shares)] })
  const asked = { filter: 0, score: 0 }
  const counting: SchedulerPlugin<true> = {
    name: 'Counting',
    byShape: true,
    prepare: () => true,
    filter() {
      asked.filter++
      return undefined
    },
    score: () => asked.score++ % 2,
  }
  const decider = new Decider({ ...defaultProfile, plugins: [{ plugin: counting, weight: 1 }] }, state)
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
  expect(asked).toEqual({ filter: before.filter, score: before.score + 2 })
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
