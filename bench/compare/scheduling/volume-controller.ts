import type { Json, Side } from '../side.ts'

const merge = 'application/merge-patch+json'
const bound = 'pv.kubernetes.io/bind-completed'
const chosen = 'volume.kubernetes.io/selected-node'

/** One round of what the controller of volumes does when a scheduler has chosen a volume, or a node for one that is to be made. */
export async function bindVolumes(side: Side): Promise<void> {
  const claims: Json[] = (await side.json('GET', '/api/v1/persistentvolumeclaims')).items
  const waiting = claims.filter(claim => !claim.spec.volumeName)
  for (const claim of waiting.filter(c => c.metadata.annotations?.[chosen] && c.spec.storageClassName === 'made'))
    await make(claim, side)
  const volumes: Json[] = (await side.json('GET', '/api/v1/persistentvolumes')).items
  for (const claim of waiting) {
    const volume = volumes.find(v => v.spec.claimRef?.uid === claim.metadata.uid)
    if (volume) await bind(claim, volume.metadata.name, side)
  }
}

async function make({ metadata, spec }: Json, side: Side): Promise<void> {
  const { namespace, name, uid } = metadata
  await side.json('POST', '/api/v1/persistentvolumes', {
    metadata: { name: `made-${namespace}-${name}` },
    spec: {
      accessModes: spec.accessModes,
      capacity: spec.resources.requests,
      csi: { driver: 'd.io', volumeHandle: `made-${namespace}` },
      storageClassName: spec.storageClassName,
      claimRef: { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace, name, uid },
    },
  })
}

async function bind({ metadata }: Json, volumeName: string, side: Side): Promise<void> {
  const claim = `/api/v1/namespaces/${metadata.namespace}/persistentvolumeclaims/${metadata.name}`
  const status = { status: { phase: 'Bound' } }
  await side.json('PATCH', `/api/v1/persistentvolumes/${volumeName}/status`, status, merge)
  await side.json('PATCH', claim, { metadata: { annotations: { [bound]: 'yes' } }, spec: { volumeName } }, merge)
  await side.json('PATCH', `${claim}/status`, status, merge)
}
