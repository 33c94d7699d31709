import { basename } from 'node:path'
import { type Clock, sleep } from '../base/clock.ts'
import { signalProcess } from '../base/commands.ts'
import type { Disk } from '../base/disk.ts'
import { processes, wordsOf } from '../base/processes.ts'

/** A process that stands between a containerd and one of its sandboxes or containers. */
export interface Shim {
  pid: number
  /** Of the sandbox that it was started for. */
  id: string
}

/** The shims of the containerd with this socket, as the machine's processes show them. */
export async function shimsOf(disk: Disk, socket: string): Promise<Shim[]> {
  const found: Shim[] = []
  for (const pid of await processes(disk)) {
    const id = await servedBy(disk, pid, socket)
    if (id) found.push({ pid, id })
  }
  return found
}

/** Kills a shim and what runs below it, and waits until it is gone. */
export async function endShim({ pid, id }: Shim, socket: string, disk: Disk, clock: Clock): Promise<void> {
  for (const child of await childrenOf(disk, pid)) signalProcess(child, 'SIGKILL')
  // The number may be another process's by now.
  if ((await servedBy(disk, pid, socket)) === id) signalProcess(pid, 'SIGKILL')
  while ((await servedBy(disk, pid, socket)) === id) await sleep(clock, 20)
}

async function servedBy(disk: Disk, pid: number, socket: string): Promise<string | undefined> {
  const words = await wordsOf(disk, pid)
  const value = (flag: string) => words[words.indexOf(flag) + 1]
  if (!words.some(word => basename(word).startsWith('containerd-shim')) || !words.includes('-id')) return undefined
  return value('-address') === socket ? value('-id') : undefined
}

async function childrenOf(disk: Disk, pid: number): Promise<number[]> {
  const text = await disk.readText(`/proc/${pid}/task/${pid}/children`).catch(() => '')
  return text.split(' ').filter(Boolean).map(Number)
}
