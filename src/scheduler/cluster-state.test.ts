import { describe, expect, test } from 'vitest'
import { makeNode, makePod, makeScene } from './testing/index.ts'

const gpus = { 'optiflow.dev/gpu-milli': '2000' }

describe('a cluster as it would be with a node', () => {
  const scene = () =>
    makeScene({
      nodes: [makeNode('a', { unschedulable: true }), makeNode('b', { allocatable: { cpu: '1', ...gpus } })],
      pods: [makePod('x', { on: 'b', requests: { cpu: '1', 'optiflow.dev/gpu-milli': '1500' } })],
    })
  const seen = ({ state, decider }: ReturnType<typeof scene>) => ({
    rows: state.rows,
    names: state.nodes.map(n => n.name),
    cordoned: state.nodes.map(n => n.node.spec?.unschedulable ?? false),
    requested: state.nodes.map(n => n.requested),
    devices: state.gpus.ledger.size,
    milli: [state.gpus.ledger.capacityMilli, ...state.gpus.ledger.freeByModel],
    numbers: [state.epoch, state.sequence],
    decision: decider.decide(state.classes.admit(makePod('p', { requests: { cpu: '2' } }))).node?.name,
  })

  test.each([
    ['one more', makeNode('c', { allocatable: { cpu: '4', ...gpus } }), ['a', 'b', 'c']],
    ['one without its cordon', makeNode('a'), ['a', 'b']],
  ])('holds %s while it is looked at, and leaves no trace', (_, node, names) => {
    const s = scene()
    const before = seen(s)
    const info = s.state.classes.admit(makePod('q', { requests: { cpu: '2' } }))
    const inside = s.state.withNode(node, view => ({
      names: s.state.nodes.map(n => n.name),
      fits: s.decider.check(info, view) === undefined,
      epoch: s.state.epoch,
    }))
    expect(inside).toEqual({ names, fits: true, epoch: expect.any(Number) })
    expect(inside.epoch).not.toBe(before.numbers[0])
    expect(seen(s)).toEqual(before)
  })

  test('is never taken for a later one', () => {
    const { state } = scene()
    const inside = state.withNode(makeNode('c'), () => state.epoch)
    state.setNode(makeNode('d'))
    expect(state.epoch).not.toBe(inside)
  })
})

test('what is tried out within something that is tried out leaves no trace either', () => {
  const { state } = makeScene({ nodes: [makeNode('a')] })
  const { sequence } = state
  const comeAndGo = () => {
    const info = state.classes.admit(makePod('p'))
    state.addPod(info, 'a')
    state.removePod(info, 'a')
  }
  state.speculate(() => {
    state.speculate(comeAndGo)
    comeAndGo()
  })
  expect([state.sequence, state.speculating, state.changedSince(sequence)]).toEqual([sequence, false, []])
})
