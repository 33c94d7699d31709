import type { PersistentVolume, PersistentVolumeClaim, Volume } from '../../models/types/core-v1.ts'
import type { ClusterObjects } from '../cluster-objects.ts'

type AccessMode = NonNullable<PersistentVolumeClaim['spec']['accessModes']>[number]

export interface ClaimSketch {
  name: string
  storageClass?: string
  /** The volume that it is bound to. */
  volume?: string
  mode?: AccessMode
  size?: string
  phase?: 'Lost' | 'Pending' | 'Bound'
  deleted?: boolean
  selectedNode?: string
  owner?: string
}

export interface VolumeSketch {
  name: string
  storageClass?: string
  size?: string
  /** Reached from nodes with this value of `zone`. */
  zone?: string
  labels?: Record<string, string>
  mode?: AccessMode
  /** The claim it is for: `namespace/name`. */
  claim?: string
  driver?: string
}

export interface StorageSketch {
  claims: ClaimSketch[]
  volumes: VolumeSketch[]
  storageClasses: { name: string; waits?: boolean; provisioner?: string; zones?: string[] }[]
  /** How many volumes of driver `d` each node takes. */
  limits: Record<string, number>
  capacities: { storageClass: string; size: string; zone: string }[]
  services: Record<string, string>[]
}

const meta = (name: string, more = {}) => ({ name, uid: `uid-${name}`, resourceVersion: '1', ...more })

export const claimVolume = (name: string): Volume => ({ name, persistentVolumeClaim: { claimName: name } })

export function makeClaim(c: ClaimSketch): PersistentVolumeClaim {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: meta(c.name, {
      namespace: 'default',
      annotations: {
        ...(c.volume ? { 'pv.kubernetes.io/bind-completed': 'yes' } : {}),
        ...(c.selectedNode ? { 'volume.kubernetes.io/selected-node': c.selectedNode } : {}),
      },
      ...(c.deleted ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
      ...(c.owner
        ? { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: c.owner, uid: c.owner, controller: true }] }
        : {}),
    }),
    spec: {
      storageClassName: c.storageClass ?? '',
      accessModes: [c.mode ?? 'ReadWriteOnce'],
      resources: { requests: { storage: c.size ?? '1Gi' } },
      ...(c.volume ? { volumeName: c.volume } : {}),
    },
    status: { phase: c.phase ?? (c.volume ? 'Bound' : 'Pending') },
  }
}

export function makeVolume(v: VolumeSketch): PersistentVolume {
  const [namespace, name] = v.claim?.split('/') ?? []
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: meta(v.name, v.labels ? { labels: v.labels } : {}),
    spec: {
      storageClassName: v.storageClass ?? '',
      accessModes: [v.mode ?? 'ReadWriteOnce'],
      capacity: { storage: v.size ?? '1Gi' },
      csi: { driver: v.driver ?? 'd', volumeHandle: v.name },
      ...(name ? { claimRef: { ...(namespace ? { namespace } : {}), name } } : {}),
      ...(v.zone
        ? {
            nodeAffinity: {
              required: {
                nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: [v.zone] }] }],
              },
            },
          }
        : {}),
    },
    status: { phase: v.claim ? 'Bound' : 'Available' },
  }
}

export function fillStorage(objects: ClusterObjects, sketch: Partial<StorageSketch>): void {
  const { claims = [], volumes = [], storageClasses = [], limits = {}, capacities = [], services = [] } = sketch
  for (const c of claims) objects.claims.set(makeClaim(c))
  for (const v of volumes) objects.volumes.set(makeVolume(v))
  for (const { name, waits, provisioner = 'kubernetes.io/no-provisioner', zones } of storageClasses)
    objects.storageClasses.set({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: meta(name),
      provisioner,
      volumeBindingMode: waits ? 'WaitForFirstConsumer' : 'Immediate',
      ...(zones ? { allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: zones }] }] } : {}),
    })
  for (const [name, count] of Object.entries(limits))
    objects.csiNodes.set({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'CSINode',
      metadata: meta(name),
      spec: { drivers: [{ name: 'd', nodeID: name, allocatable: { count } }] },
    })
  for (const [i, { storageClass, size, zone }] of capacities.entries()) {
    objects.csiDrivers.set({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'CSIDriver',
      metadata: meta('d'),
      spec: { storageCapacity: true },
    })
    objects.capacities.set({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'CSIStorageCapacity',
      metadata: meta(`capacity-${i}`, { namespace: 'default' }),
      storageClassName: storageClass,
      capacity: size,
      nodeTopology: { matchLabels: { zone } },
    })
  }
  for (const [i, selector] of services.entries())
    objects.services.set({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: meta(`s${i}`, { namespace: 'default' }),
      spec: { selector },
    })
}
