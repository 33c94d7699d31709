import { expect, test } from 'vitest'
import { makeNode, makePod, makeScene } from './testing/index.ts'

test('it is known whether somebody less important has a node, as pods come and go, and in a fork', () => {
  const { state, placed } = makeScene({
    nodes: [makeNode('n')],
    pods: [5, 5, 7].map((priority, i) => makePod(`p${i}`, { on: 'n', priority })),
  })
  const below = (of = state) => [5, 6, 7, 8].filter(priority => of.priorities.hasBelow(priority))
  expect([below(), below(state.fork())]).toEqual([
    [6, 7, 8],
    [6, 7, 8],
  ])
  state.removePod(placed[0]!, 'n')
  expect(below()).toEqual([6, 7, 8])
  state.removePod(placed[1]!, 'n')
  expect(below()).toEqual([8])
  state.addPod(placed[0]!, 'n')
  expect(below()).toEqual([6, 7, 8])
  state.removeNode('n')
  expect(below()).toEqual([])
})
