import type { Disk } from '../base/disk.ts'

/**
 * What tells a process from every later one of the same number: when it began, in clock ticks of the kernel since which start of
 * the machine. Setting the clock changes nothing about it.
 * @returns undefined where there is no such process (one that has ended and waits for its parent is none), or no /proc
 * @see proc_pid_stat(5): `starttime`
 */
export async function processMark(disk: Disk, pid: number): Promise<string | undefined> {
  try {
    const [stat, boot] = await Promise.all([
      disk.readText(`/proc/${pid}/stat`),
      disk.readText('/proc/sys/kernel/random/boot_id'),
    ])
    // The name of the program, in brackets, may have blanks and brackets of its own.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [state, startTicks] = [fields[0], fields[19]]
    return state === 'Z' || !startTicks ? undefined : `${boot.trim()}/${startTicks}`
  } catch {
    return undefined
  }
}
