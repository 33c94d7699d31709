import type { Pod, Volume } from '../../models/types/core-v1.ts'
import type { SchedulerPlugin } from '../plugin.ts'
import type { PodInfo } from '../pod-class.ts'
import { claimUses, usesClaim } from '../volumes/claim-uses.ts'
import { isDisk } from '../volumes/inline-disks.ts'

const inUse = 'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode'

interface State {
  disks: readonly Volume[]
  /** Claims that one pod at a time may use. */
  exclusive: ReadonlySet<string>
  /** How many pods that have a node use one of them. */
  users: () => number
}

/**
 * The same disk is attached to a node once (unless all only read), and a ReadWriteOncePod claim has one pod in the whole
 * cluster.
 */
export const volumeRestrictions: SchedulerPlugin<State> = {
  name: 'VolumeRestrictions',
  scope: 'cluster',
  prepare(pod, snapshot) {
    if (!pod.spec.volumes) return undefined
    const disks = pod.spec.volumes.filter(isDisk)
    const exclusive = claimUses(pod)
      .map(u => u.key)
      .filter(key => snapshot.objects.claims.get(key)?.spec.accessModes?.includes('ReadWriteOncePod'))
    if (!disks.length && !exclusive.length) return undefined
    const users = () => exclusive.reduce((sum, key) => sum + snapshot.claimUsers(key), 0)
    return { disks, exclusive: new Set(exclusive), users }
  },
  filter({ disks, users }, { placed }) {
    if (disks.length && placed.some(other => shareDisk(disks, other))) return 'node(s) had no available disk'
    return users() ? inUse : undefined
  },
  evictionHelps: ({ disks, exclusive }, { placed }) =>
    placed.some(other => shareDisk(disks, other) || claimUses(other.pod).some(u => exclusive.has(u.key))),
  // Its user is elsewhere.
  refusalWith: () => [inUse],
  wakes: (e, { pod }) =>
    e.type === 'pod-removed'
      ? sharesClaim(pod, e.pod.pod) || shareDisk(pod.spec.volumes ?? [], e.pod)
      : e.type === 'node-added' || (e.type === 'object-changed' && e.table === 'claims' && usesClaim(pod, e.object)),
}

const sharesClaim = (a: Pod, b: Pod) => claimUses(a).some(one => claimUses(b).some(two => one.key === two.key))

const shareDisk = (wanted: readonly Volume[], { pod }: PodInfo) =>
  (pod.spec.volumes ?? []).some(taken => wanted.some(w => conflict(w, taken)))

function conflict(a: Volume, b: Volume): boolean {
  const bothRead = (key: 'gcePersistentDisk' | 'iscsi' | 'rbd') => a[key]?.readOnly && b[key]?.readOnly
  if (a.gcePersistentDisk && b.gcePersistentDisk)
    return a.gcePersistentDisk.pdName === b.gcePersistentDisk.pdName && !bothRead('gcePersistentDisk')
  if (a.awsElasticBlockStore && b.awsElasticBlockStore)
    return a.awsElasticBlockStore.volumeID === b.awsElasticBlockStore.volumeID
  if (a.iscsi && b.iscsi) return a.iscsi.iqn === b.iscsi.iqn && !bothRead('iscsi')
  if (!a.rbd || !b.rbd) return false
  const monitors = a.rbd.monitors.some(m => b.rbd!.monitors.includes(m))
  const image = (a.rbd.pool ?? 'rbd') === (b.rbd.pool ?? 'rbd') && a.rbd.image === b.rbd.image
  return monitors && image && !bothRead('rbd')
}
