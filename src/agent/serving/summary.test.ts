import { expect, it } from 'vitest'
import { timeText } from '../../base/clock.ts'
import type { Commands } from '../../base/commands.ts'
import type { Disk } from '../../base/disk.ts'
import { silentLogger } from '../../base/logger.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { PodGroups } from '../cgroup/pod-groups.ts'
import { CgroupKernel } from '../testing/cgroup-kernel.ts'
import { CpuRates } from './cpu-rates.ts'
import { LocalStorage } from './local-storage.ts'
import { resourceMetrics } from './resource-metrics.ts'
import type { ServedNode } from './served-node.ts'
import { summary } from './summary.ts'
import { VolumeUses } from './volume-uses.ts'

const machine = {
  '/proc/stat': 'cpu  1000 0 500 9000 700 0 0 0 0 0\ncpu0 1 1 1 1\nbtime 1000000\n',
  '/proc/meminfo': `MemTotal: 100 kB
MemFree: 40 kB
Inactive(file): 10 kB
AnonPages: 30 kB
SwapTotal: 20 kB
SwapFree: 15 kB
`,
  '/proc/vmstat': 'pgfault 77\npgmajfault 7\n',
  '/proc/loadavg': '0.1 0.1 0.1 2/345 999\n',
  '/proc/sys/kernel/pid_max': '4194304\n',
  '/proc/sys/kernel/threads-max': '50000\n',
  '/proc/self/net/dev': 'eth0: 1000 10 1 2 0 0 0 0 2000 20 3 4 0 0 0 0\nveth12: 1 1 1 1 0 0 0 0 1 1 1 1 0 0 0 0\n',
}

const gi = 'kubepods/burstable/podu1'

async function node() {
  const clock = new VirtualClock()
  const proc: Record<string, string> = { ...machine }
  const disk = {
    async readText(path: string) {
      if (path in proc) return proc[path]!
      throw new Error('gone')
    },
    space: async (path: string) => ({
      totalBytes: path === '/images' ? 2_000 : 1_000,
      freeBytes: 600,
      totalInodes: 100,
      freeInodes: 70,
    }),
  } as unknown as Disk
  const kernel = new CgroupKernel('v2')
  for (const path of [gi, `${gi}/c1`]) kernel.groups.add(`/sys/fs/cgroup/${path}`)
  const about = { capacity: { cpu: '4', memory: '8Gi' }, reserved: {}, activePods: () => [] }
  const groups = await PodGroups.open({ settings: {}, disk: kernel.disk, clock, log: silentLogger, ...about })
  Object.assign(kernel.written, {
    [`${gi}/cpu.stat`]: 'usage_usec 3000\n',
    [`${gi}/memory.current`]: '300\n',
    [`${gi}/memory.stat`]: 'anon 200\ninactive_file 50\npgfault 9\npgmajfault 1\n',
    [`${gi}/memory.swap.current`]: '8\n',
    [`${gi}/c1/memory.swap.current`]: '6\n',
    [`${gi}/c1/cgroup.procs`]: '11\n12\n',
  })
  const walks: string[][] = []
  const commands = {
    async run(_file: string, [, how, ...paths]: string[]) {
      walks.push(paths)
      const size = how === '--inodes' ? 3 : 64
      return { stdout: paths.map(path => `${size}\t${path}\n`).join('') }
    },
  } as unknown as Commands
  const pod = {
    metadata: { uid: 'u1', name: 'web', namespace: 'shop' },
    spec: {
      containers: [{ name: 'app', resources: { limits: { memory: '1k' } } }],
      volumes: [
        { name: 'scratch', emptyDir: {} },
        { name: 'fast', emptyDir: { medium: 'Memory' } },
      ],
    },
    status: { startTime: '1970-01-01T00:00:00Z' },
  }
  const container = { id: 'c1', name: 'app', cpuNanoseconds: 2e6, memoryWorkingSetBytes: 100, atMs: clock.now() }
  const served = {
    ...{ nodeName: 'n1', clock, disk, commands, startedAtMs: 0, places: { folder: '/node', logFolder: '/logs' } },
    pods: () => [pod],
    groups: () => groups,
    observed: () => ({ containers: [{ id: 'c1', startedAtMs: 3_000 }] }),
    volumeUses: async () => [{ name: 'data', claim: 'disk', usedBytes: 5 }],
    runtime: {
      stats: async () => [
        { uid: 'u1', containers: [{ ...container, filesystemUsedBytes: 10, filesystemUsedInodes: 2 }] },
      ],
      imageFilesystem: async () => {
        const images = { path: '/images', usedBytes: 500, usedInodes: 20 }
        return { ...images, layers: images }
      },
    },
  } as unknown as ServedNode
  const remembered = { rates: new CpuRates(), volumes: new VolumeUses(served), storage: new LocalStorage(served) }
  return { served, remembered, clock, walks, proc }
}

