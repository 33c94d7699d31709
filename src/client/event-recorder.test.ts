import { describe, expect, test, vi } from 'vitest'
import { collectGarbage } from '../base/garbage.ts'
import { settle } from '../base/virtual-clock.ts'
import { createEventRecorder } from './event-recorder.ts'
import { createBench } from './testing/index.ts'

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'a', name: 'p', uid: 'u', resourceVersion: '7' },
}

function create() {
  const b = createBench()
  const events = createEventRecorder({ ...b, component: 'default-scheduler' })
  const written = () =>
    [...b.api.objects.values()].map(e => `${e['type']} ${e['reason']} x${e['count']}: ${e['message']}`)
  return { ...b, events, written }
}

describe('the event recorder', () => {
  test('writes an event as kubectl expects to read it', async () => {
    const { api, events } = create()
    events.warning(pod, 'FailedScheduling', '0/1 nodes are available', 'Scheduling')
    await events.flush()
    const [event] = [...api.objects.values()]
    expect(event).toMatchObject({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace: 'a', name: expect.stringMatching(/^p\.[0-9a-f]{16}$/) },
      involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: 'a', name: 'p', uid: 'u', resourceVersion: '7' },
      type: 'Warning',
      reason: 'FailedScheduling',
      action: 'Scheduling',
      message: '0/1 nodes are available',
      count: 1,
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:00Z',
      source: { component: 'default-scheduler' },
    })
  })

  test('writes no more of them than it may, and what happened meanwhile as one', async () => {
    const b = createBench()
    const events = createEventRecorder({ ...b, component: 'kubelet', rate: { perSecond: 1, burst: 2 } })
    for (const reason of ['A', 'B', 'C', 'D', 'D']) events.warning(pod, reason, 'said')
    const written = () => [...b.api.objects.values()].map(e => `${e['reason']} x${e['count']}`)
    const after: string[][] = []
    for (const ms of [0, 1_000, 1_000]) {
      await b.clock.advance(ms)
      await settle(20)
      after.push(written())
    }
    expect(after).toEqual([
      ['A x1', 'B x1'],
      ['A x1', 'B x1', 'C x1'],
      ['A x1', 'B x1', 'C x1', 'D x2'],
    ])
  })

  test('writes one at a time while something else matters more, and the rest after', async () => {
    const b = createBench()
    let busy = true
    let most = 0
    let now = 0
    b.api.intercept = async () => {
      most = Math.max(most, ++now)
      await settle()
      now--
      return undefined
    }
    const events = createEventRecorder({ ...b, component: 'c', busy: () => busy })
    const record = (reason: string) => {
      for (let i = 0; i < 20; i++) events.normal({ ...pod, metadata: { ...pod.metadata, uid: `${i}` } }, reason, 'm')
    }
    record('One')
    await events.flush()
    expect([most, b.api.objects.size]).toEqual([1, 20])
    record('Two')
    busy = false
    await b.clock.advance(100)
    await events.flush()
    expect([most > 1, b.api.objects.size]).toEqual([true, 40])
  })

  test('what is normal waits while something else matters more, for so long at most; a warning does not', async () => {
    const b = createBench()
    let busy = true
    const events = createEventRecorder({ ...b, component: 'c', busy: () => busy, holdMs: 1_000 })
    const normal = (uid: string) => events.normal({ ...pod, metadata: { ...pod.metadata, uid } }, 'Started', 'm')
    const writtenAfter = async (ms: number) => {
      await b.clock.advance(ms)
      return b.api.objects.size
    }
    normal('1')
    expect([await writtenAfter(900), await writtenAfter(200)]).toEqual([0, 1])
    normal('2')
    events.warning(pod, 'Failed', 'm')
    expect(await writtenAfter(0)).toBe(3)
    normal('3')
    expect(await writtenAfter(300)).toBe(3)
    busy = false
    // One moment without work may lie between two things that are done.
    expect([await writtenAfter(100), await writtenAfter(100)]).toEqual([3, 4])
    normal('4')
    expect(b.api.objects.size).toBe(4)
    await events.flush()
    expect(b.api.objects.size).toBe(5)
  })

  test('remembers of an object only what an event says of it', async () => {
    const { events } = create()
    const left = (() => {
      const large = { ...pod, metadata: { ...pod.metadata }, spec: new Array(1000) }
      events.normal(large, 'Pulled', 'x')
      return new WeakRef(large)
    })()
    await events.flush()
    await vi.waitFor(async () => {
      await collectGarbage()
      expect(left.deref() === undefined).toBe(true)
    })
  })

  test('counts equal events, however long ago the last one was', async () => {
    const { clock, events, written, api } = create()
    for (const pauseMs of [60_000, 60_000, 900_000, 0]) {
      events.normal(pod, 'Pulled', 'image pulled')
      await events.flush()
      await clock.advance(pauseMs)
    }
    expect(written()).toEqual(['Normal Pulled x4: image pulled'])
    expect([...api.objects.values()][0]).toMatchObject({
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:17:00Z',
    })
  })

  test('combines what differs only in its message from the tenth on, until it has been quiet for ten minutes', async () => {
    const { clock, events, written } = create()
    for (let i = 0; i < 15; i++) events.warning(pod, 'Failed', `attempt ${i}`)
    await events.flush()
    expect(written()).toHaveLength(10)
    expect(written().at(-1)).toBe('Warning Failed x6: (combined from similar events): attempt 14')
    await clock.advance(600_001)
    events.warning(pod, 'Failed', 'attempt 15')
    await events.flush()
    expect(written().at(-1)).toBe('Warning Failed x1: attempt 15')
  })

  test('writes twenty-five times of one object at once, and once every five minutes then, but counts all', async () => {
    const { clock, events, written, api } = create()
    for (let i = 0; i < 40; i++) events.normal(pod, 'BackOff', 'Back-off restarting')
    for (let i = 0; i < 3; i++) events.normal(pod, `Other${i}`, 'not heard')
    events.normal({ ...pod, metadata: { ...pod.metadata, uid: 'v' } }, 'BackOff', 'of another')
    await events.flush()
    expect(written()).toEqual(['Normal BackOff x40: Back-off restarting', 'Normal BackOff x1: of another'])
    await clock.advance(300_000)
    for (let i = 0; i < 2; i++) {
      events.normal(pod, 'BackOff', 'Back-off restarting')
      await events.flush()
    }
    expect(written()[0]).toBe('Normal BackOff x41: Back-off restarting')
    expect(api.requests.filter(r => r.startsWith('POST'))).toHaveLength(2)
  })

  test('makes a new event when the server has dropped the one it counted', async () => {
    const { api, events, written } = create()
    events.normal(pod, 'Pulled', 'x')
    await events.flush()
    for (const path of [...api.objects.keys()]) api.remove(path)
    events.normal(pod, 'Pulled', 'x')
    await events.flush()
    expect(written()).toEqual(['Normal Pulled x2: x'])
  })

  test('about something without a namespace goes to default', async () => {
    const { api, events } = create()
    events.normal(
      { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n', uid: 'n', resourceVersion: '1' } },
      'Ready',
      'x',
    )
    await events.flush()
    expect([...api.objects.keys()][0]).toMatch(/^\/api\/v1\/namespaces\/default\/events\/n\./)
  })

  test('never throws: it tries for a while, then logs', async () => {
    const { api, clock, events, written } = create()
    api.intercept = () => {
      throw new Error('down')
    }
    events.normal(pod, 'Pulled', 'lost')
    await clock.advance(60_000)
    expect(api.requests).toHaveLength(5)
    api.intercept = undefined
    events.normal(pod, 'Started', 'kept')
    await settle()
    await events.flush()
    expect(written()).toEqual(['Normal Started x1: kept'])
  })
})
