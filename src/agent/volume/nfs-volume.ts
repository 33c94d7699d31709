import type { Commands } from '../../base/commands.ts'
import type { Disk } from '../../base/disk.ts'
import { OptiFlowError } from '../../base/errors.ts'
import { bracketed } from '../../base/ip.ts'
import { isMountPoint } from '../../base/mount-points.ts'
import type { NFSVolumeSource } from '../../models/types/core-v1.ts'

/** This machine has no program that mounts NFS. */
export class NfsImpossible extends OptiFlowError {}

/** Where distributions put it; `mount` itself looks in both. */
const helpers = ['/sbin/mount.nfs', '/usr/sbin/mount.nfs']

/**
 * Mounts an NFS export at `target`, once.
 * @param options of the PersistentVolume, such as `nfsvers=4.1`
 * @throws NfsImpossible, and what `mount` says
 */
export async function mountNfs(
  { disk, commands }: { disk: Disk; commands: Commands },
  target: string,
  { server, path, readOnly }: NFSVolumeSource,
  options: readonly string[] = [],
): Promise<void> {
  if (await isMountPoint(disk, target)) return
  if (!(await Promise.all(helpers.map(helper => disk.exists(helper)))).includes(true))
    throw new NfsImpossible(`${server}:${path} cannot be mounted: this node has no ${helpers[0]}`, {
      hint: 'Install nfs-common (Debian, Ubuntu) or nfs-utils (Fedora, Alpine) on the node.',
    })
  await disk.makeFolder(target, { mode: 0o750 })
  const all = [...new Set([...options, ...(readOnly ? ['ro'] : [])])]
  const host = bracketed(server)
  await commands.run('mount', ['-t', 'nfs', ...(all.length ? ['-o', all.join(',')] : []), `${host}:${path}`, target])
}
