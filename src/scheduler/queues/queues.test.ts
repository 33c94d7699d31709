import { afterEach, expect, test } from 'vitest'
import { createEventRecorder } from '../../client/index.ts'
import { createBench } from '../../client/testing/index.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import { createScheduler } from '../scheduler.ts'
import { makeNode, makePod, type PodSketch } from '../testing/index.ts'

const open: AsyncDisposable[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]()
})

async function start(cpu = '10') {
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
  const queuePath = (name: string) => `/apis/optiflow.dev/v1/queues/${name}`
  const groupPath = (name: string) => `/apis/scheduling.x-k8s.io/v1alpha1/namespaces/default/podgroups/${name}`
  const condition = (name: string) => {
    const found = api.objects.get(path(name))!['status'].conditions?.find((c: any) => c.type === 'PodScheduled')
    return found && `${found.reason}: ${found.message}`
  }
  return {
    ...bench,
    queue: (name: string, cpu: string, more: object = {}) =>
      api.put(queuePath(name), { kind: 'Queue', spec: { quota: { cpu }, ...more } }),
    pod: (name: string, queue: string, cpu: string, more: PodSketch & { lasts?: string } = {}) => {
      const { lasts, labels, ...rest } = more
      const sketch: PodSketch = {
        ...rest,
        labels: { 'optiflow.dev/queue': queue, ...labels },
        requests: { cpu },
        ...(lasts ? { annotations: { 'optiflow.dev/expected-duration': lasts } } : {}),
      }
      api.put(path(name), makePod(name, sketch))
    },
    group: (name: string, minMember: number) => api.put(groupPath(name), { kind: 'PodGroup', spec: { minMember } }),
    remove: (name: string) => api.remove(path(name)),
    explain: (name: string) => scheduler.explain(api.objects.get(path(name)) as unknown as Pod),
    simulate: (pods: Pod[]) =>
      scheduler.simulate({ pods }).placements.map(({ pod, node, message }) => `${pod.slice(8)}: ${node ?? message}`),
    placed: () =>
      [...api.objects]
        .filter(([key, o]) => key.includes('/pods/') && o['spec'].nodeName)
        .map(([key]) => key.split('/').at(-1)),
    condition,
    queueStatus: (name: string) => api.objects.get(queuePath(name))!['status'],
    groupQueue: (name: string) => api.objects.get(groupPath(name))!['status']?.queue,
  }
}

test('pods wait for their queue’s quota, say where they stand and when they are expected to start, and start as others end', async () => {
  const c = await start()
  c.queue('team', '4')
  c.pod('a', 'team', '3', { lasts: '10m' })
  await c.clock.advance(100)
  c.pod('b', 'team', '3', { lasts: '10m' })
  c.pod('c', 'team', '2')
  c.pod('free', 'none', '1')
  c.api.put('/api/v1/namespaces/default/pods/unqueued', makePod('unqueued', { requests: { cpu: '1' } }))
  await c.clock.advance(6_000)
  expect(c.placed()).toEqual(['a', 'unqueued'])
  expect(c.condition('b')).toBe(
    'SchedulingGated: queue team, position 1, expected to start at 2026-01-01T00:11:00Z: the quota of the queue is short of 2 cpu',
  )
  expect(c.condition('c')).toMatch(
    /^SchedulingGated: queue team, position 2, expected to start at 2026-01-01T00:21:00Z/,
  )
  expect(c.condition('free')).toBe(
    'SchedulingGated: queue none, position 1: there is no Queue none: create it, or name another in the label optiflow.dev/queue',
  )
  expect(c.queueStatus('team')).toEqual({
    pending: 2,
    running: 1,
    used: { cpu: '3', pods: '1' },
    borrowed: {},
    sharePerMille: 750,
  })
  c.remove('a')
  await c.clock.advance(1_000)
  expect(c.placed().sort()).toEqual(['b', 'unqueued'])
  c.queue('none', '1')
  await c.clock.advance(1_000)
  expect(c.placed().sort()).toEqual(['b', 'free', 'unqueued'])
})

test('a gang is let go as a whole, and its PodGroup tells where it stands', async () => {
  const c = await start()
  c.queue('team', '4')
  c.pod('runs', 'team', '2', { lasts: '5m' })
  await c.clock.advance(100)
  c.group('g', 3)
  const labels = { 'scheduling.x-k8s.io/pod-group': 'g' }
  c.pod('m1', 'team', '1', { labels })
  c.pod('m2', 'team', '1', { labels })
  await c.clock.advance(6_000)
  expect(c.placed()).toEqual(['runs'])
  expect(c.groupQueue('g')).toEqual({ name: 'team', message: expect.stringContaining('lacks 1 of its pods') })
  c.pod('m3', 'team', '1', { labels })
  await c.clock.advance(6_000)
  expect(c.placed()).toEqual(['runs'])
  expect(c.condition('m1')).toBe('SchedulingGated: queue team: waits for its turn with pod group default/g')
  expect(c.groupQueue('g')).toEqual({
    name: 'team',
    position: 1,
    predictedStartTime: '2026-01-01T00:06:00Z',
    message: 'queue team: the quota of the queue is short of 1 cpu',
  })
  c.remove('runs')
  await c.clock.advance(6_000)
  expect(c.placed()).toEqual(['m1', 'm2', 'm3'])
  expect(c.groupQueue('g')).toBeUndefined()
})

