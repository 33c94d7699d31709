import { expect, it } from 'vitest'
import { createAuthority, issueCertificate } from '../../base/certificates.ts'
import type { Disk } from '../../base/disk.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { nodeMetrics } from './node-metrics.ts'
import type { ServedNode } from './served-node.ts'
import { VolumeUses } from './volume-uses.ts'

const request = { commonName: 'n1', usages: ['client' as const] }
const yearS = 365 * 86_400
const kernel = {
  readText: async (path: string) =>
    path.endsWith('statm')
      ? '10 5 1 0 0 1 0'
      : 'Max open files            1024                 4096                 files',
  list: async () => ['0', '1'],
} as unknown as Disk

it('tells how many pods run and how full their claims are, asking drivers once a minute', async () => {
  const clock = new VirtualClock()
  const own = await issueCertificate(await createAuthority('test', clock), request, clock)
  let asked = 0
  const spec = {
    containers: [{ name: 'app', volumeMounts: [{ name: 'data' }, { name: 'settings' }] }],
    volumes: [
      { name: 'data', persistentVolumeClaim: { claimName: 'disk' } },
      { name: 'settings', configMap: { name: 'settings' } },
    ],
    ephemeralContainers: [{ name: 'debug' }],
  }
  const pods = ['a', 'b'].map(uid => ({ metadata: { uid, name: uid, namespace: 'shop' }, spec }))
  const node = {
    nodeName: 'n1',
    clock,
    seenAtMs: () => 5_000,
    version: 'v1.32.3-optiflow.9',
    groups: () => ({ version: 2 }),
    cpuCounts: () => ({ exclusive: 2, free: 1 }),
    certificates: () => ({ server: own.cert, client: own.cert }),
    disk: kernel,
    pods: () => pods,
    workedPods: () => [{ lifecycle: 'sync', config: 'desired', static: true, active: true }],
    mirrorPods: () => 1,
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
    (await nodeMetrics(node, volumes))
      .split('\n')
      .filter(line => line && !/^#|process_(cpu|res|start)|_pods\{.* 0$/.test(line))
  const of = 'namespace="shop",persistentvolumeclaim="disk"'
  const expected = (used: number, left: number) => [
    'kubelet_node_name{node="n1"} 1',
    'kubelet_running_containers{container_state="running"} 1',
    'kubelet_running_containers{container_state="exited"} 1',
    'kubelet_running_pods 1',
    'kubernetes_build_info{git_version="v1.32.3-optiflow.9",major="1",minor="32",platform="linux"} 1',
    'kubelet_cgroup_version 2',
    'kubelet_managed_ephemeral_containers 2',
    'kubelet_active_pods{static="true"} 1',
    'kubelet_desired_pods{static="true"} 1',
    'kubelet_mirror_pods 1',
    'kubelet_working_pods{config="desired",lifecycle="sync",static="true"} 1',
    'kubelet_pleg_last_seen_seconds 5',
    'volume_manager_total_volumes{plugin_name="kubernetes.io/persistent-claim",state="desired_state_of_world"} 2',
    'volume_manager_total_volumes{plugin_name="kubernetes.io/persistent-claim",state="actual_state_of_world"} 1',
    'volume_manager_total_volumes{plugin_name="kubernetes.io/configmap",state="desired_state_of_world"} 2',
    'volume_manager_total_volumes{plugin_name="kubernetes.io/configmap",state="actual_state_of_world"} 1',
    'kubelet_cpu_manager_exclusive_cpu_allocation_count 2',
    'kubelet_cpu_manager_shared_pool_size_millicores 1000',
    `kubelet_volume_stats_capacity_bytes{${of}} 100`,
    `kubelet_volume_stats_used_bytes{${of}} ${used}`,
    `kubelet_certificate_manager_client_ttl_seconds ${left}`,
    `kubelet_certificate_manager_server_ttl_seconds ${left}`,
    'process_virtual_memory_bytes 40960',
    'process_open_fds 2',
    'process_max_fds 1024',
  ]
  expect(await values()).toEqual(expected(1, yearS))
  expect(await values()).toEqual(expected(1, yearS))
  await clock.advance(60_000)
  expect(await values()).toEqual(expected(3, yearS - 60))
})
