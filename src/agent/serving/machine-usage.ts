import type { Disk } from '../../base/disk.ts'

/** What the whole machine uses: pods, the system and the agent. */
export interface MachineUsage {
  /** Wall time. Undefined: the kernel does not tell. */
  bootedAtMs?: number
  cpuNanoseconds: number
  memoryBytes: number
  /** Less what the kernel could drop at once. */
  workingSetBytes: number
  /** Of all memory, what is not in the working set. */
  availableBytes: number
  rssBytes: number
  pageFaults: number
  majorPageFaults: number
  swap: { usedBytes: number; availableBytes: number }
  tasks: number
  mostTasks: number
}

/** Undefined: there is no machine, or its kernel does not tell. */
export async function readMachineUsage(disk: Disk | undefined): Promise<MachineUsage | undefined> {
  if (!disk) return undefined
  const text = (path: string) => disk.readText(path).catch(() => '')
  const [stat, meminfo, vmstat, load, pids, threads] = await Promise.all([
    text('/proc/stat'),
    text('/proc/meminfo'),
    text('/proc/vmstat'),
    text('/proc/loadavg'),
    text('/proc/sys/kernel/pid_max'),
    text('/proc/sys/kernel/threads-max'),
  ])
  const cpu = /^cpu +(.*)$/m.exec(stat)?.[1]
  const bytes = (name: string) =>
    Number(new RegExp(`^${name.replace(/[()]/g, '\\$&')}: +(\\d+) kB`, 'm').exec(meminfo)?.[1] ?? 0) * 1024
  const count = (name: string) => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(vmstat)?.[1] ?? 0)
  const totalBytes = bytes('MemTotal')
  if (!cpu || !totalBytes) return undefined
  const memoryBytes = totalBytes - bytes('MemFree')
  const workingSetBytes = Math.max(memoryBytes - bytes('Inactive(file)'), 0)
  const booted = /^btime (\d+)/m.exec(stat)?.[1]
  const swapFree = bytes('SwapFree')
  return {
    ...(booted === undefined ? {} : { bootedAtMs: Number(booted) * 1000 }),
    cpuNanoseconds: busyNanoseconds(cpu),
    memoryBytes,
    workingSetBytes,
    availableBytes: totalBytes - workingSetBytes,
    rssBytes: bytes('AnonPages'),
    pageFaults: count('pgfault'),
    majorPageFaults: count('pgmajfault'),
    swap: { usedBytes: bytes('SwapTotal') - swapFree, availableBytes: swapFree },
    tasks: Number(/\d+\/(\d+)/.exec(load)?.[1] ?? 0),
    mostTasks: Math.min(Number(pids) || Number.POSITIVE_INFINITY, Number(threads) || Number.POSITIVE_INFINITY),
  }
}

/** Of hundredths of a second: user, nice, system, idle, iowait, irq, softirq, steal. Waiting is no work. */
function busyNanoseconds(line: string): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line.split(' ').map(Number)
  return (user + nice + system + irq + softirq) * 1e7
}
