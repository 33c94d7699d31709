import type { Hierarchy } from './hierarchy.ts'

/** What the kernel counted of the processes of one group and of those below it. What it does not tell is absent. */
export interface GroupCounters {
  cpuSeconds?: number
  userSeconds?: number
  systemSeconds?: number
  /** Periods of the processor quota, those in which it was used up, and how long was waited for the next. */
  periods?: number
  throttledPeriods?: number
  throttledSeconds?: number
  memoryBytes?: number
  /** Less what the kernel could drop at once. */
  workingSetBytes?: number
  cacheBytes?: number
  rssBytes?: number
  mappedBytes?: number
  swapBytes?: number
  peakBytes?: number
  /** How often the limit was met. */
  limitHits?: number
  oomKills?: number
  pageFaults?: number
  majorPageFaults?: number
  tasks?: number
  /** Absent: not limited. */
  mostTasks?: number
  io: IoCounters[]
}

export interface IoCounters {
  /** `8:0` */
  device: string
  reads: number
  readBytes: number
  writes: number
  writtenBytes: number
}

/** In a group that has just gone nothing is known. Never rejects. */
export function readCounters(hierarchy: Hierarchy, group: string): Promise<GroupCounters> {
  return hierarchy.version === 2 ? ofVersion2(hierarchy, group) : ofVersion1(hierarchy, group)
}

/** @see https://docs.kernel.org/admin-guide/cgroup-v2.html */
async function ofVersion2(hierarchy: Hierarchy, group: string): Promise<GroupCounters> {
  const read = (controller: string, name: string) => hierarchy.read(controller, group, name)
  const [cpu, memory, stat, swap, peak, events, io, tasks, mostTasks] = await Promise.all([
    read('cpu', 'cpu.stat'),
    read('memory', 'memory.current'),
    read('memory', 'memory.stat'),
    read('memory', 'memory.swap.current'),
    read('memory', 'memory.peak'),
    read('memory', 'memory.events'),
    read('io', 'io.stat'),
    read('pids', 'pids.current'),
    read('pids', 'pids.max'),
  ])
  const [ofCpu, ofMemory, ofEvents] = [fields(cpu), fields(stat), fields(events)]
  return known({
    cpuSeconds: scaled(ofCpu('usage_usec'), 1e6),
    userSeconds: scaled(ofCpu('user_usec'), 1e6),
    systemSeconds: scaled(ofCpu('system_usec'), 1e6),
    periods: ofCpu('nr_periods'),
    throttledPeriods: ofCpu('nr_throttled'),
    throttledSeconds: scaled(ofCpu('throttled_usec'), 1e6),
    memoryBytes: number(memory),
    workingSetBytes: less(number(memory), ofMemory('inactive_file')),
    cacheBytes: ofMemory('file'),
    rssBytes: ofMemory('anon'),
    mappedBytes: ofMemory('file_mapped'),
    swapBytes: number(swap),
    peakBytes: number(peak),
    limitHits: ofEvents('max'),
    oomKills: ofEvents('oom_kill'),
    pageFaults: ofMemory('pgfault'),
    majorPageFaults: ofMemory('pgmajfault'),
    tasks: number(tasks),
    mostTasks: number(mostTasks),
    io: ioOfVersion2(io),
  })
}

