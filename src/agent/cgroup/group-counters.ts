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
  /** Of the kernel, on behalf of the group. */
  kernelBytes?: number
  /** Of files: those in use, and those that the kernel could drop at once. */
  activeFileBytes?: number
  inactiveFileBytes?: number
  swapBytes?: number
  /** Version 1 counts memory and swap together. Absent: not limited. */
  swapLimitBytes?: number
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

type Figure = Exclude<keyof GroupCounters, 'io' | 'workingSetBytes'>

/** Where a figure is told: a file of a controller, and the field in it, unless the file is one number. */
interface Place {
  file: `${string}/${string}`
  field?: string
  /** So many of the kernel's units are one of ours. */
  per?: number
}

const inFile = (file: Place['file'], field?: string, per?: number): Place => ({
  file,
  ...(field === undefined ? {} : { field }),
  ...(per === undefined ? {} : { per }),
})

/** The kernel's unit for user and system time in version 1, whatever it counts in itself. */
const ticksPerSecond = 100
const [micros, nanos] = [1e6, 1e9]

/**
 * Where each version tells it.
 * @see https://docs.kernel.org/admin-guide/cgroup-v1/index.html and https://docs.kernel.org/admin-guide/cgroup-v2.html
 */
const places: Record<Figure, { v1: Place; v2: Place }> = {
  cpuSeconds: {
    v1: inFile('cpuacct/cpuacct.usage', undefined, nanos),
    v2: inFile('cpu/cpu.stat', 'usage_usec', micros),
  },
  userSeconds: {
    v1: inFile('cpuacct/cpuacct.stat', 'user', ticksPerSecond),
    v2: inFile('cpu/cpu.stat', 'user_usec', micros),
  },
  systemSeconds: {
    v1: inFile('cpuacct/cpuacct.stat', 'system', ticksPerSecond),
    v2: inFile('cpu/cpu.stat', 'system_usec', micros),
  },
  periods: { v1: inFile('cpu/cpu.stat', 'nr_periods'), v2: inFile('cpu/cpu.stat', 'nr_periods') },
  throttledPeriods: { v1: inFile('cpu/cpu.stat', 'nr_throttled'), v2: inFile('cpu/cpu.stat', 'nr_throttled') },
  throttledSeconds: {
    v1: inFile('cpu/cpu.stat', 'throttled_time', nanos),
    v2: inFile('cpu/cpu.stat', 'throttled_usec', micros),
  },
  memoryBytes: { v1: inFile('memory/memory.usage_in_bytes'), v2: inFile('memory/memory.current') },
  kernelBytes: { v1: inFile('memory/memory.kmem.usage_in_bytes'), v2: inFile('memory/memory.stat', 'kernel') },
  activeFileBytes: {
    v1: inFile('memory/memory.stat', 'total_active_file'),
    v2: inFile('memory/memory.stat', 'active_file'),
  },
  inactiveFileBytes: {
    v1: inFile('memory/memory.stat', 'total_inactive_file'),
    v2: inFile('memory/memory.stat', 'inactive_file'),
  },
  cacheBytes: { v1: inFile('memory/memory.stat', 'total_cache'), v2: inFile('memory/memory.stat', 'file') },
  rssBytes: { v1: inFile('memory/memory.stat', 'total_rss'), v2: inFile('memory/memory.stat', 'anon') },
  mappedBytes: {
    v1: inFile('memory/memory.stat', 'total_mapped_file'),
    v2: inFile('memory/memory.stat', 'file_mapped'),
  },
  swapBytes: { v1: inFile('memory/memory.stat', 'total_swap'), v2: inFile('memory/memory.swap.current') },
  swapLimitBytes: { v1: inFile('memory/memory.memsw.limit_in_bytes'), v2: inFile('memory/memory.swap.max') },
  peakBytes: { v1: inFile('memory/memory.max_usage_in_bytes'), v2: inFile('memory/memory.peak') },
  limitHits: { v1: inFile('memory/memory.failcnt'), v2: inFile('memory/memory.events', 'max') },
  oomKills: { v1: inFile('memory/memory.oom_control', 'oom_kill'), v2: inFile('memory/memory.events', 'oom_kill') },
  pageFaults: { v1: inFile('memory/memory.stat', 'total_pgfault'), v2: inFile('memory/memory.stat', 'pgfault') },
  majorPageFaults: {
    v1: inFile('memory/memory.stat', 'total_pgmajfault'),
    v2: inFile('memory/memory.stat', 'pgmajfault'),
  },
  tasks: { v1: inFile('pids/pids.current'), v2: inFile('pids/pids.current') },
  mostTasks: { v1: inFile('pids/pids.max'), v2: inFile('pids/pids.max') },
}

/** What may be asked for by itself. */
export type Counted = Figure | 'io'

const everything: readonly Counted[] = [...(Object.keys(places) as Figure[]), 'io']

const ioFiles = {
  v1: ['blkio/blkio.throttle.io_service_bytes', 'blkio/blkio.throttle.io_serviced'],
  v2: ['io/io.stat'],
} as const

/**
 * In a group that has just gone nothing is known. Never rejects.
 * @param only what is asked for, if not all: what else is told in the same files comes too
 */
export async function readCounters(
  hierarchy: Hierarchy,
  group: string,
  only: readonly Counted[] = everything,
): Promise<GroupCounters> {
  const version = `v${hierarchy.version}` as const
  const io = only.includes('io') ? ioFiles[version] : []
  const wanted = new Set<string>([...only.flatMap(name => (name === 'io' ? [] : places[name][version].file)), ...io])
  const read = async (file: string): Promise<[string, string]> => {
    const [controller, name] = file.split('/') as [string, string]
    return [file, await hierarchy.read(controller, group, name)]
  }
  const texts = new Map(await Promise.all([...wanted].map(read)))
  const fields = new Map([...texts].map(([file, text]) => [file, fieldsIn(text)]))
  const counted = Object.entries(places).flatMap(([figure, place]) => {
    const { file, field, per = 1 } = place[version]
    const value = number(field === undefined ? texts.get(file) : fields.get(file)?.get(field))
    return value === undefined ? [] : [[figure, value / per] as const]
  })
  const counters = Object.fromEntries(counted) as { [F in Figure]?: number }
  const { memoryBytes, inactiveFileBytes = 0 } = counters
  const [bytes = '', operations = ''] = io.map(file => texts.get(file)!)
  return {
    ...counters,
    ...(memoryBytes === undefined ? {} : { workingSetBytes: Math.max(memoryBytes - inactiveFileBytes, 0) }),
    io: version === 'v2' ? ioOfVersion2(bytes) : ioOfVersion1(bytes, operations),
  }
}

/** `name value`, one a line. */
const fieldsIn = (text: string) =>
  new Map(text.split('\n').map(line => line.split(' ') as [string, string | undefined]))

/** More than any machine has: version 1 says so of what has no limit, where version 2 says `max`. */
const endless = 2 ** 62

function number(text: string | undefined): number | undefined {
  const value = text !== undefined && /^\d+\s*$/.test(text) ? Number(text) : undefined
  return value === undefined || value >= endless ? undefined : value
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
