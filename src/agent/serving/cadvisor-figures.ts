import { type Pressure, pressed } from '../cgroup/pressure.ts'
import { periodMicros } from '../pod/resources.ts'
import { diskFigures } from './disk-figures.ts'
import { counter, type Figure, gauge, type Labelled, type Shown, type Value } from './figure.ts'
import type { InterfaceCounters } from './pod-network.ts'

/** Only what has a quota of processor time has periods of one. */
const limited = ({ bounds }: Shown, value: Value) => (bounds?.cpuQuotaMicros === undefined ? undefined : value)

const network = (way: 'receive' | 'transmit', what: string, help: string, key: keyof InterfaceCounters['sent']) =>
  counter(`container_network_${way}_${what}_total`, help, ({ interfaces = [] }) =>
    interfaces.map(one => ({
      labels: `interface="${one.name}"`,
      value: one[way === 'receive' ? 'received' : 'sent'][key],
    })),
  )

const failure = (type: string, value: Value): Labelled[] =>
  ['container', 'hierarchy'].map(scope => ({ labels: `failure_type="${type}",scope="${scope}"`, value }))

const pressure = (how: 'stalled' | 'waiting', key: keyof Pressure): Figure[] =>
  pressed.map(what => {
    const who = how === 'stalled' ? 'all processes' : 'some processes'
    return counter(
      `container_pressure_${what}_${how}_seconds_total`,
      `How long ${who} waited for ${what}`,
      shown => shown.pressure[what]?.[key],
    )
  })

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
  ...diskFigures,
  gauge('container_file_descriptors', 'Open files of its processes', s => s.processes?.descriptors),
  gauge('container_last_seen', 'When it was looked at, since 1970 in seconds', ({ usage, atMs }) =>
    Math.floor((usage?.atMs ?? atMs) / 1000),
  ),
  gauge('container_memory_cache', 'Memory of the page cache in bytes', s => s.counters.cacheBytes),
  counter('container_memory_failcnt', 'How often the limit of memory was met', s => s.counters.limitHits),
  counter('container_memory_failures_total', 'Page faults', ({ counters }) => [
    ...failure('pgfault', counters.pageFaults),
    ...failure('pgmajfault', counters.majorPageFaults),
  ]),
  gauge('container_memory_kernel_usage', 'Memory of the kernel for it in bytes', s => s.counters.kernelBytes),
  gauge('container_memory_mapped_file', 'Memory of mapped files in bytes', s => s.counters.mappedBytes),
  gauge('container_memory_max_usage_bytes', 'The most memory that was in use, in bytes', s => s.counters.peakBytes),
  gauge('container_memory_rss', 'Anonymous memory in bytes', s => s.usage?.memoryRssBytes ?? s.counters.rssBytes),
  gauge('container_memory_swap', 'Swap in use in bytes', s => s.counters.swapBytes),
  gauge(
    'container_memory_total_active_file_bytes',
    'Memory of files that are in use, in bytes',
    s => s.counters.activeFileBytes,
  ),
  gauge(
    'container_memory_total_inactive_file_bytes',
    'Memory of files that the kernel could drop at once, in bytes',
    s => s.counters.inactiveFileBytes,
  ),
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
  ...pressure('stalled', 'stalledSeconds'),
  ...pressure('waiting', 'waitingSeconds'),
  gauge('container_processes', 'Processes that run', s => s.processes?.processes),
  gauge('container_sockets', 'Open sockets of its processes', s => s.processes?.sockets),
  gauge(
    'container_spec_cpu_period',
    'Microseconds in which the processor quota counts',
    ({ bounds }) => bounds && periodMicros,
  ),
  gauge('container_spec_cpu_quota', 'Microseconds of processor time in a period', s => s.bounds?.cpuQuotaMicros),
  gauge('container_spec_cpu_shares', 'Weight against others when processors are short', s => s.bounds?.cpuShares),
  gauge(
    'container_spec_memory_limit_bytes',
    'Limit of memory in bytes; 0: none',
    ({ bounds }) => bounds && (bounds.memoryBytes ?? 0),
  ),
  gauge(
    'container_spec_memory_reservation_limit_bytes',
    'Memory kept for it in bytes; 0: none',
    ({ bounds }) => bounds && 0,
  ),
  gauge(
    'container_spec_memory_swap_limit_bytes',
    'Limit of swap in bytes, with control groups of version 1 of memory and swap together; 0: none',
    ({ bounds, counters }) => bounds && (counters.swapLimitBytes ?? 0),
  ),
  gauge(
    'container_start_time_seconds',
    'Start since 1970 in seconds',
    ({ startedAtMs }) => startedAtMs && startedAtMs / 1000,
  ),
  gauge('container_threads', 'Threads and processes that run', s => s.counters.tasks),
  gauge(
    'container_threads_max',
    'Threads and processes that may run; 0: any number',
    ({ counters: { tasks, mostTasks } }) => (tasks === undefined ? undefined : (mostTasks ?? 0)),
  ),
  gauge('container_ulimits_soft', 'Bounds of its first process; -1: none', ({ processes }) => [
    { labels: 'ulimit="max_open_files"', value: processes?.mostOpenFiles },
  ]),
]
