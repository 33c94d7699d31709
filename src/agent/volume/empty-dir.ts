import type { Commands } from '../../base/commands.ts'
import type { Disk } from '../../base/disk.ts'
import { isMountPoint } from '../../base/mount-points.ts'
import { quantityToNumber } from '../../base/quantity.ts'
import type { Pod, Volume } from '../../models/types/core-v1.ts'
import { emptyDirFolder } from './places.ts'

const hugePages = /^HugePages(?:-(.+))?$/

/** A folder that lives as long as its pod: on the node's disk, in memory, or of huge pages. @param tools their `folder` is the agent's own */
export async function makeEmptyDir(
  { disk, commands, folder }: { disk: Disk; commands: Commands; folder: string },
  volume: Volume,
  pod: Pod,
): Promise<string> {
  const path = emptyDirFolder(folder, pod.metadata.uid!, volume.name)
  const fresh = !(await disk.exists(path))
  await disk.makeFolder(path)
  const mount = mountOptions(volume, pod)
  if (mount && !(await isMountPoint(disk, path))) await commands.run('mount', ['-t', ...mount, path])
  if (fresh || mount) {
    const group = pod.spec.securityContext?.fsGroup
    if (group !== undefined) await disk.chown(path, 0, group)
    // A tmpfs comes with the sticky bit, which stays: nobody takes away another's file.
    const sticky = (await disk.stat(path)).mode & 0o1000
    await disk.chmod(path, sticky | (group === undefined ? 0o777 : 0o2777))
  }
  return path
}

/** What `mount` is told of the volume, from its type to its source; undefined: it is no file system of its own. */
function mountOptions({ name, emptyDir }: Volume, pod: Pod): string[] | undefined {
  const { medium = '', sizeLimit } = emptyDir!
  if (medium === 'Memory') {
    const limit = sizeLimit ? quantityToNumber(sizeLimit) : 0
    return ['tmpfs', ...(limit ? ['-o', `size=${limit}`] : []), 'tmpfs']
  }
  const huge = hugePages.exec(medium)
  return huge ? ['hugetlbfs', '-o', `pagesize=${pageBytes(name, huge[1], pod)}`, 'nodev'] : undefined
}

/** Of huge pages whose size the volume does not say there must be but one size in the pod. */
function pageBytes(volume: string, size: string | undefined, { spec }: Pod): number {
  if (size) return quantityToNumber(size)
  const asked = [...spec.containers, ...(spec.initContainers ?? [])].flatMap(({ resources = {} }) =>
    Object.keys({ ...resources.limits, ...resources.requests }).filter(name => name.startsWith('hugepages-')),
  )
  const [only, ...others] = new Set(asked)
  if (!only || others.length)
    throw new Error(
      `volume "${volume}" of medium HugePages needs containers that ask for huge pages of one size; they ask for ${only ? [only, ...others].join(' and ') : 'none'}: name the size in the medium, such as HugePages-2Mi`,
    )
  return quantityToNumber(only.slice('hugepages-'.length))
}
