import { basename, dirname, join } from 'node:path'
import type { Disk } from '../../base/disk.ts'
import { OptiFlowError } from '../../base/errors.ts'
import { mountPoints } from '../../base/mount-points.ts'
import type { Controller, GroupFile } from './group-limits.ts'

/** The kernel or the machine does not let us have a control group. */
export class CgroupFailed extends OptiFlowError {}

const place = '/sys/fs/cgroup'
const controllers: readonly Controller[] = ['cpu', 'memory', 'pids', 'hugetlb']
/** Handed down to pods where version 2 has them; what runc asks for. */
const handedDown = ['cpuset', 'cpu', 'io', 'memory', 'hugetlb', 'pids']

/**
 * The control groups of this machine. Version 2 is one tree with all controllers; version 1 has a tree for each, and a
 * version 2 tree beside them in mixed layouts, which then only counts as one more place where groups are.
 */
export class Hierarchy {
  readonly version: 1 | 2
  readonly #disk: Disk
  /** Trees that have a controller of ours. */
  readonly #of: ReadonlyMap<Controller, string>
  /** Version 1: the tree of each controller, of ours or not. */
  readonly #all: ReadonlyMap<string, string>
  /** All trees: containers have groups in each. */
  readonly #trees: readonly string[]
  /** Version 2 only: what groups can hand down. */
  readonly #handedDown: string

  private constructor(
    disk: Disk,
    found: {
      version: 1 | 2
      of: Map<Controller, string>
      all: Map<string, string>
      trees: string[]
      handedDown: string
    },
  ) {
    this.#disk = disk
    this.version = found.version
    this.#of = found.of
    this.#all = found.all
    this.#trees = found.trees
    this.#handedDown = found.handedDown
  }

  /** @throws CgroupFailed */
  static async find(disk: Disk): Promise<Hierarchy> {
    const points = (await mountPoints(disk)).filter(({ path }) => path === place || path.startsWith(`${place}/`))
    if (points.some(({ path, type }) => path === place && type === 'cgroup2')) {
      const has = (await disk.readText(join(place, 'cgroup.controllers'))).trim().split(/\s+/)
      const of = new Map(controllers.filter(c => has.includes(c)).map(c => [c, place]))
      const down = handedDown.filter(c => has.includes(c)).map(c => `+${c}`)
      return new Hierarchy(disk, { version: 2, of, all: new Map(), trees: [place], handedDown: down.join(' ') })
    }
    const all = new Map<string, string>()
    // Controllers that share a tree share its name: cpu,cpuacct.
    for (const { path, type } of points)
      for (const name of type === 'cgroup' ? basename(path).split(',') : []) all.set(name, path)
    const of = new Map(controllers.filter(name => all.has(name)).map(name => [name, all.get(name)!]))
    if (!of.has('cpu') || !of.has('memory'))
      throw new CgroupFailed(`${place} has no control groups for cpu and memory`, {
        hint: 'Mount them (systemd does; in a container, mount the machine’s).',
      })
    const trees = [...new Set(points.filter(({ type }) => type.startsWith('cgroup')).map(({ path }) => path))]
    return new Hierarchy(disk, { version: 1, of, all, trees, handedDown: '' })
  }

  /** Makes a group and those above it. There already is fine. @throws CgroupFailed */
  async make(group: string): Promise<void> {
    try {
      await Promise.all([...new Set(this.#of.values())].map(tree => this.#makeIn(tree, group)))
    } catch (cause) {
      throw new CgroupFailed(`cannot make control group ${group}`, { cause })
    }
  }

  async #makeIn(tree: string, group: string): Promise<void> {
    await this.#disk.makeFolder(join(tree, group))
    if (this.#handedDown)
      for (const above of groupsAbove(group)) await this.#put(join(tree, above, subtree), this.#handedDown)
  }

  /** Those of one controller in their order, controllers side by side. @throws CgroupFailed naming the file that the kernel refused */
  async write(group: string, files: readonly GroupFile[]): Promise<void> {
    await Promise.all(
      controllers.map(async controller => {
        for (const file of files) if (file.controller === controller) await this.#writeOne(group, file)
      }),
    )
  }

  async #writeOne(group: string, { controller, name, value, optional }: GroupFile): Promise<void> {
    const tree = this.#of.get(controller)
    if (!tree && optional) return
    try {
      if (!tree) throw new CgroupFailed(`the kernel has no ${controller} controller`)
      await this.#put(join(tree, group, name), value)
    } catch (cause) {
      if (optional && (cause as NodeJS.ErrnoException).code === 'ENOENT') return
      throw new CgroupFailed(`cannot set ${name} of control group ${group} to ${value}`, { cause })
    }
  }

  /** Removes a group and what is below it, in every tree. False when processes are left in it. */
  async remove(group: string): Promise<boolean> {
    const gone = await Promise.all(this.#trees.map(tree => this.#removeTree(join(tree, group))))
    return gone.every(Boolean)
  }

  /** Removes a group wherever nothing is in it: no process and no group. */
  async removeEmpty(group: string): Promise<void> {
    await Promise.all(this.#trees.map(tree => this.#disk.removeEmpty(join(tree, group))))
  }

  /** Names of the groups right below. */
  async list(group: string): Promise<string[]> {
    const names = new Set<string>()
    for (const tree of this.#trees)
      for (const entry of await this.#disk.list(join(tree, group)).catch(() => []))
        if (entry.isDirectory()) names.add(entry.name)
    return [...names]
  }

  /** When the group was made, wall time. Undefined: it is not there. */
  async madeAtMs(group: string): Promise<number | undefined> {
    for (const tree of this.#trees) {
      const stat = await this.#disk.stat(join(tree, group)).catch(() => undefined)
      if (stat) return stat.mtimeMs
    }
    return undefined
  }

  /** One file of a group; '' where the kernel has none. */
  async read(controller: string, group: string, name: string): Promise<string> {
    const tree = this.version === 2 ? place : this.#all.get(controller)
    return tree === undefined ? '' : this.#disk.readText(join(tree, group, name)).catch(() => '')
  }

  /** Memory that the group's processes hold, less what the kernel could drop at once. Undefined: not known. */
  async workingSetBytes(group: string): Promise<number | undefined> {
    const [usage, inactive] =
      this.version === 2 ? ['memory.current', 'inactive_file'] : ['memory.usage_in_bytes', 'total_inactive_file']
    const read = (name: string) => this.read('memory', group, name)
    const [bytes, stat] = await Promise.all([read(usage), read('memory.stat')])
    if (!bytes.trim()) return undefined
    const idle = Number(new RegExp(`^${inactive} (\\d+)`, 'm').exec(stat)?.[1] ?? 0)
    return Math.max(Number(bytes) - idle, 0)
  }

  /** As a whole, in place: these files are the kernel's. */
  async #put(path: string, value: string): Promise<void> {
    const file = await this.#disk.open(path, 'r+')
    try {
      await file.write(value)
    } finally {
      await file.close()
    }
  }

  async #removeTree(path: string): Promise<boolean> {
    if (await this.#disk.removeEmpty(path)) return true
    const below = await this.#disk.list(path).catch(() => undefined)
    if (!below) return true
    for (const entry of below) if (entry.isDirectory()) await this.#removeTree(join(path, entry.name))
    return (await this.#disk.removeEmpty(path)) || !(await this.#disk.exists(path))
  }
}

const subtree = 'cgroup.subtree_control'

/** `/a/b` is below `/` and `/a`; the topmost first. */
function groupsAbove(group: string): string[] {
  const above = dirname(group)
  return above === '/' ? ['/'] : [...groupsAbove(above), above]
}
