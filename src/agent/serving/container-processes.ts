import type { Disk } from '../../base/disk.ts'

/** What the processes of one container have, as the kernel shows them. */
export interface ProcessCounts {
  processes: number
  /** Open files, and those of them that are sockets. */
  descriptors: number
  sockets: number
  /** How many the first of them may have open; -1: any number. Undefined: it is gone. */
  mostOpenFiles: number | undefined
}

/** Processes that end meanwhile have nothing. @param ids the first is the container's own */
export async function countProcesses(disk: Disk, ids: readonly number[]): Promise<ProcessCounts> {
  const [limits, ...each] = await Promise.all([
    ids.length ? disk.readText(`/proc/${ids[0]}/limits`).catch(() => '') : '',
    ...ids.map(id => openFiles(disk, `/proc/${id}/fd`)),
  ])
  const most = /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1]
  return {
    processes: ids.length,
    descriptors: each.reduce((sum, one) => sum + one.length, 0),
    sockets: each.flat().filter(target => target.startsWith('socket')).length,
    mostOpenFiles: most === undefined ? undefined : most === 'unlimited' ? -1 : Number(most),
  }
}

/** What each is: `socket:[123]`, a path; empty when it was closed meanwhile. */
async function openFiles(disk: Disk, folder: string): Promise<string[]> {
  const entries = await disk.list(folder).catch(() => [])
  return Promise.all(entries.map(({ name }) => disk.readlink(`${folder}/${name}`).catch(() => '')))
}
