import { expect, it } from 'vitest'
import type { Disk } from '../../base/disk.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { AgentMetrics } from '../metrics/agent-metrics.ts'
import { Fixture } from '../testing/fixture.ts'
import type { ServedNode } from './served-node.ts'
import { startupFamilies } from './startup-metrics.ts'

const uptime = (seconds: number) => ({ readText: async () => `${seconds}.00 9.00\n` }) as unknown as Disk

const told = async (metrics: AgentMetrics, disk: Disk | undefined) =>
  (await startupFamilies({ metrics, disk } as ServedNode))
    .filter(line => !line.startsWith('#'))
    .map(line => line.replace('kubelet_node_startup_', ''))

it('tells how long a new node took, from the start of its machine', async () => {
  const clock = new VirtualClock()
  const metrics = new AgentMetrics()
  metrics.startup.starts(clock)
  const passes = async (seconds: number) => clock.advance(seconds * 1000)
  await passes(2)
  metrics.startup.asks()
  await passes(1)
  metrics.startup.asks()
  expect(await told(metrics, uptime(13))).toEqual([])
  metrics.startup.registered()
  expect(await told(metrics, uptime(13))).toEqual([
    'pre_kubelet_duration_seconds 10',
    'pre_registration_duration_seconds 2',
    'registration_duration_seconds 1',
  ])
  await passes(4)
  metrics.startup.ready()
  await passes(60)
  metrics.startup.ready()
  expect(await told(metrics, uptime(77))).toEqual([
    'duration_seconds 17',
    'post_registration_duration_seconds 4',
    'pre_kubelet_duration_seconds 10',
    'pre_registration_duration_seconds 2',
    'registration_duration_seconds 1',
  ])
  expect(await told(metrics, undefined)).toEqual([
    'post_registration_duration_seconds 4',
    'pre_registration_duration_seconds 2',
    'registration_duration_seconds 1',
  ])
})

it('an agent tells it of the node that it registers', async () => {
  const metrics = new AgentMetrics()
  await using fixture = await new Fixture({ metrics }).start()
  await fixture.advance(15_000)
  expect(metrics.startup.parts?.postRegistration).toBeGreaterThanOrEqual(0)
})
