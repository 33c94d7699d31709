import { expect, it } from 'vitest'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { nodeMetrics } from './node-metrics.ts'
import type { ServedNode } from './served-node.ts'
import { VolumeUses } from './volume-uses.ts'

it('tells how many pods run and how full their claims are, asking drivers once a minute', async () => {
  const clock = new VirtualClock()
  let asked = 0
  const pods = ['a', 'b'].map(uid => ({ metadata: { uid, name: uid, namespace: 'shop' }, spec: {} }))
  const node = {
    nodeName: 'n1',
    clock,
    pods: () => pods,
    observed: (uid: string) =>
      uid === 'a'
        ? { sandboxes: [{ state: 'ready' }], containers: [{ state: 'running' }, { state: 'exited' }] }
        : undefined,
    async volumeUses(pod: { metadata: { uid: string } }) {
      asked++
      if (pod.metadata.uid === 'b') throw new Error('the driver is away')
      return [{ name: 'data', claim: 'disk', capacityBytes: 100, usedBytes: asked }]
    },
  } as unknown as ServedNode
  const volumes = new VolumeUses(node)
  const values = async () =>
    (await nodeMetrics(node, volumes)).split('\n').filter(line => line && !line.startsWith('#'))
  const of = 'namespace="shop",persistentvolumeclaim="disk"'
  const expected = (used: number) => [
    'kubelet_node_name{node="n1"} 1',
    'kubelet_running_containers{container_state="running"} 1',
    'kubelet_running_containers{container_state="exited"} 1',
    'kubelet_running_pods 1',
    `kubelet_volume_stats_capacity_bytes{${of}} 100`,
    `kubelet_volume_stats_used_bytes{${of}} ${used}`,
  ]
  expect(await values()).toEqual(expected(1))
  expect(await values()).toEqual(expected(1))
  await clock.advance(60_000)
  expect(await values()).toEqual(expected(3))
})
