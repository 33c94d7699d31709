import {
  claimProtectionReconciler,
  persistentVolumeClaimReconciler,
  persistentVolumeReconciler,
  volumeProtectionReconciler,
} from '../../../controller/index.ts'
import { PersistentVolume, PersistentVolumeClaim, Pod } from '../../../models/kinds/index.ts'
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
]