/** @see https://docs.kernel.org/admin-guide/cgroup-v1/index.html */
async function ofVersion1(hierarchy: Hierarchy, group: string): Promise<GroupCounters> {
  const read = (controller: string, name: string) => hierarchy.read(controller, group, name)
  const [cpu, usage, split, memory, stat, peak, hits, oom, bytes, operations, tasks, mostTasks] = await Promise.all([
    read('cpu', 'cpu.stat'),
    read('cpuacct', 'cpuacct.usage'),
    read('cpuacct', 'cpuacct.stat'),
    read('memory', 'memory.usage_in_bytes'),
    read('memory', 'memory.stat'),
    read('memory', 'memory.max_usage_in_bytes'),
    read('memory', 'memory.failcnt'),
    read('memory', 'memory.oom_control'),
    read('blkio', 'blkio.throttle.io_service_bytes'),
    read('blkio', 'blkio.throttle.io_serviced'),
    read('pids', 'pids.current'),
    read('pids', 'pids.max'),
  ])
  const [ofCpu, ofSplit, ofMemory] = [fields(cpu), fields(split), fields(stat)]
  return known({
    cpuSeconds: scaled(number(usage), 1e9),
    userSeconds: scaled(ofSplit('user'), ticksPerSecond),
    systemSeconds: scaled(ofSplit('system'), ticksPerSecond),
    periods: ofCpu('nr_periods'),
    throttledPeriods: ofCpu('nr_throttled'),
    throttledSeconds: scaled(ofCpu('throttled_time'), 1e9),
    memoryBytes: number(memory),
    workingSetBytes: less(number(memory), ofMemory('total_inactive_file')),
    cacheBytes: ofMemory('total_cache'),
    rssBytes: ofMemory('total_rss'),
    mappedBytes: ofMemory('total_mapped_file'),
    swapBytes: ofMemory('total_swap'),
    peakBytes: number(peak),
    limitHits: number(hits),
    oomKills: fields(oom)('oom_kill'),
    pageFaults: ofMemory('total_pgfault'),
    majorPageFaults: ofMemory('total_pgmajfault'),
    tasks: number(tasks),
    mostTasks: number(mostTasks),
    io: ioOfVersion1(bytes, operations),
  })
}

/** The kernel's unit for user and system time, whatever it counts in itself. */
const ticksPerSecond = 100

/** `name value`, one a line. */
function fields(text: string): (name: string) => number | undefined {
  const values = new Map(text.split('\n').map(line => line.split(' ') as [string, string | undefined]))
  return name => number(values.get(name) ?? '')
}

/** `max` is no number. */
const number = (text: string) => (/^\d+\s*$/.test(text) ? Number(text) : undefined)
const scaled = (value: number | undefined, perUnit: number) => (value === undefined ? undefined : value / perUnit)
const less = (value: number | undefined, idle = 0) => (value === undefined ? undefined : Math.max(value - idle, 0))

function known(counters: { [Name in keyof GroupCounters]: GroupCounters[Name] | undefined }): GroupCounters {
  return Object.fromEntries(Object.entries(counters).filter(([, value]) => value !== undefined)) as never
}

/** `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …` */
function ioOfVersion2(text: string): IoCounters[] {
  return text.split('\n').flatMap(line => {
    const [device, ...pairs] = line.split(' ')
    const of = new Map(pairs.map(pair => pair.split('=') as [string, string]))
    const value = (name: string) => Number(of.get(name) ?? 0)
    if (!device || !of.has('rbytes')) return []
    const read = { reads: value('rios'), readBytes: value('rbytes') }
    return [{ device, ...read, writes: value('wios'), writtenBytes: value('wbytes') }]
  })
}

/** `8:0 Read 4096`, for bytes and for operations. */
function ioOfVersion1(bytes: string, operations: string): IoCounters[] {
  const devices = new Map<string, IoCounters>()
  const take = (text: string, reads: 'reads' | 'readBytes', writes: 'writes' | 'writtenBytes') => {
    for (const [, device, way, value] of text.matchAll(/^(\d+:\d+) (Read|Write) (\d+)$/gm)) {
      const known = devices.get(device!) ?? { device: device!, reads: 0, readBytes: 0, writes: 0, writtenBytes: 0 }
      known[way === 'Read' ? reads : writes] = Number(value)
      devices.set(device!, known)
    }
  }
  take(bytes, 'readBytes', 'writtenBytes')
  take(operations, 'reads', 'writes')
  return [...devices.values()]
}
