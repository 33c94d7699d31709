import { afterEach, describe, expect, test } from 'vitest'
import { VirtualClock } from '../../base/virtual-clock.ts'
import type { SchedulerPlugin } from '../../models/kinds/index.ts'
import { defaultProfile } from '../plugins/index.ts'
import { makeNode, makePod, makeScene } from '../testing/index.ts'
import { Extensions } from './extensions.ts'

const open: Extensions[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

function start() {
  const said: string[] = []
  let changes = 0
  const extensions = new Extensions({
    clock: new VirtualClock(),
    changed: () => changes++,
    report: ({ metadata }, { state, message }) =>
      said.push(`${metadata.name} ${state}${message ? `: ${message}` : ''}`),
  })
  open.push(extensions)
  const nodes = [
    makeNode('a', { labels: { rack: '1' }, allocatable: { cpu: '4' } }),
    makeNode('b', { labels: { rack: '2' }, allocatable: { cpu: '4' } }),
  ]
  const scene = makeScene({ nodes })
  let generation = 0
  return {
    ...scene,
    extensions,
    said,
    changes: () => changes,
    async add(source: string, spec: object = {}) {
      const metadata = { name: 'mine', uid: 'u', resourceVersion: '1', generation: ++generation }
      const plugin = { apiVersion: 'optiflow.dev/v1', kind: 'SchedulerPlugin', metadata, spec: { source, ...spec } }
      await extensions.set(plugin as SchedulerPlugin)
      scene.decider.use({
        ...defaultProfile,
        plugins: [...defaultProfile.plugins, ...extensions.for('default-scheduler')],
      })
    },
  }
}

const sameRack = `exports.default = {
  filter: (pod, node) => (node.labels.rack === pod.metadata.annotations.rack ? undefined : 'node(s) are in another rack'),
}`
const inRack = (rack: string) => {
  const pod = makePod('p')
  return { ...pod, metadata: { ...pod.metadata, annotations: { rack } } }
}

describe('a plugin that was added', () => {
  test('refuses nodes in its own words', async () => {
    const c = start()
    await c.add(sameRack)
    expect(c.said).toEqual(['mine Active'])
    expect(c.decide(inRack('2'))).toBe('b')
    expect(c.decide(inRack('3'))).toBe('0/2 nodes are available: 2 node(s) are in another rack.')
  })

  test('scores nodes, by its weight, and sees what runs on them', async () => {
    const c = start()
    await c.add('module.exports = { score: (pod, node) => node.pods * 10 }', { weight: 50 })
    c.place(makePod('x', { on: 'b' }))
    expect(c.decide(makePod('p'))).toBe('b')
    for (const name of ['y', 'z']) c.place(makePod(name, { on: 'a' }))
    expect(c.decide(makePod('p'))).toBe('a')
  })

  test('replaces the version before, and leaves it in place if it cannot be loaded', async () => {
    const c = start()
    await c.add(sameRack)
    await c.add('this is no program')
    expect(c.decide(inRack('2'))).toBe('b')
    await c.add("exports.default = { filter: (_, node) => (node.name === 'b' ? 'not b' : undefined) }")
    expect(c.decide(inRack('2'))).toBe('a')
    expect(c.said).toEqual(['mine Active', expect.stringContaining('mine Failed: cannot load it: '), 'mine Active'])
    c.extensions.delete('mine')
    expect([c.changes(), c.extensions.for('default-scheduler')]).toEqual([3, []])
  })

  test.each([
    ['throws', "exports.default = { filter() { throw new Error('mine') } }", 'mine'],
    ['does not come back', 'exports.default = { filter() { for (;;) {} } }', 'no answer in 300 ms'],
    [
      'reaches for the machine',
      "exports.default = { filter: () => require('fs').readdirSync('/') }",
      'require is not defined',
    ],
    [
      'has nothing to say',
      'exports.default = {}',
      'cannot load it: its default export has neither filter(pod, node) nor score(pod, node)',
    ],
  ])('that %s costs nobody else anything', async (_, source, message) => {
    const c = start()
    // Long enough for the others to answer on a machine that has other things to do.
    await c.add(source, { timeoutMilliseconds: 300 })
    expect(['a', 'b']).toContain(c.decide(makePod('p')))
    expect(c.said.at(-1)).toBe(`mine Failed: ${message}`)
  })
})
