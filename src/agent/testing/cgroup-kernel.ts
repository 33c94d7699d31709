import { dirname } from 'node:path'
import type { Disk } from '../../base/disk.ts'

const place = '/sys/fs/cgroup'

/** The mounts of each layout: path below the usual place, and type. */
const layouts = {
  v1: [
    ['cpu,cpuacct', 'cgroup'],
    ['blkio', 'cgroup'],
    ['memory', 'cgroup'],
    ['pids', 'cgroup'],
    ['systemd', 'cgroup'],
  ],
  v2: [['', 'cgroup2']],
  mixed: [
    ['cpu', 'cgroup'],
    ['cpuacct', 'cgroup'],
    ['memory', 'cgroup'],
    ['pids', 'cgroup'],
    ['unified', 'cgroup2'],
  ],
} as const

/** Control groups as a kernel shows them: folders that have files by themselves, and go although they have. */
export class CgroupKernel {
  /** What was written, by path below the usual place. */
  readonly written: Record<string, string> = {}
  readonly groups = new Set<string>()
  /** Groups with a process: they cannot be removed. */
  readonly busy = new Set<string>()
  /** Values that the kernel does not take. */
  readonly refused = new Set<string>()
  readonly #mounts

  constructor(layout: keyof typeof layouts) {
    this.#mounts = layouts[layout].map(([name, type]) => ({ path: name ? `${place}/${name}` : place, type }))
    for (const { path } of this.#mounts) this.groups.add(path)
  }

  get disk(): Disk {
    return {
      readText: async (path: string) => this.#read(path),
      makeFolder: async (path: string) => {
        for (let group = path; group.startsWith(`${place}/`); group = dirname(group)) this.groups.add(group)
      },
      open: async (path: string) => {
        if (!this.groups.has(dirname(path))) throw failure('ENOENT', path)
        return { write: async (value: string) => this.#write(path, value), close: async () => {} }
      },
      list: async (path: string) =>
        [...this.groups]
          .filter(group => dirname(group) === path)
          .map(group => ({ name: group.slice(path.length + 1), isDirectory: () => true })),
      stat: async (path: string) => {
        if (!this.groups.has(path)) throw failure('ENOENT', path)
        return { mtimeMs: Date.UTC(2026, 0, 1) }
      },
      exists: async (path: string) => this.groups.has(path),
      removeEmpty: async (path: string) => {
        const inside = [...this.groups].some(group => dirname(group) === path)
        return !inside && !this.busy.has(path) && this.groups.delete(path)
      },
    } as unknown as Disk
  }

  #read(path: string): string {
    if (path === '/proc/self/mountinfo')
      return this.#mounts.map(({ path, type }) => `1 2 0:1 / ${path} rw - ${type} ${type} rw`).join('\n')
    if (path === `${place}/cgroup.controllers`) return 'cpuset cpu memory pids\n'
    const text = this.written[path.slice(place.length + 1)]
    if (text === undefined) throw failure('ENOENT', path)
    return text
  }

  #write(path: string, value: string): void {
    if (this.refused.has(value)) throw failure('EBUSY', path)
    this.written[path.slice(place.length + 1)] = value
  }
}

const failure = (code: string, path: string) => Object.assign(new Error(`${code}: ${path}`), { code })
