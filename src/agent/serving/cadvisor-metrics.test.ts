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
    [`memory/${group}/c1/memory.stat`]:
      'total_cache 3000\ntotal_swap 700\ntotal_active_file 80\ntotal_inactive_file 90\n',
    [`memory/${group}/c1/memory.failcnt`]: '2\n',
    [`memory/${group}/c1/memory.memsw.limit_in_bytes`]: '67108864\n',
    [`memory/${group}/c2/memory.memsw.limit_in_bytes`]: '9223372036854771712\n',
    [`memory/${group}/c1/memory.kmem.usage_in_bytes`]: '64\n',
    [`memory/${group}/c1/cgroup.procs`]: '4711\n4712\n',
    [`pids/${group}/c1/pids.current`]: '5\n',
    [`pids/${group}/c1/pids.max`]: 'max\n',
    'cpu,cpuacct/kubepods/burstable/cpu.shares': '256\n',
    'cpu,cpuacct/kubepods/burstable/cpu.cfs_quota_us': '-1\n',
    'memory/kubepods/burstable/memory.limit_in_bytes': '1000000\n',
    [`blkio/${group}/c1/blkio.throttle.io_service_bytes`]: '8:0 Read 4096\n8:0 Write 512\n',
    [`memory/${group}/memory.usage_in_bytes`]: '9000\n',
    'cpu,cpuacct/cpuacct.usage': '60000000000\n',
  },
  v2: {
    [`${group}/c1/cpu.stat`]: 'nr_periods 40\nnr_throttled 3\nthrottled_usec 250000\n',
    [`${group}/c1/memory.stat`]: 'file 3000\nkernel 64\nactive_file 80\ninactive_file 90\n',
    [`${group}/c1/memory.swap.current`]: '700\n',
    [`${group}/c1/memory.swap.max`]: '67108864\n',
    [`${group}/c2/memory.swap.max`]: 'max\n',
    [`${group}/c1/memory.events`]: 'max 2\n',
    [`${group}/c1/cgroup.procs`]: '4711\n4712\n',
    [`${group}/c1/pids.current`]: '5\n',
    [`${group}/c1/pids.max`]: 'max\n',
    [`${group}/c1/cpu.pressure`]:
      'some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\nfull avg10=0.00 total=500000\n',
    [`${group}/c1/memory.pressure`]: 'some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 total=0\n',
    'kubepods/burstable/cpu.weight': '10\n',
    'kubepods/burstable/cpu.max': 'max 100000\n',
    'kubepods/burstable/memory.max': '1000000\n',
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

const hostDev = `  eth1: 7 1 0 0 0 0 0 0 8 1 0 0 0 0 0 0
  veth9: 9 9 9 9 0 0 0 0 9 9 9 9 0 0 0 0
`

const machineFiles = {
  '/proc/4712/net/dev': netDev,
  '/proc/self/net/dev': hostDev,
  '/proc/4711/limits':
    'Limit                     Soft Limit           Hard Limit\nMax open files            1024   4096   files\n',
  '/proc/diskstats': '   8       0 sda 1 2 3 4\n   8       1 sda1 10 11 12 1300 14 15 16 1700 2 1900 2000 0\n',
  '/proc/self/mountinfo':
    '1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:1 / /data rw - ext4 /dev/sda1 rw\n3 1 0:5 / /run rw - tmpfs tmpfs rw\n',
  '/proc/cpuinfo':
    'processor: 0\nphysical id\t: 0\ncore id\t\t: 0\n\nprocessor: 1\nphysical id\t: 0\ncore id\t\t: 0\n\nprocessor: 2\nphysical id\t: 1\ncore id\t\t: 0\n',
  '/proc/meminfo': 'MemTotal: 9 kB\nSwapTotal:       20 kB\n',
}

const openFiles: Record<string, string> = { 0: '/dev/null', 1: 'pipe:[1]', 5: 'socket:[77]' }

/** The first process has just ended its network. */
const proc = {
  async readText(path: string) {
    if (path in machineFiles) return machineFiles[path as keyof typeof machineFiles]
    throw new Error('gone')
  },
  async list(path: string) {
    if (path === '/proc/4711/fd') return Object.keys(openFiles).map(name => ({ name }))
    throw new Error('gone')
  },
  readlink: async (path: string) => openFiles[path.slice('/proc/4711/fd/'.length)],
  space: async () => ({ totalBytes: 1_000, freeBytes: 600, totalInodes: 100, freeInodes: 70 }),
} as unknown as Disk

async function nodeOf(layout: keyof typeof files, more: { hostNetwork?: boolean; disk?: Disk | undefined } = {}) {
  const kernel = new CgroupKernel(layout)
  const clock = new VirtualClock()
  for (const tree of layout === 'v2' ? [''] : ['/cpu,cpuacct', '/memory', '/blkio'])
    for (const path of [group, `${group}/c1`, `${group}/s1`]) kernel.groups.add(`/sys/fs/cgroup${tree}/${path}`)
  const about = { capacity: { cpu: '4', memory: '8Gi' }, reserved: {}, activePods: () => [] }
  const groups = await PodGroups.open({ settings: {}, disk: kernel.disk, clock, log: silentLogger, ...about })
  Object.assign(kernel.written, files[layout])
  const resources = { requests: { cpu: '250m' }, limits: { cpu: '500m', memory: '64Mi' } }
  const pod = {
    metadata: { uid: 'u1', name: 'web', namespace: 'shop' },
    spec: { containers: [{ name: 'app', resources }, { name: 'free' }], hostNetwork: more.hostNetwork },
  }
  const usage = (id: string, name: string) => ({
    id,
    name,
    cpuNanoseconds: 5e8,
    memoryWorkingSetBytes: 100,
    filesystemUsedBytes: 30,
    atMs: 7_000,
  })
  return {
    clock,
    disk: 'disk' in more ? more.disk : proc,
    pods: () => [pod],
    groups: () => groups,
    machine: () => ({
      ...about,
      info: { bootID: 'b', machineID: 'm', systemUUID: 's', kernelVersion: '6.1', osImage: 'Debian' },
    }),
    observed: () => ({
      sandboxes: [
        { id: 's0', state: 'stopped' },
        { id: 's1', state: 'ready', createdAtMs: 2_000 },
      ],
      containers: [{ id: 'c1', image: 'app:1', startedAtMs: 3_000 }],
    }),
    runtime: {
      sandboxImage: async () => 'pause:3',
      imageFilesystem: async () => ({ layers: { path: '/data/layers' } }),
      stats: async () => [
        { uid: 'u1', containers: [usage('c1', 'app'), usage('c2', 'free')], network: { rxBytes: 1, txBytes: 1 } },
      ],
    },
  } as unknown as ServedNode
}

it.each(['v1', 'v2'] as const)(
  'tells what the kernel counts of containers, pods and all, in layout %s',
  async layout => {
    const node = await nodeOf(layout)
    const nowSeconds = Math.floor(node.clock.now() / 1000)
    const lines = (await cadvisorMetrics(node)).split('\n')
    const id = `id="/${group}/c1"`
    const app = `container="app",${id},image="app:1",name="c1",namespace="shop",pod="web"`
    const free = `container="free",id="/${group}/c2",image="",name="c2",namespace="shop",pod="web"`
    const pod = `container="",id="/${group}",image="",name="",namespace="shop",pod="web"`
    const sandbox = `container="",id="/${group}/s1",image="pause:3",name="s1",namespace="shop",pod="web"`
    const burstable = 'container="",id="/kubepods/burstable",image="",name="",namespace="",pod=""'
    const all = 'container="",id="/",image="",name="",namespace="",pod=""'
    expect(lines).toEqual(
      expect.arrayContaining([
        `container_cpu_cfs_periods_total{${app}} 40`,
        `container_cpu_cfs_throttled_periods_total{${app}} 3`,
        `container_cpu_cfs_throttled_seconds_total{${app}} 0.25`,
        `container_cpu_usage_seconds_total{${app},cpu="total"} 0.5`,
        `container_cpu_usage_seconds_total{${all},cpu="total"} 60`,
        `container_blkio_device_usage_total{${app},device="/dev/sda",major="8",minor="0",operation="Read"} 4096`,
        `container_blkio_device_usage_total{${app},device="/dev/sda",major="8",minor="0",operation="Write"} 512`,
        `container_file_descriptors{${app}} 3`,
        `container_fs_inodes_free{${all},device="/dev/sda1"} 70`,
        `container_fs_inodes_total{${app},device="/dev/sda1"} 100`,
        `container_fs_io_current{${all},device="/dev/sda1"} 2`,
        `container_fs_io_time_seconds_total{${all},device="/dev/sda1"} 1.9`,
        `container_fs_limit_bytes{${all},device="/dev/sda1"} 1000`,
        `container_fs_read_seconds_total{${all},device="/dev/sda1"} 1.3`,
        `container_fs_reads_total{${all},device="/dev/sda1"} 10`,
        `container_fs_sector_writes_total{${all},device="/dev/sda1"} 16`,
        `container_fs_usage_bytes{${all},device="/dev/sda1"} 400`,
        `container_fs_usage_bytes{${app},device="/dev/sda1"} 30`,
        `container_fs_reads_bytes_total{${app},device="/dev/sda"} 4096`,
        `container_fs_writes_bytes_total{${app},device="/dev/sda"} 512`,
        `container_last_seen{${app}} 7`,
        `container_last_seen{${pod}} ${nowSeconds}`,
        `container_memory_kernel_usage{${app}} 64`,
        `container_memory_total_active_file_bytes{${app}} 80`,
        `container_memory_total_inactive_file_bytes{${app}} 90`,
        `container_memory_cache{${app}} 3000`,
        `container_memory_failcnt{${app}} 2`,
        `container_memory_swap{${app}} 700`,
        `container_memory_usage_bytes{${pod}} 9000`,
        `container_memory_working_set_bytes{${app}} 100`,
        `container_network_receive_bytes_total{${sandbox},interface="eth0"} 1000`,
        `container_network_receive_errors_total{${sandbox},interface="eth0"} 1`,
        `container_network_transmit_packets_dropped_total{${sandbox},interface="eth0"} 4`,
        `container_network_transmit_packets_total{${sandbox},interface="eth0"} 20`,
        `container_network_receive_bytes_total{${all},interface="eth1"} 7`,
        `container_processes{${app}} 2`,
        `container_sockets{${app}} 1`,
        `container_spec_cpu_period{${free}} 100000`,
        `container_spec_cpu_shares{${sandbox}} 2`,
        `container_spec_cpu_shares{${pod}} 256`,
        `container_spec_memory_limit_bytes{${burstable}} 1000000`,
        `container_spec_memory_limit_bytes{${all}} 8589934592`,
        `container_start_time_seconds{${sandbox}} 2`,
        `container_start_time_seconds{${pod}} 2`,
        `container_threads{${app}} 5`,
        `container_threads_max{${app}} 0`,
        `container_ulimits_soft{${app},ulimit="max_open_files"} 1024`,
        'cadvisor_version_info{cadvisorRevision="",cadvisorVersion="",dockerVersion="",kernelVersion="6.1",osVersion="Debian"} 1',
        'machine_cpu_physical_cores{boot_id="b",machine_id="m",system_uuid="s"} 2',
        'machine_cpu_sockets{boot_id="b",machine_id="m",system_uuid="s"} 2',
        'machine_swap_bytes{boot_id="b",machine_id="m",system_uuid="s"} 20480',
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
    const pressure = lines.filter(line => line.startsWith('container_pressure_'))
    expect(pressure).toEqual(
      layout === 'v1'
        ? []
        : [
            `container_pressure_cpu_stalled_seconds_total{${app}} 0.5`,
            `container_pressure_memory_stalled_seconds_total{${app}} 0`,
            `container_pressure_cpu_waiting_seconds_total{${app}} 1.5`,
            `container_pressure_memory_waiting_seconds_total{${app}} 0`,
          ],
    )
    // The pod as a whole has no network of its own: it would be counted twice.
    expect(lines.filter(line => line.startsWith('container_network_') && line.includes(`{${pod}`))).toEqual([])
    // A container without a quota has no periods of one; the loopback is nobody's traffic.
    expect(lines.filter(line => /cfs.*"free"|spec_cpu_quota.*"free"|interface="lo"/.test(line))).toEqual([])
  },
)

it('tells of pods on the network of the node what that carries', async () => {
  const lines = (await cadvisorMetrics(await nodeOf('v2', { hostNetwork: true }))).split('\n')
  const sent = lines.filter(line => /^container_network_transmit_bytes_total.*name="s1"/.test(line))
  expect(sent).toEqual([expect.stringMatching(/interface="eth1"} 8$/)])
})

it('tells what the runtime knows where there is no machine to look at', async () => {
  const lines = (await cadvisorMetrics(await nodeOf('v2', { disk: undefined }))).split('\n')
  expect(lines.filter(line => /^container_network_receive_bytes_total/.test(line))).toEqual([
    expect.stringMatching(/name="s1",.*interface="eth0"} 1$/),
  ])
  expect(lines.filter(line => /^container_fs_usage_bytes.*"app"/.test(line))).toEqual([
    expect.stringMatching(/device=""} 30$/),
  ])
  expect(lines.filter(line => /^container_(processes|sockets|ulimits_soft)/.test(line))).toEqual([])
})
