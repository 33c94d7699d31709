import type { Disk } from './disk.ts'

/** The command line of a process in words; none if it has ended. */
export async function wordsOf(disk: Disk, pid: number): Promise<string[]> {
  const text = await disk.readText(`/proc/${pid}/cmdline`).catch(() => '')
  return text.split('\0').slice(0, -1)
}

/** Numbers of the machine's processes. */
export async function processes(disk: Disk): Promise<number[]> {
  const names = (await disk.list('/proc').catch(() => [])).map(({ name }) => name)
  return names.filter(name => /^\d+$/.test(name)).map(Number)
}
