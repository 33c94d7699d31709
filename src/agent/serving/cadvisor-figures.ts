import { quantityToFloat, quantityToMillis } from '../../base/quantity.ts'
import type { Container } from '../../models/types/core-v1.ts'
import type { ObservedContainer, PodUsage } from '../../runtime/runtime.ts'
import type { GroupCounters, IoCounters } from '../cgroup/group-counters.ts'
import { cpuShares, periodMicros } from '../pod/resources.ts'
import type { InterfaceCounters } from './pod-network.ts'

/** A container, a pod or a group of pods, with what is known of it from all sides. */
export interface Shown {
  counters: GroupCounters
  /** Of a container only. */
  usage?: PodUsage['containers'][number] | undefined
  observed?: ObservedContainer | undefined
  definition?: Container | undefined
  /** Of a pod only: containers share its network. */
  interfaces?: readonly InterfaceCounters[]
  /** Names of block devices: `8:0` is `/dev/sda`. */
  devices: ReadonlyMap<string, string>
}

type Value = number | undefined
/** With labels of its own, such as `device="/dev/sda"`. */
type Labelled = { labels: string; value: Value }

export interface Figure {
  name: string
  type: 'counter' | 'gauge'
  help: string
  of(shown: Shown): Value | Labelled[]
}

const limitOf = ({ definition }: Shown, resource: string) => definition?.resources?.limits?.[resource]
const limited = (shown: Shown, value: Value) => (limitOf(shown, 'cpu') === undefined ? undefined : value)

const counter = (name: string, help: string, of: Figure['of']): Figure => ({ name, type: 'counter', help, of })
const gauge = (name: string, help: string, of: Figure['of']): Figure => ({ name, type: 'gauge', help, of })

const io = (name: string, help: string, pick: (io: IoCounters) => number) =>
  counter(name, help, ({ counters, devices }) =>
    counters.io.map(one => ({ labels: `device="${devices.get(one.device) ?? one.device}"`, value: pick(one) })),
  )

const network = (way: 'receive' | 'transmit', what: string, help: string, key: keyof InterfaceCounters['sent']) =>
  counter(`container_network_${way}_${what}_total`, help, ({ interfaces = [] }) =>
    interfaces.map(one => ({
      labels: `interface="${one.name}"`,
      value: one[way === 'receive' ? 'received' : 'sent'][key],
    })),
  )

const failure = (type: string, value: Value): Labelled[] =>
  ['container', 'hierarchy'].map(scope => ({ labels: `failure_type="${type}",scope="${scope}"`, value }))

/**
 * Under the names of cAdvisor, in the order of their names.
 * @see https://github.com/google/cadvisor/blob/master/docs/storage/prometheus.md
 */
