import type { Commands } from '../../base/commands.ts'
import type { Disk } from '../../base/disk.ts'
import { mountPoints } from '../../base/mount-points.ts'

/** What `blkid` exits with when it finds nothing on a device. */
const nothingFound = 2

/** So that the whole device is used, and nobody is asked. */
const formatArguments: Record<string, readonly string[]> = {
  ext3: ['-F', '-m0'],
  ext4: ['-F', '-m0'],
  xfs: ['-f'],
}

/**
 * Mounts the file system on a block device at `target`, once. A device without one gets it first; one that holds anything
 * else, partitions too, is left as it is, and `mount` says what is wrong.
 * @param options of the PersistentVolume, such as `noatime`
 * @throws what `mkfs` or `mount` says
 */
export async function mountDevice(
  { disk, commands }: { disk: Disk; commands: Commands },
  target: string,
  about: { device: string; fsType?: string; options?: readonly string[] },
): Promise<void> {
  const { device, options = [] } = about
  // Clients send it empty, too.
  const fsType = about.fsType || 'ext4'
  if ((await mountPoints(disk)).some(point => point.path === target)) return
  const found = await commands.run('blkid', ['-p', '-s', 'TYPE', '-s', 'PTTYPE', '-o', 'value', device], {
    allowFailure: true,
  })
  if (found.code === nothingFound) await commands.run(`mkfs.${fsType}`, [...(formatArguments[fsType] ?? []), device])
  await disk.makeFolder(target, { mode: 0o750 })
  await commands.run('mount', ['-t', fsType, ...(options.length ? ['-o', options.join(',')] : []), device, target])
}
