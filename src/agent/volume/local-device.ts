import type { Commands } from '../../base/commands.ts'
import type { Disk } from '../../base/disk.ts'
import { isMountPoint } from '../../base/mount-points.ts'

interface Tools {
  disk: Disk
  commands: Commands
}

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
  { disk, commands }: Tools,
  target: string,
  about: { device: string; fsType?: string; options?: readonly string[] },
): Promise<void> {
  const { device, options = [] } = about
  // Clients send it empty, too.
  const fsType = about.fsType || 'ext4'
  if (await isMountPoint(disk, target)) return
  const found = await commands.run('blkid', ['-p', '-s', 'TYPE', '-s', 'PTTYPE', '-o', 'value', device], {
    allowFailure: true,
  })
  if (found.code === nothingFound) await commands.run(`mkfs.${fsType}`, [...(formatArguments[fsType] ?? []), device])
  await disk.makeFolder(target, { mode: 0o750 })
  await commands.run('mount', ['-t', fsType, ...(options.length ? ['-o', options.join(',')] : []), device, target])
}

/** By file system: what makes it as large as its device, while it is mounted at `target`. */
const growCommands: Record<string, (device: string, target: string) => [program: string, ...args: string[]]> = {
  ext3: device => ['resize2fs', device],
  ext4: device => ['resize2fs', device],
  xfs: (_, target) => ['xfs_growfs', '-d', target],
  btrfs: (_, target) => ['btrfs', 'filesystem', 'resize', 'max', target],
}

/** Lets the file system on a device have all of it. @throws what the tool says */
export async function growFileSystem(
  { commands }: Pick<Tools, 'commands'>,
  device: string,
  target: string,
): Promise<void> {
  const { stdout } = await commands.run('blkid', ['-p', '-s', 'TYPE', '-o', 'value', device])
  const grow = growCommands[stdout.trim()]
  if (!grow) throw new Error(`file system ${stdout.trim()} of device ${device} cannot be grown`)
  const [program, ...args] = grow(device, target)
  await commands.run(program, args)
}