export const figures: readonly Figure[] = [
  counter('container_cpu_cfs_periods_total', 'Periods of the processor quota', shown =>
    limited(shown, shown.counters.periods),
  ),
  counter('container_cpu_cfs_throttled_periods_total', 'Periods in which the processor quota was used up', shown =>
    limited(shown, shown.counters.throttledPeriods),
  ),
  counter('container_cpu_cfs_throttled_seconds_total', 'How long was waited for the next period', shown =>
    limited(shown, shown.counters.throttledSeconds),
  ),
  counter('container_cpu_system_seconds_total', 'Processor time spent in the kernel', s => s.counters.systemSeconds),
  counter('container_cpu_usage_seconds_total', 'Processor time in core-seconds', ({ usage, counters }) => [
    { labels: 'cpu="total"', value: usage ? usage.cpuNanoseconds / 1e9 : counters.cpuSeconds },
  ]),
  counter('container_cpu_user_seconds_total', 'Processor time spent in programs', s => s.counters.userSeconds),
  gauge(
    'container_fs_inodes_total',
    "Inodes in use in the container's writable layer",
    s => s.usage?.filesystemUsedInodes,
  ),
  io('container_fs_reads_bytes_total', 'Bytes read from a device', one => one.readBytes),
  io('container_fs_reads_total', 'Reads from a device', one => one.reads),
  gauge(
    'container_fs_usage_bytes',
    "Bytes in use in the container's writable layer",
    s => s.usage?.filesystemUsedBytes,
  ),
  io('container_fs_writes_bytes_total', 'Bytes written to a device', one => one.writtenBytes),
  io('container_fs_writes_total', 'Writes to a device', one => one.writes),
  gauge(
    'container_last_seen',
    'When the container was looked at, since 1970 in seconds',
    ({ usage }) => usage && Math.floor(usage.atMs / 1000),
  ),
  gauge('container_memory_cache', 'Memory of the page cache in bytes', s => s.counters.cacheBytes),
  counter('container_memory_failcnt', 'How often the limit of memory was met', s => s.counters.limitHits),
  counter('container_memory_failures_total', 'Page faults', ({ counters }) => [
    ...failure('pgfault', counters.pageFaults),
    ...failure('pgmajfault', counters.majorPageFaults),
  ]),
  gauge('container_memory_mapped_file', 'Memory of mapped files in bytes', s => s.counters.mappedBytes),
  gauge('container_memory_max_usage_bytes', 'The most memory that was in use, in bytes', s => s.counters.peakBytes),
  gauge('container_memory_rss', 'Anonymous memory in bytes', s => s.usage?.memoryRssBytes ?? s.counters.rssBytes),
  gauge('container_memory_swap', 'Swap in use in bytes', s => s.counters.swapBytes),
  gauge(
    'container_memory_usage_bytes',
    'Memory in bytes, caches included',
    s => s.usage?.memoryUsageBytes ?? s.counters.memoryBytes,
  ),
  gauge(
    'container_memory_working_set_bytes',
    'Memory in bytes without what the kernel could drop at once',
    s => s.usage?.memoryWorkingSetBytes ?? s.counters.workingSetBytes,
  ),
  network('receive', 'bytes', 'Bytes received', 'bytes'),
  network('receive', 'errors', 'Errors while receiving', 'errors'),
  network('receive', 'packets_dropped', 'Packets dropped while receiving', 'dropped'),
  network('receive', 'packets', 'Packets received', 'packets'),
  network('transmit', 'bytes', 'Bytes sent', 'bytes'),
  network('transmit', 'errors', 'Errors while sending', 'errors'),
  network('transmit', 'packets_dropped', 'Packets dropped while sending', 'dropped'),
  network('transmit', 'packets', 'Packets sent', 'packets'),
  counter('container_oom_events_total', 'Processes ended for want of memory', s => s.counters.oomKills),
  gauge('container_spec_cpu_period', 'Microseconds in which the processor quota counts', s => limited(s, periodMicros)),
  gauge('container_spec_cpu_quota', 'Microseconds of processor time in a period', shown =>
    limited(shown, quantityToFloat(limitOf(shown, 'cpu') ?? '0') * periodMicros),
  ),
  gauge('container_spec_cpu_shares', 'Weight against others when processors are short', ({ definition }) => {
    const { requests, limits } = definition?.resources ?? {}
    return definition && cpuShares(quantityToMillis(requests?.['cpu'] ?? limits?.['cpu'] ?? '0'))
  }),
  gauge(
    'container_spec_memory_limit_bytes',
    'Limit of memory in bytes; 0: none',
    shown => shown.usage && quantityToFloat(limitOf(shown, 'memory') ?? '0'),
  ),
  gauge('container_spec_memory_reservation_limit_bytes', 'Memory kept for it in bytes; 0: none', s => s.usage && 0),
  gauge(
    'container_spec_memory_swap_limit_bytes',
    'Limit of swap in bytes, with control groups of version 1 of memory and swap together; 0: none',
    ({ usage, counters }) => usage && (counters.swapLimitBytes ?? 0),
  ),
  gauge(
    'container_start_time_seconds',
    'Start since 1970 in seconds',
    ({ observed }) => observed?.startedAtMs && observed.startedAtMs / 1000,
  ),
  gauge('container_threads', 'Threads and processes that run', s => s.counters.tasks),
  gauge('container_threads_max', 'Threads and processes that may run', s => s.counters.mostTasks),
]
