import type { Clock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import { single } from './text-form.ts'

/**
 * The agent's own process, in Prometheus' text form, by the names that all its clients use. What the kernel does not tell is
 * left out.
 */
export async function processFamilies(disk: Disk | undefined, clock: Clock): Promise<string[]> {
  const { user, system } = process.cpuUsage()
  const [statm, limits, descriptors] = await Promise.all([
    text(disk, '/proc/self/statm'),
    text(disk, '/proc/self/limits'),
    disk?.list('/proc/self/fd').catch(() => undefined),
  ])
  const startedAt = clock.now() / 1000 - process.uptime()
  const pages = /^\d+/.exec(statm)?.[0]
  const most = /^Max open files\s+(\d+)/m.exec(limits)?.[1]
  return [
    ...single('process_cpu_seconds_total', 'counter', 'Processor time of the process', (user + system) / 1e6),
    ...single('process_resident_memory_bytes', 'gauge', 'Memory of the process', process.memoryUsage.rss()),
    ...single('process_virtual_memory_bytes', 'gauge', 'Address space of the process', Number(pages) * 4096),
    ...single('process_start_time_seconds', 'gauge', 'Start of the process since 1970', startedAt),
    ...single('process_open_fds', 'gauge', 'Open files of the process', descriptors?.length),
    ...single('process_max_fds', 'gauge', 'Files that the process may have open', Number(most)),
  ]
}

const text = async (disk: Disk | undefined, path: string) => (await disk?.readText(path).catch(() => '')) ?? ''
