import { describe, expect, it } from 'vitest'
import { CgroupKernel } from '../testing/cgroup-kernel.ts'
import { readCounters } from './group-counters.ts'
import { Hierarchy } from './hierarchy.ts'

const expected = {
  cpuSeconds: 7.5,
  userSeconds: 5,
  systemSeconds: 2.5,
  periods: 40,
  throttledPeriods: 3,
  throttledSeconds: 0.25,
  memoryBytes: 9_000,
  workingSetBytes: 8_000,
  cacheBytes: 3_000,
  rssBytes: 5_000,
  mappedBytes: 600,
  kernelBytes: 64,
  activeFileBytes: 80,
  inactiveFileBytes: 1000,
  swapBytes: 700,
  swapLimitBytes: 20_000,
  peakBytes: 9_500,
  limitHits: 2,
  oomKills: 1,
  pageFaults: 50,
  majorPageFaults: 4,
  tasks: 6,
  io: [{ device: '8:0', reads: 2, readBytes: 4_096, writes: 1, writtenBytes: 512 }],
}

const lines = (...all: string[]) => `${all.join('\n')}\n`

describe('what the kernel counts of a group', () => {
  it('is read from version 1', async () => {
    const kernel = new CgroupKernel('v1')
    const memory = [
      'cache 1',
      'total_cache 3000',
      'total_rss 5000',
      'total_mapped_file 600',
      'total_swap 700',
      'total_active_file 80',
    ]
    Object.assign(kernel.written, {
      'cpu,cpuacct/a/cpu.stat': lines('nr_periods 40', 'nr_throttled 3', 'throttled_time 250000000'),
      'cpu,cpuacct/a/cpuacct.usage': '7500000000\n',
      'cpu,cpuacct/a/cpuacct.stat': lines('user 500', 'system 250'),
      'memory/a/memory.usage_in_bytes': '9000\n',
      'memory/a/memory.kmem.usage_in_bytes': '64\n',
      'memory/a/memory.stat': lines(...memory, 'total_inactive_file 1000', 'total_pgfault 50', 'total_pgmajfault 4'),
      'memory/a/memory.max_usage_in_bytes': '9500\n',
      'memory/a/memory.memsw.limit_in_bytes': '20000\n',
      'memory/a/memory.failcnt': '2\n',
      'memory/a/memory.oom_control': lines('oom_kill_disable 0', 'under_oom 0', 'oom_kill 1'),
      'blkio/a/blkio.throttle.io_service_bytes': lines('8:0 Read 4096', '8:0 Write 512', '8:0 Sync 1', 'Total 4608'),
      'blkio/a/blkio.throttle.io_serviced': lines('8:0 Read 2', '8:0 Write 1', 'Total 3'),
      'pids/a/pids.current': '6\n',
      'pids/a/pids.max': 'max\n',
    })
    expect(await readCounters(await Hierarchy.find(kernel.disk), '/a')).toEqual(expected)
  })

  it('is read from version 2', async () => {
    const kernel = new CgroupKernel('v2')
    const cpu = ['usage_usec 7500000', 'user_usec 5000000', 'system_usec 2500000', 'nr_periods 40', 'nr_throttled 3']
    const memory = [
      'anon 5000',
      'file 3000',
      'kernel 64',
      'file_mapped 600',
      'active_file 80',
      'inactive_file 1000',
      'pgfault 50',
      'pgmajfault 4',
    ]
    Object.assign(kernel.written, {
      'a/cpu.stat': lines(...cpu, 'throttled_usec 250000'),
      'a/memory.current': '9000\n',
      'a/memory.stat': lines(...memory),
      'a/memory.swap.current': '700\n',
      'a/memory.swap.max': '20000\n',
      'a/memory.peak': '9500\n',
      'a/memory.events': lines('low 0', 'high 0', 'max 2', 'oom 1', 'oom_kill 1'),
      'a/io.stat': lines('8:0 rbytes=4096 wbytes=512 rios=2 wios=1 dbytes=0 dios=0', '7:0 '),
      'a/pids.current': '6\n',
      'a/pids.max': 'max\n',
    })
    expect(await readCounters(await Hierarchy.find(kernel.disk), '/a')).toEqual(expected)
  })

  it('is nothing where there is no such group', async () => {
    for (const layout of ['v1', 'v2', 'mixed'] as const)
      expect(await readCounters(await Hierarchy.find(new CgroupKernel(layout).disk), '/gone')).toEqual({ io: [] })
  })
})
