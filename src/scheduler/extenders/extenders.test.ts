import { afterEach, expect, test } from 'vitest'
import { createEventRecorder, type Transport } from '../../client/index.ts'
import { createBench } from '../../client/testing/index.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import { createScheduler } from '../scheduler.ts'
import { makeNode, makePod, type PodSketch } from '../testing/index.ts'
import { Extender } from './extender.ts'
import { readExtender } from './extender-rules.ts'

const open: AsyncDisposable[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]()
})

type Answer = (verb: string, body: any) => object | undefined | Promise<object>

/** A scheduler of three nodes and an extender that answers so; undefined: it is broken. */
async function start(given: object, answer: Answer) {
  const bench = createBench()
  const { api, clock } = bench
  const asked: string[] = []
  const transport: Transport = {
    async send({ url, body }) {
      const verb = url.split('/').at(-1)!
      asked.push(verb)
      const reply = await answer(verb, JSON.parse(String(body)))
      return { status: reply ? 200 : 500, headers: {}, body: Buffer.from(JSON.stringify(reply ?? 'broken')) }
    },
    async [Symbol.asyncDispose]() {},
  }
  const rules = readExtender({ urlPrefix: 'http://x/ext', filterVerb: 'filter', nodeCacheCapable: true, ...given }, 0)
  for (const name of ['n1', 'n2', 'n3']) api.put(`/api/v1/nodes/${name}`, makeNode(name, { allocatable: { cpu: '4' } }))
  const events = createEventRecorder({ ...bench, component: 'default-scheduler' })
  const scheduler = createScheduler({ ...bench, events, extenders: [new Extender(rules, transport)] })
  open.push(scheduler, bench.informers)
  const started = scheduler.start()
  await clock.advance(10)
  await started
  const path = (name: string) => `/api/v1/namespaces/default/pods/${name}`
  return {
    ...bench,
    asked,
    async pod(name: string, sketch: PodSketch = {}) {
      api.put(path(name), makePod(name, sketch))
      await clock.advance(100)
      return api.objects.get(path(name))?.['spec'].nodeName
    },
    remove: (name: string) => api.remove(path(name)),
    nodeOf: (name: string) => api.objects.get(path(name))?.['spec'].nodeName,
    explain: (name: string) => scheduler.explain(api.objects.get(path(name)) as unknown as Pod),
    message: (name: string) => api.objects.get(path(name))!['status'].conditions?.[0].message,
  }
}
const only = (...names: string[]) => ({ nodenames: names, failedNodes: {} })

test('an extender narrows the nodes, and what it refuses is told in its words', async () => {
  const c = await start({}, (_, { pod, nodenames }) =>
    pod.metadata.name === 'none'
      ? { nodenames: [], failedNodes: Object.fromEntries(nodenames.map((n: string) => [n, 'no licence'])) }
      : only('n2'),
  )
  expect(await c.pod('p')).toBe('n2')
  expect(await c.pod('none')).toBeUndefined()
  expect(c.message('none')).toMatch(/^0\/3 nodes are available: 3 no licence\./)
  expect(c.explain('none')).toMatchObject({
    state: 'Pending',
    fitting: 3,
    summary: 'fits on 3 of 3 nodes now; extenders refused when they were last asked: 3 no licence',
    refusals: [{ plugin: 'Extender', reason: 'no licence', nodes: 3, examples: ['n1', 'n2', 'n3'] }],
  })
})

test('its scores count ten times their weight beside the scheduler’s own', async () => {
  const c = await start({ prioritizeVerb: 'prioritize', weight: 5 }, (verb, { nodenames }) =>
    verb === 'filter' ? only(...nodenames) : [{ host: 'n3', score: 10 }],
  )
  await c.pod('there', { requests: { cpu: '3' }, on: 'n3' })
  expect(await c.pod('p', { requests: { cpu: '1' } })).toBe('n3')
})

test('pods that do not concern it go on without it, also while it thinks', async () => {
  let reply = (_: object) => {}
  const slow = new Promise<object>(resolve => (reply = resolve))
  const c = await start({ managedResources: [{ name: 'example.com/foo' }] }, () => slow)
  c.api.put('/api/v1/nodes/n1', makeNode('n1', { allocatable: { cpu: '4', 'example.com/foo': '1' } }))
  expect(await c.pod('concerned', { requests: { 'example.com/foo': '1' } })).toBeUndefined()
  expect(await c.pod('other')).toBeDefined()
  expect(c.asked).toEqual(['filter'])
  reply(only('n1'))
  await c.clock.advance(100)
  expect(c.nodeOf('concerned')).toBe('n1')
})

test('one that fails holds pods back until it answers, unless it may be ignored', async () => {
  let works = false
  const c = await start({}, (_, { nodenames }) => (works ? only(...nodenames) : undefined))
  expect(await c.pod('p')).toBeUndefined()
  works = true
  await c.clock.advance(5_000)
  expect(c.nodeOf('p')).toBeDefined()
  const ignoring = await start({ ignorable: true }, () => undefined)
  expect(await ignoring.pod('p')).toBeDefined()
})

test('it may bind, and may forbid an eviction', async () => {
  const bound: object[] = []
  const c = await start({ bindVerb: 'bind', preemptVerb: 'preempt', filterVerb: '' }, (verb, body) => {
    if (verb === 'bind') bound.push(body)
    return verb === 'preempt' ? { nodeNameToMetaVictims: {} } : {}
  })
  await c.pod('p', { requests: { cpu: '1' } })
  expect(bound).toEqual([
    { podName: 'p', podNamespace: 'default', podUID: expect.any(String), node: expect.stringMatching(/^n\d$/) },
  ])
  for (const n of ['n1', 'n2', 'n3']) await c.pod(`low-${n}`, { requests: { cpu: '4' }, on: n })
  await c.pod('vital', { requests: { cpu: '4' }, priority: 10 })
  expect(c.asked).toContain('preempt')
  expect(['n1', 'n2', 'n3'].map(n => c.nodeOf(`low-${n}`))).toEqual(['n1', 'n2', 'n3'])
})

test('a pod that is deleted while an extender thinks is forgotten', async () => {
  let reply = (_: object) => {}
  const slow = new Promise<object>(resolve => (reply = resolve))
  const c = await start({}, () => slow)
  await c.pod('p')
  c.remove('p')
  await c.clock.advance(100)
  reply(only('n1'))
  await c.clock.advance(5_000)
  expect(c.asked).toEqual(['filter'])
  expect(c.nodeOf('p')).toBeUndefined()
})
