import { createHash } from 'node:crypto'
import type { Commands } from '../../base/commands.ts'
import type { Disk } from '../../base/disk.ts'
import { isMountPoint } from '../../base/mount-points.ts'
import { type ImageRef, RuntimeFailed } from '../runtime.ts'
import { CallFailed, type Connection } from './connection.ts'
import { Content } from './content.ts'
import { plain } from './exec.ts'
import { goneAsUndefined } from './observer.ts'

/** containerd's snapshots in its own API. */
export const snapshots = 'snapshots.v1.Snapshots'

export interface SnapshotMount {
  type: string
  source: string
  options: string[]
}

interface Mounting {
  connection: Connection
  disk: Disk
  commands: Commands
}

/**
 * Mounts the files of a pulled image at `folder`, read-only, as containerd 2.1 does itself: a view of the snapshot of its
 * layers. So it works with every containerd.
 * @throws RuntimeFailed; CallFailed with `unimplemented` where the runtime is not containerd
 */
export async function mountSnapshot(world: Mounting, snapshotter: string, image: ImageRef, folder: string) {
  const { connection, disk, commands } = world
  if (await isMountPoint(disk, folder)) return
  try {
    // Of an attempt that came to nothing.
    await releaseSnapshot(world, snapshotter, folder)
    const about = { snapshotter, key: keyOf(folder), parent: await topSnapshot(connection, image) }
    // Nothing else names the view: without this the collector would take it.
    const labels = { 'containerd.io/gc.root': 'optiflow' }
    const { mounts } = await connection.containerd<{ mounts: SnapshotMount[] }>(snapshots, 'View', { ...about, labels })
    await disk.makeFolder(folder)
    for (const mount of mounts) await commands.run('mount', mountArguments(mount, folder))
  } catch (error) {
    if (!(error instanceof CallFailed) || error.unimplemented) throw error
    throw new RuntimeFailed(`cannot mount image ${image}: ${plain(error.details)}`, { cause: error })
  }
}

/** Nothing there is fine. */
export async function releaseSnapshot(
  { connection }: Pick<Mounting, 'connection'>,
  snapshotter: string,
  folder: string,
) {
  await goneAsUndefined(connection.containerd(snapshots, 'Remove', { snapshotter, key: keyOf(folder) }))
}

const keyOf = (folder: string): string => `optiflow-image:${folder}`

async function topSnapshot(connection: Connection, image: ImageRef): Promise<string> {
  const { rootfs } = await new Content(connection).document<{ rootfs: { diff_ids: string[] } }>(image)
  return chainIds(rootfs.diff_ids).at(-1) ?? ''
}

/**
 * Names of the snapshots of an image's first layer, its first two, and so on.
 * @see https://github.com/opencontainers/image-spec/blob/main/config.md#layer-chainid
 */
export function chainIds(diffIds: readonly string[]): string[] {
  const chain: string[] = []
  for (const diff of diffIds) {
    const below = chain.at(-1)
    chain.push(below === undefined ? diff : `sha256:${createHash('sha256').update(`${below} ${diff}`).digest('hex')}`)
  }
  return chain
}

/** Whatever the image has, nobody becomes somebody else by it, and nothing in it is a device. */
export function mountArguments({ type, source, options }: SnapshotMount, folder: string): string[] {
  const kept = options.filter(option => !['rw', 'ro', 'bind', 'rbind'].includes(option))
  const all = [...(type === 'bind' ? ['bind'] : []), 'ro', 'nosuid', 'nodev', 'noexec', ...kept]
  return [...(type === 'bind' ? [] : ['-t', type]), '-o', all.join(','), source, folder]
}
