import { join } from 'node:path'
import type { Disk } from '../../base/disk.ts'
import { endShim, isMountPoint, mountPoints, shimsOf } from '../../runtime/index.ts'
import { type Check, type Leak, namesIn, type Scene } from './leak.ts'

/** Records of containerd that CRI does not know. */
export const records: Check = {
  kind: 'containers',
  async find({ inventory, stock }) {
    const known = new Set([...inventory.sandboxes, ...inventory.containers].map(({ id }) => id))
    return inventory.records
      .filter(({ id }) => !known.has(id))
      .map(({ id }) => ({
        what: `container ${id} is in containerd, but no pod has it`,
        mend: () => stock.removeRecord(id),
      }))
  },
}

export const snapshots: Check = {
  kind: 'snapshots',
  async find({ inventory, stock }) {
    const used = new Set(inventory.records.map(r => `${r.snapshotter} ${r.snapshot}`))
    return (
      (await stock.snapshots(inventory.records))
        .filter(({ snapshotter, key }) => !used.has(`${snapshotter} ${key}`))
        // An image that is being unpacked.
        .filter(({ key }) => !key.startsWith('extract-'))
        .map(snapshot => ({
          what: `snapshot ${snapshot.key} (${snapshot.snapshotter}) belongs to no container`,
          mend: () => stock.removeSnapshot(snapshot),
        }))
    )
  },
}

/** Processes that stand between containerd and a container that is no more. */
export const shims: Check = {
  kind: 'shims',
  async find({ disk, places, ids, clock }) {
    return (await shimsOf(disk, places.socket))
      .filter(({ id }) => !ids.has(id))
      .map(shim => ({
        what: `shim ${shim.pid} serves container ${shim.id}, which is no more`,
        async mend() {
          await endShim(shim, places.socket, disk, clock)
          await disk.remove(join(places.stateFolder, 'io.containerd.runtime.v2.task/k8s.io', shim.id)).catch(() => {})
        },
      }))
  },
}

/** What runc remembers of containers that are no more: their shims were killed, and nobody asks runc about them again. */
export const states: Check = {
  kind: 'runc states',
  async find({ disk, commands, places, ids }) {
    const root = join(places.stateFolder, 'runc/k8s.io')
    return (await namesIn(disk, root))
      .filter(id => /^[0-9a-f]{64}$/.test(id) && !ids.has(id))
      .map(id => ({
        what: `runc remembers container ${id}, which is no more`,
        async mend() {
          // Ends what may still run in it, and takes its control groups along.
          await commands.run('runc', ['--root', root, 'delete', '--force', id], { allowFailure: true })
          await disk.remove(join(root, id))
        },
      }))
  },
}

/** Root file systems and shared memory of containers that are no more. */
export const mounts: Check = {
  kind: 'mounts',
  async find({ disk, commands, places, ids, isPod }) {
    const found: Leak[] = []
    for (const { path } of (await mountPoints(disk)).reverse()) {
      const owner = ownerOf(path, places)
      if (!owner || (owner.id ? ids.has(owner.id) : await isPod(owner.uid!))) continue
      found.push({
        what: `${path} is mounted for a ${owner.id ? 'container' : 'pod'} that is no more`,
        async mend() {
          const { stderr } = await commands.run('umount', ['-l', path], { allowFailure: true })
          if (await isMountPoint(disk, path)) throw new Error(stderr.trim())
        },
      })
    }
    return found
  },
}

function ownerOf(path: string, { stateFolder, podFolder, secretFolder }: Scene['places']) {
  const below = (folder: string) =>
    path.startsWith(`${folder}/`) ? path.slice(folder.length + 1).split('/') : undefined
  const state = below(stateFolder)
  const id = state?.find(part => /^[0-9a-f]{64}$/.test(part))
  if (id) return { id }
  const uid = below(podFolder)?.[0] ?? below(secretFolder)?.[0]
  return uid ? { uid } : undefined
}

/** Empty control groups of containers and pods that are no more. Groups with processes are somebody's. */
export const cgroups: Check = {
  kind: 'control groups',
  async find({ disk, commands, places, ids, isPod }) {
    const found: Leak[] = []
    const roots = ['/sys/fs/cgroup', ...(await namesIn(disk, '/sys/fs/cgroup')).map(name => `/sys/fs/cgroup/${name}`)]
    for (const root of roots)
      for (const { path, owner } of await ownedGroups(disk, root, places.cgroupRoots)) {
        const alive = owner.id ? ids.has(owner.id) : await isPod(owner.uid!)
        if (alive || !(await isEmpty(disk, path))) continue
        found.push({
          what: `control group ${path} has no process`,
          async mend() {
            await commands.run('find', [path, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', ';'])
          },
        })
      }
    return found
  },
}

async function ownedGroups(disk: Disk, root: string, cgroupRoots: readonly string[]) {
  const found: { path: string; owner: { id?: string; uid?: string } }[] = []
  const classes = ['kubepods', 'kubepods/burstable', 'kubepods/besteffort']
  for (const folder of ['k8s.io', ...cgroupRoots.flatMap(above => classes.map(name => join(above, name)))])
    for (const name of await namesIn(disk, join(root, folder))) {
      const [, id, uid] = /^(?:([0-9a-f]{64})|pod(.+))$/.exec(name) ?? []
      const owner = id ? { id } : uid ? { uid } : undefined
      if (owner) found.push({ path: join(root, folder, name), owner })
    }
  return found
}

async function isEmpty(disk: Disk, group: string): Promise<boolean> {
  if ((await disk.readText(`${group}/cgroup.procs`).catch(() => '')).trim()) return false
  for (const entry of await disk.list(group).catch(() => []))
    if (entry.isDirectory() && !(await isEmpty(disk, `${group}/${entry.name}`))) return false
  return true
}
