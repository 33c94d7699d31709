import type { Node, Pod } from '../../models/types/core-v1.ts'
import type { ClaimSketch, StorageSketch, VolumeSketch } from './storage.ts'

const zoneLabel = 'topology.kubernetes.io/zone'
const gi = (size = '1Gi') => Number.parseInt(size, 10)
const claimNames = (pod: Pod) => (pod.spec.volumes ?? []).flatMap(v => v.persistentVolumeClaim?.claimName ?? [])

/** What the volumes of a pod allow, as plainly as can be. Claims live in the namespace `default`. */
export function storageAllows(
  pod: Pod,
  node: Node,
  storage: Partial<StorageSketch>,
  there: readonly Pod[],
  all: readonly Pod[],
): boolean {
  const { claims = [], volumes = [] } = storage
  const namesOf = (p: Pod) => (p.metadata.namespace === 'default' ? claimNames(p) : [])
  if (pod.metadata.namespace !== 'default' && claimNames(pod).length) return false
  const mine = namesOf(pod).map(name => claims.find(c => c.name === name))
  if (mine.includes(undefined)) return false
  const wanted = mine as ClaimSketch[]
  const exclusive = wanted.filter(c => c.mode === 'ReadWriteOncePod')
  if (exclusive.some(c => all.some(p => namesOf(p).includes(c.name)))) return false
  return (
    wanted.every(
      c =>
        !c.volume ||
        boundAllows(
          volumes.find(v => v.name === c.volume),
          node,
        ),
    ) &&
    waitingAllow(
      wanted.filter(c => !c.volume),
      node,
      storage,
    ) &&
    limitAllows(new Set(wanted.map(c => c.name)), new Set(there.flatMap(namesOf)), node, storage)
  )
}

const reached = (v: VolumeSketch, node: Node) => !v.zone || node.metadata.labels?.['zone'] === v.zone

function boundAllows(volume: VolumeSketch | undefined, node: Node): boolean {
  if (!volume || !reached(volume, node)) return false
  const zone = volume.labels?.[zoneLabel]
  const here = node.metadata.labels?.[zoneLabel]
  return zone === undefined || here === undefined || zone === here
}

/** Every claim gets a volume of its own, or one can be made: the smallest claim takes the smallest volume first. */
function waitingAllow(
  waiting: ClaimSketch[],
  node: Node,
  { volumes = [], storageClasses = [] }: Partial<StorageSketch>,
) {
  const taken = new Set<string>()
  for (const claim of [...waiting].sort((a, b) => gi(a.size) - gi(b.size))) {
    const storageClass = storageClasses.find(s => s.name === claim.storageClass)
    if (!storageClass?.waits) return false
    const [volume] = volumes
      .filter(v => v.storageClass === claim.storageClass && gi(v.size) >= gi(claim.size))
      .filter(v => reached(v, node) && !taken.has(v.name))
      .sort((a, b) => gi(a.size) - gi(b.size))
    if (volume) taken.add(volume.name)
    else if (!storageClass.provisioner) return false
    else if (storageClass.zones && !storageClass.zones.includes(node.metadata.labels?.['zone'] ?? '')) return false
  }
  return true
}

function limitAllows(mine: Set<string>, there: Set<string>, node: Node, storage: Partial<StorageSketch>): boolean {
  const limit = storage.limits?.[node.metadata.name]
  if (limit === undefined) return true
  const attached = (names: Iterable<string>) => [...names].filter(name => isAttached(name, storage))
  const more = attached(mine).filter(name => !there.has(name))
  return !more.length || attached(there).length + more.length <= limit
}

/** By driver `d`: what is bound to a volume that is there, and what `d` will make. */
function isAttached(name: string, { claims = [], volumes = [], storageClasses = [] }: Partial<StorageSketch>): boolean {
  const claim = claims.find(c => c.name === name)
  if (claim?.volume && volumes.some(v => v.name === claim.volume)) return true
  return storageClasses.find(s => s.name === claim?.storageClass)?.provisioner === 'd'
}