it('tells of the machine, its file systems and what pods take of them, as kubelet’s types have it', async () => {
  const { served, remembered, clock } = await node()
  const said: any = await summary(served, remembered)
  const time = timeText(clock.now())
  const disk = { time, availableBytes: 600, capacityBytes: 1_000, inodesFree: 70, inodes: 100 }
  const imageFs = { ...disk, capacityBytes: 2_000, usedBytes: 500, inodesUsed: 20 }
  const eth0 = { name: 'eth0', rxBytes: 1000, rxErrors: 1, txBytes: 2000, txErrors: 3 }
  const { systemContainers, ...whole } = said.node
  expect(systemContainers).toMatchObject([{ name: 'kubelet' }])
  const kib = 1024
  expect(whole).toEqual({
    nodeName: 'n1',
    startTime: '1970-01-12T13:46:40Z',
    cpu: { time, usageNanoCores: 0, usageCoreNanoSeconds: 15e9 },
    memory: {
      time,
      availableBytes: 50 * kib,
      usageBytes: 60 * kib,
      workingSetBytes: 50 * kib,
      rssBytes: 30 * kib,
      pageFaults: 77,
      majorPageFaults: 7,
    },
    swap: { time, swapAvailableBytes: 15 * kib, swapUsageBytes: 5 * kib },
    network: { time, ...eth0, interfaces: [eth0] },
    fs: { ...disk, usedBytes: 400, inodesUsed: 30 },
    runtime: { imageFs, containerFs: imageFs },
    rlimit: { time, maxpid: 50_000, curproc: 345 },
  })
  expect(said.pods).toEqual([
    {
      podRef: { name: 'web', namespace: 'shop', uid: 'u1' },
      startTime: '1970-01-01T00:00:00Z',
      containers: [
        {
          name: 'app',
          startTime: '1970-01-01T00:00:03Z',
          cpu: { time, usageNanoCores: 0, usageCoreNanoSeconds: 2e6 },
          memory: { time, availableBytes: 900, usageBytes: 100, workingSetBytes: 100, rssBytes: 100 },
          swap: { time, swapUsageBytes: 6 },
          rootfs: { ...imageFs, usedBytes: 10, inodesUsed: 2 },
          logs: { ...disk, usedBytes: 64, inodesUsed: 3 },
        },
      ],
      cpu: { time, usageNanoCores: 0, usageCoreNanoSeconds: 3e6 },
      memory: { time, usageBytes: 300, workingSetBytes: 250, rssBytes: 200, pageFaults: 9, majorPageFaults: 1 },
      swap: { time, swapUsageBytes: 8 },
      volume: [
        { time, name: 'data', usedBytes: 5, pvcRef: { name: 'disk', namespace: 'shop' } },
        { ...disk, name: 'scratch', usedBytes: 64, inodesUsed: 3 },
      ],
      'ephemeral-storage': { ...disk, usedBytes: 10 + 64 + 64, inodesUsed: 2 + 3 + 3 },
      process_stats: { process_count: 2 },
    },
  ])
})

it('walks folders once a minute at most, all in one, and rates what was counted between two looks', async () => {
  const { served, remembered, clock, walks, proc } = await node()
  await summary(served, remembered)
  await clock.advance(10_000)
  proc['/proc/stat'] = 'cpu  1500 0 500 9000 700 0 0 0 0 0\n'
  const then: any = await summary(served, remembered)
  expect(then.node.cpu.usageNanoCores).toBe(5e8)
  const folders = ['/logs/shop_web_u1/app', '/node/pods/u1/volumes/empty-dir/scratch']
  expect(walks).toEqual([folders, folders])
  await clock.advance(50_000)
  await summary(served, remembered)
  expect(walks).toHaveLength(4)
})

it('gives metrics-server the use of the whole node, not of its pods alone', async () => {
  const { served, clock } = await node()
  const lines = (await resourceMetrics(served)).split('\n')
  expect(lines).toContain('node_memory_working_set_bytes 51200')
  expect(lines).toContain('node_swap_usage_bytes 5120')
  expect(lines).toContain('pod_swap_usage_bytes{namespace="shop",pod="web"} 8')
  expect(lines).toContain(`container_swap_usage_bytes{container="app",namespace="shop",pod="web"} 6 ${clock.now()}`)
  expect(lines).toContain(
    `container_memory_working_set_bytes{container="app",namespace="shop",pod="web"} 100 ${clock.now()}`,
  )
})

it('tells processors and memory alone when asked for no more, and walks nothing for it', async () => {
  const { served, remembered, walks } = await node()
  const said = (await summary(served, remembered, true)) as any
  expect(Object.keys(said.node)).toEqual(['nodeName', 'systemContainers', 'startTime', 'cpu', 'memory'])
  expect(said.pods.map(Object.keys)).toEqual([['podRef', 'startTime', 'containers', 'cpu', 'memory']])
  expect(said.pods[0].containers.map(Object.keys)).toEqual([['name', 'startTime', 'cpu', 'memory']])
  expect(said.pods[0].podRef).toEqual({ name: 'web', namespace: 'shop', uid: 'u1' })
  expect(walks).toEqual([])
})
