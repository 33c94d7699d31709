import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { silentLogger } from '../base/logger.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { createClient, inProcessTransport } from '../client/index.ts'
import { Pod } from '../models/kinds/index.ts'
import { ControlPlane } from './control-plane.ts'
import { schedulerUser } from './identities.ts'
import { systemOutside } from './outside.ts'
import { schedulerMetrics } from './scheduler-metrics.ts'
import { startScheduler } from './scheduling.ts'

test('what comes of the tries to place pods is counted, and how many wait', async () => {
  const clock = new VirtualClock()
  await using cluster = await ControlPlane.start({ controllers: false, scheduler: false, nodes: 1, clock })
  const registry = new Registry()
  const metrics = schedulerMetrics(registry)
  const client = createClient(inProcessTransport(cluster.api.handler, schedulerUser), clock)
  await using _scheduler = await startScheduler({
    ...{ client, outside: { ...systemOutside(silentLogger), clock }, metrics },
    announce(scheduler) {
      metrics.follow(scheduler)
      return () => {}
    },
  })
  const pod = (name: string, cpu: string) =>
    cluster.client.create(Pod, {
      metadata: { namespace: 'default', name },
      spec: {
        containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }],
        // Nobody is here to take away the taint of a new node.
        tolerations: [{ operator: 'Exists' }],
      },
    })
  await pod('small', '1')
  await pod('large', '1000')
  await clock.advance(100)
  const text = await registry.metrics()
  const value = (line: string) =>
    text
      .split('\n')
      .find(one => one.startsWith(`scheduler_${line} `))
      ?.split(' ')[1]
  expect(value('schedule_attempts_total{result="scheduled",profile="default-scheduler"}')).toBe('1')
  expect(value('schedule_attempts_total{result="unschedulable",profile="default-scheduler"}')).toBe('1')
  expect(value('scheduling_attempt_duration_seconds_count{result="scheduled",profile="default-scheduler"}')).toBe('1')
  expect(value('scheduling_algorithm_duration_seconds_count')).toBe('2')
  expect(value('pod_scheduling_sli_duration_seconds_count{attempts="1"}')).toBe('1')
  expect(value('pod_scheduling_attempts_bucket{le="1"}')).toBe('1')
  expect(value('pending_pods{queue="unschedulable"}')).toBe('1')
  expect(value('pending_pods{queue="active"}')).toBe('0')
  expect(value('preemption_attempts_total')).toBe('0')
})
