import {
  claimProtectionReconciler,
  ephemeralVolumeReconciler,
  localCapacityReconciler,
  localVolumeReconciler,
  persistentVolumeClaimReconciler,
  persistentVolumeReconciler,
  volumeProtectionReconciler,
} from '../../../controller/index.ts'
import { Node, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../../../models/kinds/index.ts'
import { localFolderAnnotation, localProvisioner } from '../../../models/local-volume.ts'
import type { Story } from '../story.ts'
import { named, pod } from './parts.ts'

const deleter = { accepts: () => true, delete: async () => {} }
const storageClassName = 'plain'

export const storageStories: Story[] = [
  {
    name: 'claims are given volumes, used, deleted, and the volumes taken back',
    about: [
      'persistent-volume-claim-binder',
      'persistent-volume-binder',
      'persistent-volume-claim-protection',
      'persistent-volume-protection',
    ],
    reconcilers: () => [
      persistentVolumeClaimReconciler(),
      persistentVolumeReconciler({ deleters: [deleter] }),
      claimProtectionReconciler(),
      volumeProtectionReconciler(),
    ],
    acts: [
      async ({ client }) => {
        for (const name of ['v1', 'v2'])
          await client.create(PersistentVolume, {
            metadata: { name },
            spec: {
              ...{ capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], storageClassName },
              ...{ hostPath: { path: `/data/${name}` }, persistentVolumeReclaimPolicy: 'Delete' },
            },
          })
        for (const name of ['c1', 'c2'])
          await client.create(PersistentVolumeClaim, {
            metadata: named(name),
            spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName },
          })
        const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'c1' } }]
        await client.create(Pod, pod('user', { volumes }))
      },
      ({ client }) => client.delete(PersistentVolumeClaim, named('c1')),
      ({ client }) => client.delete(Pod, named('user')),
    ],
  },
  {
    name: 'a pod brings a claim of its own, which gets a folder of its node, and all goes with it',
    about: ['ephemeral-volume', 'local-volume-provisioner', 'local-volume-capacity'],
    reconcilers: () => [
      ephemeralVolumeReconciler(),
      localVolumeReconciler(),
      localCapacityReconciler(),
      persistentVolumeClaimReconciler(),
      persistentVolumeReconciler({ deleters: [deleter] }),
      claimProtectionReconciler(),
      volumeProtectionReconciler(),
    ],
    garbageCollector: true,
    acts: [
      async ({ client }) => {
        await client.create(Node, {
          metadata: { name: 'n1', annotations: { [localFolderAnnotation]: '/data' } },
          spec: {},
          status: { allocatable: { 'ephemeral-storage': '10Gi' } },
        })
        await client.create(StorageClass, {
          metadata: { name: 'folders' },
          ...{ provisioner: localProvisioner, volumeBindingMode: 'WaitForFirstConsumer' },
        })
        const claim = {
          accessModes: ['ReadWriteOnce' as const],
          resources: { requests: { storage: '1Gi' } },
          storageClassName: 'folders',
        }
        const volumes = [{ name: 'scratch', ephemeral: { volumeClaimTemplate: { spec: claim } } }]
        await client.create(Pod, pod('worker', { volumes }))
      },
      // What the scheduler says of it.
      ({ patch }) =>
        patch(PersistentVolumeClaim, 'worker-scratch', {
          metadata: { annotations: { 'volume.kubernetes.io/selected-node': 'n1' } },
        }),
      ({ client }) => client.delete(Pod, named('worker')),
    ],
  },
]
