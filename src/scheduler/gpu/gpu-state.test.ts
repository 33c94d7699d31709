import { expect, test } from 'vitest'
import { makeNode, makePod, makeScene } from '../testing/index.ts'
import { gpuMilliResource } from './gpu-request.ts'

const node = (name: string, devices: number) =>
  makeNode(name, { allocatable: { cpu: '64', memory: '256Gi', pods: '100', [gpuMilliResource]: `${1_000 * devices}` } })
const share = (name: string, milli: number) => makePod(name, { requests: { cpu: '1', [gpuMilliResource]: `${milli}` } })

/** A cluster that has seen pods of 810 and 190 thousandths, as many of each. */
function experienced() {
  const { state } = makeScene({ nodes: [node('n', 8), node('m', 8)] })
  const see = (name: string, milli: number) => {
    const info = state.classes.admit(share(name, milli))
    state.see(info)
    return info
  }
  for (let i = 0; i < 12; i++) see(`seen${i}`, i % 2 ? 810 : 190)
  const worthOf = (gap: number, { gpus } = state) => gpus.valueOf(64_000, 2 ** 38, 0, Int32Array.of(gap), 1)
  return { state, see, worthOf }
}

test('a fork values room as its origin does, also when both see more', () => {
  const { state, see, worthOf } = experienced()
  for (let i = 0; i < 6; i++) state.addPod(see(`p${i}`, 810), 'n')
  const fork = state.fork()
  expect([190, 500, 810].map(gap => worthOf(gap, fork))).toEqual([190, 500, 810].map(gap => worthOf(gap)))
  const { version } = fork.gpus.demand
  fork.see(fork.classes.admit(share('one-more', 190)))
  see('one-more', 190)
  expect(fork.gpus.demand.version).toBe(version)
  expect(worthOf(190, fork)).toBe(worthOf(190))
})

test('gaps are priced anew when much room has gone, not with every pod', () => {
  const { state, see, worthOf } = experienced()
  const { epoch, scoreEpoch, gpus } = state
  const { version } = gpus.demand
  const before = worthOf(190)
  // Within what is a sliver beside sixteen free devices.
  state.addPod(see('first', 810), 'n')
  expect([state.scoreEpoch, worthOf(190)]).toEqual([scoreEpoch, before])
  for (let i = 0; i < 4; i++) state.addPod(see(`p${i}`, 810), 'n')
  expect(state.scoreEpoch).toBeGreaterThan(scoreEpoch)
  expect(state.epoch).toBe(epoch)
  expect(worthOf(190)).not.toBe(before)
  expect(gpus.demand.version).toBe(version)
})

test('a node that comes back in its row with other devices is in another condition', () => {
  const { state } = makeScene({ nodes: [node('n', 2)] })
  const conditionOf = () => state.gpus.conditionOf(state.byName('n')!.index, 64_000, 2 ** 38)
  const seen = [conditionOf()]
  for (const devices of [1, 2]) {
    state.removeNode('n')
    state.setNode(node('n', devices))
    seen.push(conditionOf())
  }
  expect(seen).toEqual([0, 1, 0])
})
