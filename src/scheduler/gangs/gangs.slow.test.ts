import { afterEach, describe, expect, test } from 'vitest'
import { createEventRecorder } from '../../client/index.ts'
import { createBench } from '../../client/testing/index.ts'
import { createScheduler } from '../scheduler.ts'
import { checkGangs } from '../testing/check-gangs.ts'
import { makeNode, makePod, type PodSketch } from '../testing/index.ts'

const open: AsyncDisposable[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]()
})

async function start(cpu: string) {
  const bench = createBench()
  const { api, clock } = bench
  api.put('/api/v1/nodes/n', makeNode('n', { allocatable: { cpu } }))
  const events = createEventRecorder({ ...bench, component: 'default-scheduler' })
  const scheduler = createScheduler({ ...bench, events })
  open.push(scheduler, bench.informers)
  const started = scheduler.start()
  await clock.advance(10)
  await started
  const path = (name: string) => `/api/v1/namespaces/default/pods/${name}`
  return {
    ...bench,
    scheduler,
    group: (name: string, spec: object) =>
      api.put(`/apis/scheduling.x-k8s.io/v1alpha1/namespaces/default/podgroups/${name}`, { kind: 'PodGroup', spec }),
    member: (name: string, group: string, more: PodSketch = {}) =>
      api.put(
        path(name),
        makePod(name, { labels: { 'scheduling.x-k8s.io/pod-group': group }, requests: { cpu: '1' }, ...more }),
      ),
    remove: (name: string) => api.remove(path(name)),
    placed: (...names: string[]) => names.filter(n => api.objects.get(path(n))?.['spec'].nodeName),
    message: (name: string) => api.objects.get(path(name))!['status'].conditions?.[0].message,
  }
}

describe('a gang', () => {
  test('waits until enough members are there, and says so', async () => {
    const c = await start('4')
    c.group('g', { minMember: 2 })
    c.member('a', 'g')
    await c.clock.advance(5_000)
    expect([c.placed('a'), c.message('a')]).toEqual([
      [],
      '0/1 nodes are available: pod group default/g has 1 of the 2 pods that it needs.',
    ])
    c.member('b', 'g')
    await c.clock.advance(100)
    expect(c.placed('a', 'b')).toEqual(['a', 'b'])
  })

  test('takes no place while not enough of it fit, so that others can', async () => {
    const c = await start('2')
    c.group('g', { minMember: 3 })
    for (const name of ['a', 'b', 'c']) c.member(name, 'g')
    await c.clock.advance(100)
    expect(c.placed('a', 'b', 'c')).toEqual([])
    expect(c.message('a')).toBe(
      '0/1 nodes are available: 1 Insufficient cpu. pod group default/g: 2 of the 3 pods that it needs fit.',
    )
    c.api.put('/api/v1/namespaces/default/pods/d', makePod('d', { requests: { cpu: '2' } }))
    await c.clock.advance(100)
    expect(c.placed('d')).toEqual(['d'])
  })

  test('goes in as soon as there is room for all, and later members by themselves', async () => {
    const c = await start('3')
    c.member('x', '', { labels: {} })
    await c.clock.advance(100)
    c.group('g', { minMember: 3 })
    for (const name of ['a', 'b', 'c', 'd']) c.member(name, 'g')
    await c.clock.advance(100)
    expect(c.placed('x', 'a', 'b', 'c', 'd')).toEqual(['x'])
    c.remove('x')
    await c.clock.advance(12_000)
    expect(c.placed('a', 'b', 'c', 'd')).toHaveLength(3)
    c.remove(c.placed('a', 'b', 'c', 'd')[0]!)
    await c.clock.advance(12_000)
    expect(c.placed('a', 'b', 'c', 'd')).toHaveLength(3)
  })

  test('whose PodGroup is not there waits for it', async () => {
    const c = await start('4')
    c.member('a', 'g')
    await c.clock.advance(1_000)
    expect(c.message('a')).toBe('0/1 nodes are available: pod group default/g not found.')
    c.group('g', { minMember: 1 })
    await c.clock.advance(2_000)
    expect(c.placed('a')).toEqual(['a'])
  })

  test('keeps its places while a binding is tried again, and lets go of them when it takes too long', async () => {
    const c = await start('4')
    c.group('g', { minMember: 2, scheduleTimeoutSeconds: 10 })
    c.api.intercept = request => {
      if (request.url.endsWith('/b/binding')) throw new Error('connection reset')
      return undefined
    }
    c.member('a', 'g')
    c.member('b', 'g')
    await c.clock.advance(5_000)
    expect(c.placed('a', 'b')).toEqual(['a'])
    await c.clock.advance(7_000)
    expect(c.api.objects.has('/api/v1/namespaces/default/pods/a')).toBe(false)
  })

  test('has less important pods end if then it fits as a whole, and nobody otherwise', async () => {
    const c = await start('3')
    const low = (name: string) =>
      c.api.put(`/api/v1/namespaces/default/pods/${name}`, makePod(name, { on: 'n', requests: { cpu: '1' } }))
    for (const name of ['x', 'y', 'z']) low(name)
    const there = () => ['x', 'y', 'z'].filter(n => c.api.objects.has(`/api/v1/namespaces/default/pods/${n}`))
    c.group('big', { minMember: 4 })
    for (const name of ['a', 'b', 'c', 'd']) c.member(name, 'big', { priority: 5 })
    await c.clock.advance(15_000)
    expect(there()).toEqual(['x', 'y', 'z'])
    c.group('fits', { minMember: 2 })
    for (const name of ['e', 'f']) c.member(name, 'fits', { priority: 5 })
    await c.clock.advance(15_000)
    expect([there().length, c.placed('e', 'f')]).toEqual([1, ['e', 'f']])
  })

  test('is never placed in part, and never waits for another that waits for it: 60 interleavings', async () => {
    for (let seed = 1; seed <= 60; seed++) expect(await checkGangs(seed)).toBeUndefined()
  }, 60_000)
})
