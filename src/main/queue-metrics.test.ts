import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { VirtualClock } from '../base/virtual-clock.ts'
import { WorkQueue } from '../client/work-queue.ts'
import { queueMetrics } from './queue-metrics.ts'

it('queues are told under the names of Kubernetes, and what hangs in work is seen while it hangs', async () => {
  const registry = new Registry()
  const metrics = queueMetrics(registry)
  const clock = new VirtualClock()
  const queue = new WorkQueue({ clock, metrics: { depth: n => metrics.depth!('replica-set', n) } })
  metrics.opened!('replica-set', () => queue.inWorkMs)
  const value = async (name: string) => (await registry.getSingleMetric(name)!.get()).values
  const of = (n: number) => [{ labels: { name: 'replicaset' }, value: n }]
  for (const key of ['a', 'b', 'c']) queue.add(key)
  await queue.take()
  await clock.advance(3_000)
  await queue.take()
  await clock.advance(1_000)
  expect(await value('workqueue_depth')).toEqual(of(1))
  expect(await value('workqueue_unfinished_work_seconds')).toEqual(of(5))
  expect(await value('workqueue_longest_running_processor_seconds')).toEqual(of(4))
  queue.done('a')
  expect(await value('workqueue_longest_running_processor_seconds')).toEqual(of(1))
  metrics.reconciled!('replica-set', 'failed', 10)
  expect(await value('workqueue_retries_total')).toEqual(of(1))
})
