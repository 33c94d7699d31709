import type { Disk } from '../../base/disk.ts'
import { codeOf } from '../../base/errors.ts'
import type { HostPathVolumeSource } from '../../models/types/core-v1.ts'

type Stat = Awaited<ReturnType<Disk['stat']>>

/** What is on the host must be of the type that the pod expects; two types make what is missing. Rejects with what is wrong. */
export async function checkHostPath(disk: Disk, { path, type = '' }: HostPathVolumeSource): Promise<void> {
  if (type === '') return
  const stat = await statOf(disk, path)
  if (!stat && type === 'DirectoryOrCreate') {
    await disk.makeFolder(path, { mode: 0o755 })
    return
  }
  if (!stat && type === 'FileOrCreate') {
    const file = await disk.open(path, 'a')
    await file.close()
    await disk.chmod(path, 0o644)
    return
  }
  const [fits, what] = expectation(type, stat)
  if (!fits) throw new Error(`hostPath type check failed: ${path} is not ${what}`)
}

function expectation(type: string, stat: Stat | undefined): [boolean, string] {
  switch (type) {
    case 'Directory':
    case 'DirectoryOrCreate':
      return [stat?.isDirectory() ?? false, 'a directory']
    case 'File':
    case 'FileOrCreate':
      return [stat?.isFile() ?? false, 'a file']
    case 'Socket':
      return [stat?.isSocket() ?? false, 'a socket file']
    case 'CharDevice':
      return [stat?.isCharacterDevice() ?? false, 'a character device']
    case 'BlockDevice':
      return [stat?.isBlockDevice() ?? false, 'a block device']
    default:
      return [false, `of the known types (it is "${type}")`]
  }
}

async function statOf(disk: Disk, path: string): Promise<Stat | undefined> {
  try {
    return await disk.stat(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
