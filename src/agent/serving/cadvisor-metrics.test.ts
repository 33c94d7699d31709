import { expect, it } from 'vitest'
import type { Disk } from '../../base/disk.ts'
import { silentLogger } from '../../base/logger.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { PodGroups } from '../cgroup/pod-groups.ts'
import { CgroupKernel } from '../testing/cgroup-kernel.ts'
import { cadvisorMetrics } from './cadvisor-metrics.ts'
import type { ServedNode } from './served-node.ts'

const group = 'kubepods/burstable/podu1'
const files = {
  v1: {
    [`cpu,cpuacct/${group}/c1/cpu.stat`]: 'nr_periods 40\nnr_throttled 3\nthrottled_time 250000000\n',
    [`memory/${group}/c1/memory.stat`]: 'total_cache 3000\ntotal_swap 700\n',
    [`memory/${group}/c1/memory.failcnt`]: '2\n',
    [`memory/${group}/c1/memory.memsw.limit_in_bytes`]: '67108864\n',
    [`memory/${group}/c2/memory.memsw.limit_in_bytes`]: '9223372036854771712\n',
    [`memory/${group}/c1/cgroup.procs`]: '4711\n4712\n',
    [`blkio/${group}/c1/blkio.throttle.io_service_bytes`]: '8:0 Read 4096\n8:0 Write 512\n',
    [`memory/${group}/memory.usage_in_bytes`]: '9000\n',
    'cpu,cpuacct/cpuacct.usage': '60000000000\n',
  },
  v2: {
    [`${group}/c1/cpu.stat`]: 'nr_periods 40\nnr_throttled 3\nthrottled_usec 250000\n',
    [`${group}/c1/memory.stat`]: 'file 3000\n',
    [`${group}/c1/memory.swap.current`]: '700\n',
    [`${group}/c1/memory.swap.max`]: '67108864\n',
    [`${group}/c2/memory.swap.max`]: 'max\n',
    [`${group}/c1/memory.events`]: 'max 2\n',
    [`${group}/c1/cgroup.procs`]: '4711\n4712\n',
    [`${group}/c1/io.stat`]: '8:0 rbytes=4096 wbytes=512 rios=0 wios=0\n',
    [`${group}/memory.current`]: '9000\n',
    'cpu.stat': 'usage_usec 60000000\n',
  },
}

const netDev = `Inter-|   Receive                            |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 9 9 9 9 0 0 0 0 9 9 9 9 0 0 0 0
  eth0: 1000 10 1 2 0 0 0 0 2000 20 3 4 0 0 0 0
`

/** The first process has just ended. */
const proc = {
  async readText(path: string) {
    if (path === '/proc/4712/net/dev') return netDev
    if (path === '/proc/diskstats') return '   8       0 sda 1 2 3\n'
    throw new Error('gone')
  },
} as unknown as Disk

async function nodeOf(layout: keyof typeof files) {
  const kernel = new CgroupKernel(layout)
  const clock = new VirtualClock()
  for (const tree of layout === 'v2' ? [''] : ['/cpu,cpuacct', '/memory', '/blkio'])
    for (const path of [group, `${group}/c1`]) kernel.groups.add(`/sys/fs/cgroup${tree}/${path}`)
  const about = { capacity: { cpu: '4', memory: '8Gi' }, reserved: {}, activePods: () => [] }
  const groups = await PodGroups.open({ settings: {}, disk: kernel.disk, clock, log: silentLogger, ...about })
  Object.assign(kernel.written, files[layout])
  const resources = { requests: { cpu: '250m' }, limits: { cpu: '500m', memory: '64Mi' } }
  const pod = {
    metadata: { uid: 'u1', name: 'web', namespace: 'shop' },
    spec: { containers: [{ name: 'app', resources }, { name: 'free' }] },
  }
  const usage = (id: string, name: string) => ({
    id,
    name,
    cpuNanoseconds: 5e8,
    memoryWorkingSetBytes: 100,
    atMs: 7_000,
  })
  return {
    clock,
    disk: proc,
    pods: () => [pod],
    groups: () => groups,
    machine: () => ({ ...about, info: { bootID: 'b', machineID: 'm', systemUUID: 's' } }),
    observed: () => ({ containers: [{ id: 'c1', image: 'app:1', startedAtMs: 3_000 }] }),
    runtime: {
      stats: async () => [
        { uid: 'u1', containers: [usage('c1', 'app'), usage('c2', 'free')], network: { rxBytes: 1, txBytes: 1 } },
      ],
    },
  } as unknown as ServedNode
}

it.each(['v1', 'v2'] as const)(
  'tells what the kernel counts of containers, pods and all, in layout %s',
  async layout => {
    const lines = (await cadvisorMetrics(await nodeOf(layout))).split('\n')
    const id = `id="/${group}/c1"`
    const app = `container="app",${id},image="app:1",name="c1",namespace="shop",pod="web"`
    const free = `container="free",id="/${group}/c2",image="",name="c2",namespace="shop",pod="web"`
    const pod = `container="",id="/${group}",image="",name="",namespace="shop",pod="web"`
    const all = 'container="",id="/",image="",name="",namespace="",pod=""'
    expect(lines).toEqual(
      expect.arrayContaining([
        `container_cpu_cfs_periods_total{${app}} 40`,
        `container_cpu_cfs_throttled_periods_total{${app}} 3`,
        `container_cpu_cfs_throttled_seconds_total{${app}} 0.25`,
        `container_cpu_usage_seconds_total{${app},cpu="total"} 0.5`,
        `container_cpu_usage_seconds_total{${all},cpu="total"} 60`,
        `container_fs_reads_bytes_total{${app},device="/dev/sda"} 4096`,
        `container_fs_writes_bytes_total{${app},device="/dev/sda"} 512`,
        `container_last_seen{${app}} 7`,
        `container_memory_cache{${app}} 3000`,
        `container_memory_failcnt{${app}} 2`,
        `container_memory_swap{${app}} 700`,
        `container_memory_usage_bytes{${pod}} 9000`,
        `container_memory_working_set_bytes{${app}} 100`,
        `container_network_receive_bytes_total{${pod},interface="eth0"} 1000`,
        `container_network_receive_errors_total{${pod},interface="eth0"} 1`,
        `container_network_transmit_packets_dropped_total{${pod},interface="eth0"} 4`,
        `container_network_transmit_packets_total{${pod},interface="eth0"} 20`,
        `container_spec_cpu_quota{${app}} 50000`,
        `container_spec_cpu_shares{${app}} 256`,
        `container_spec_memory_limit_bytes{${app}} 67108864`,
        `container_spec_memory_swap_limit_bytes{${app}} 67108864`,
        `container_spec_memory_swap_limit_bytes{${free}} 0`,
        `container_start_time_seconds{${app}} 3`,
        'machine_cpu_cores{boot_id="b",machine_id="m",system_uuid="s"} 4',
        'machine_memory_bytes{boot_id="b",machine_id="m",system_uuid="s"} 8589934592',
      ]),
    )
    // A container without a quota has no periods of one; the loopback is nobody's traffic.
    expect(lines.filter(line => /cfs.*"free"|spec_cpu_quota.*"free"|interface="lo"/.test(line))).toEqual([])
  },
)