test('a job that no node has room for waits again, lets short ones pass, and starts when a node comes', async () => {
  const c = await start('4')
  c.queue('team', '100')
  c.pod('runs', 'team', '2', { lasts: '10m' })
  await c.clock.advance(100)
  c.pod('big', 'team', '6')
  c.pod('wide', 'team', '4', { lasts: '1h' })
  c.pod('long', 'team', '1', { lasts: '1h' })
  c.pod('short', 'team', '1', { lasts: '5m' })
  await c.clock.advance(3_000)
  // `big` is larger than all there is, so nothing is kept for it; `wide` starts when `runs` ends.
  expect(c.placed()).toEqual(['runs', 'short'])
  c.api.put('/api/v1/nodes/n2', makeNode('n2', { allocatable: { cpu: '6' } }))
  await c.clock.advance(5_000)
  expect(c.placed()).toEqual(['runs', 'big', 'short'])
})

test('a binding that fails does not count twice, and the pod keeps its turn', async () => {
  const c = await start()
  c.queue('team', '2')
  let failures = 1
  c.api.intercept = request => {
    if (request.url.endsWith('/binding') && failures-- > 0) throw new Error('connection reset')
    return undefined
  }
  c.pod('a', 'team', '2')
  await c.clock.advance(100)
  c.pod('b', 'team', '2')
  await c.clock.advance(15_000)
  expect(c.placed()).toEqual(['a'])
  expect(c.queueStatus('team').used.cpu).toBe('2')
})

test('what was borrowed is given back to its owner who reclaims', async () => {
  const c = await start()
  c.queue('owner', '6', { cohort: 'x', reclaim: 'Any' })
  c.queue('guest', '4', { cohort: 'x' })
  c.pod('g1', 'guest', '4')
  await c.clock.advance(100)
  c.pod('g2', 'guest', '4')
  await c.clock.advance(6_000)
  expect(c.placed()).toEqual(['g1', 'g2'])
  expect(c.queueStatus('guest').borrowed).toEqual({ cpu: '4' })
  c.pod('mine', 'owner', '6')
  await c.clock.advance(1_000)
  // This API lets pods go at once.
  await c.clock.advance(2_000)
  expect(c.placed()).toEqual(['g1', 'mine'])
})

test('a pod that its queue keeps back is explained by the queue first: place, expected start and what is short', async () => {
  const c = await start()
  c.queue('team', '4')
  c.pod('runs', 'team', '3', { lasts: '10m' })
  await c.clock.advance(100)
  c.pod('first', 'team', '3', { lasts: '10m' })
  c.pod('second', 'team', '2')
  await c.clock.advance(100)
  const { state, summary, queue, fitting } = c.explain('second')
  expect({ state, fitting, queue: { ...queue, predictedStartTime: 'some minute' } }).toEqual({
    state: 'Queued',
    fitting: 1,
    queue: {
      name: 'team',
      position: 2,
      predictedStartTime: 'some minute',
      waitsFor: 'the quota of the queue is short of 1 cpu',
    },
  })
  expect(summary).toMatch(
    /^waits in queue team, place 2, expected to start at \S+Z: the quota of the queue is short of 1 cpu\. /,
  )
  expect(c.explain('runs')).toMatchObject({ state: 'Placed' })
  expect(c.explain('runs')).not.toHaveProperty('queue')
})

test('a simulation keeps to the quotas of queues, borrowing included, and changes nothing', async () => {
  const c = await start()
  c.queue('team', '4')
  c.queue('lender', '3', { cohort: 'all' })
  c.queue('borrower', '1', { cohort: 'all' })
  c.pod('runs', 'team', '3', { lasts: '10m' })
  await c.clock.advance(100)
  const coming = (name: string, queue: string, cpu: string) =>
    makePod(name, { labels: { 'optiflow.dev/queue': queue }, requests: { cpu } })
  const simulated = () =>
    c.simulate([
      coming('small', 'team', '1'),
      coming('large', 'team', '2'),
      coming('borrows', 'borrower', '3'),
      coming('lent', 'lender', '2'),
      coming('nowhere', 'nobody', '1'),
      makePod('free', { requests: { cpu: '1' } }),
    ])
  const expected = [
    'small: n',
    'large: queue team: the quota of the queue is short of 2 cpu',
    'borrows: queue borrower: its cohort is short of 1 cpu',
    'lent: n',
    'nowhere: queue nobody: there is no Queue nobody: create it, or name another in the label optiflow.dev/queue',
    'free: n',
  ]
  expect([simulated(), simulated()]).toEqual([expected, expected])
  await c.clock.advance(100)
  expect(c.placed()).toEqual(['runs'])
})
