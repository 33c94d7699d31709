import type { Disk } from '../../../base/disk.ts'
import { type MountPoint, mountOf, mountPoints } from '../../../base/mount-points.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

const propagated = ['/sys/fs', '/var/run/calico']

/** Whether what Calico's init container mounts is seen by the host, and whether there is a file system for BPF. */
export async function checkMounts(disk: Disk): Promise<Finding[]> {
  const points = await mountPoints(disk)
  return [...propagated.map(path => sharedFinding(points, path)), bpfFinding(points)]
}

/** Pure. */
export function sharedFinding(points: readonly MountPoint[], path: string): Finding {
  const check = `mounts: ${path}`
  const mount = mountOf(points, path)
  if (mount.shared) return ok(check, `below the shared mount ${mount.path}`)
  return fail(
    check,
    `${mount.path} is a private mount: a pod that mounts below ${path} with mountPropagation Bidirectional does not start`,
    'mount --make-rshared /   (and at each start of the machine)',
  )
}

/** Pure. */
export function bpfFinding(points: readonly MountPoint[]): Finding {
  const found = points.some(point => point.path === '/sys/fs/bpf' && point.type === 'bpf')
  if (found) return ok('mounts: bpffs', 'mounted at /sys/fs/bpf')
  return warn(
    'mounts: bpffs',
    'no BPF file system at /sys/fs/bpf',
    'mount -t bpf bpffs /sys/fs/bpf   (Calico tries it itself)',
  )
}
