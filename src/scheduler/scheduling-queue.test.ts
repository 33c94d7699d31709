import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../base/virtual-clock.ts'
import type { ClusterEvent } from './cluster-event.ts'
import { PodClasses } from './pod-class.ts'
import { ResourceTable } from './resource-table.ts'
import { SchedulingQueue } from './scheduling-queue.ts'
import { makeNode, makePod, type PodSketch } from './testing/index.ts'

function create() {
  const clock = new VirtualClock()
  const classes = new PodClasses(new ResourceTable())
  const queue = new SchedulingQueue({
    clock,
    // A plugin is woken by the events that its name lists.
    wakes: (plugin, event) => plugin.split(' ').includes(event.type),
    onReady() {},
  })
  const add = (name: string, sketch: PodSketch = {}) => {
    const info = classes.admit(makePod(name, { labels: { name }, ...sketch }))
    queue.add(info)
    return info
  }
  const take = () => queue.take()?.info.key.name
  return { clock, classes, queue, add, take }
}

const nodeAdded: ClusterEvent = { type: 'node-added', node: makeNode('n') }
const refusedBy = (...plugins: string[]) => new Set(plugins)

describe('the scheduling queue', () => {
  test('gives the most important pod first, and among equals the one that came first', () => {
    const { add, take } = create()
    add('a')
    add('b', { priority: 10 })
    add('c')
    add('d', { priority: 10 })
    expect([take(), take(), take(), take(), take()]).toEqual(['b', 'd', 'a', 'c', undefined])
  })

  test('parks what fits nowhere until an event that the refusing plugin cares for, then backs off 1, 2, 4, 8, 10, 10 s', async () => {
    const { clock, queue, add, take } = create()
    add('a')
    const delays: number[] = []
    for (let i = 0; i < 6; i++) {
      queue.park(queue.take()!, refusedBy('node-added'))
      queue.wake({ type: 'namespace-changed' })
      expect(queue.counts().parked).toBe(1)
      queue.wake(nodeAdded)
      const beganMs = clock.monotonicMs()
      while (!queue.counts().active) await clock.advance(500)
      delays.push(clock.monotonicMs() - beganMs)
    }
    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000])
    expect(take()).toBe('a')
    queue.close()
  })

  test('does not back off when it has waited longer than that already', async () => {
    const { clock, queue, add, take } = create()
    add('a')
    queue.park(queue.take()!, refusedBy('node-added'))
    await clock.advance(20_000)
    queue.wake(nodeAdded)
    expect(take()).toBe('a')
    queue.close()
  })

  test('an event while the pod was being tried is not lost', () => {
    const { queue, add } = create()
    add('a')
    add('b')
    const a = queue.take()!
    queue.wake(nodeAdded)
    const b = queue.take()!
    queue.park(a, refusedBy('node-added'))
    queue.park(b, refusedBy('node-added'))
    expect(queue.counts()).toMatchObject({ backoff: 1, parked: 1 })
    queue.close()
  })

  test('tries everybody again after five minutes, whatever the hints', async () => {
    const { clock, queue, add } = create()
    add('a')
    queue.park(queue.take()!, refusedBy('never'))
    await clock.advance(299_000)
    expect(queue.counts().parked).toBe(1)
    await clock.advance(61_000)
    expect(queue.counts().active).toBe(1)
    queue.close()
  })

  test('holds gated pods until their gates are gone', () => {
    const { classes, queue, add, take } = create()
    const info = add('a', { schedulingGates: [{ name: 'g' }] })
    expect([take(), queue.counts().gated]).toEqual([undefined, 1])
    const { schedulingGates: _, ...spec } = info.pod.spec
    queue.update(classes.admit({ ...info.pod, spec }))
    expect(take()).toBe('a')
    queue.close()
  })

  test('a changed pod is tried again; one whose status alone changed is not', () => {
    const { clock, classes, queue, add } = create()
    const info = add('a')
    queue.park(queue.take()!, refusedBy('node-added'))
    queue.update(classes.admit({ ...info.pod, status: { phase: 'Pending' } }))
    expect(queue.counts().parked).toBe(1)
    queue.update(classes.admit({ ...info.pod, spec: { ...info.pod.spec, tolerations: [{ operator: 'Exists' }] } }))
    expect(queue.counts()).toMatchObject({ parked: 0, backoff: 1 })
    void clock
    queue.close()
  })

  test('what was removed does not come out, wherever it was', async () => {
    const { clock, queue, add, take } = create()
    const active = add('a')
    queue.remove(active.uid)
    const parked = add('b')
    queue.park(queue.take()!, refusedBy('node-added'))
    queue.remove(parked.uid)
    const late = add('c')
    queue.retry(queue.take()!)
    queue.remove(late.uid)
    queue.wake(nodeAdded)
    await clock.advance(20_000)
    expect(take()).toBeUndefined()
    expect(queue.counts()).toEqual({ active: 0, backoff: 0, parked: 0, gated: 0, flying: 0 })
    queue.close()
  })
})
