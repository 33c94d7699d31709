import {
  attachDetachReconciler,
  claimProtectionReconciler,
  csiDeleter,
  csiReconcilers,
  ephemeralVolumeReconciler,
  localCapacityReconciler,
  localVolumeReconciler,
  persistentVolumeClaimReconciler,
  persistentVolumeReconciler,
  resourceClaimReconciler,
  resourceClaimTemplateReconciler,
  volumeExpansionReconciler,
  volumeProtectionReconciler,
  volumesAttachedReconciler,
} from '../../../controller/index.ts'
import {
  CSIDriver,
  CSINode,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  ResourceClaim,
  ResourceClaimTemplate,
  StorageClass,
} from '../../../models/kinds/index.ts'
import { localFolderAnnotation, localProvisioner } from '../../../models/local-volume.ts'
import { memoryDriver } from '../../../plugins/testing/memory-driver.ts'
import type { Story } from '../story.ts'
import { named, pod } from './parts.ts'

const deleter = { accepts: () => true, delete: async () => {} }
const storageClassName = 'plain'
const driverName = 'disk.test'

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
  {
    name: 'a pod brings a claim for a device, which is given back when it goes',
    about: ['resource-claim', 'resource-claim-template'],
    reconcilers: () => [resourceClaimReconciler(), resourceClaimTemplateReconciler()],
    garbageCollector: true,
    acts: [
      async ({ client }) => {
        const spec = { devices: { requests: [{ name: 'r', deviceClassName: 'gpu' }] } }
        await client.create(ResourceClaimTemplate, { metadata: named('one'), spec: { spec } })
        const resourceClaims = [{ name: 'gpu', resourceClaimTemplateName: 'one' }]
        await client.create(Pod, pod('user', { resourceClaims }))
      },
      // What the scheduler does.
      async ({ client, patch }) => {
        const [claim] = (await client.list(ResourceClaim, { namespace: 'default' })).items
        const { uid } = (await client.get(Pod, named('user'))).metadata
        const { name } = claim!.metadata
        await patch(ResourceClaim, name, { metadata: { finalizers: ['resource.kubernetes.io/delete-protection'] } })
        const results = [{ request: 'r', driver: 'd', pool: 'p', device: 'x' }]
        const reservedFor = [{ resource: 'pods', name: 'user', uid }]
        await patch(ResourceClaim, name, { status: { allocation: { devices: { results } }, reservedFor } }, 'status')
      },
      ({ client }) => client.delete(Pod, named('user')),
    ],
  },
  {
    name: 'a driver makes a volume for a claim, which is attached for a pod, detached after it, and deleted with the claim',
    about: [
      ...['attach-detach', 'volumes-attached', `csi-provisioner-${driverName}`, `csi-attacher-${driverName}`],
      ...[`csi-resizer-${driverName}`, 'volume-expand'],
    ],
    reconcilers() {
      const driver = memoryDriver()
      return [
        attachDetachReconciler(),
        volumesAttachedReconciler(),
        ...csiReconcilers(driverName, driver),
        volumeExpansionReconciler(),
        persistentVolumeClaimReconciler(),
        persistentVolumeReconciler({ deleters: [csiDeleter(driverName, driver)] }),
        claimProtectionReconciler(),
        volumeProtectionReconciler(),
      ]
    },
    acts: [
      async ({ client }) => {
        await client.create(Node, { metadata: { name: 'n1' }, spec: {} })
        await client.create(CSINode, {
          metadata: { name: 'n1' },
          spec: { drivers: [{ name: driverName, nodeID: 'id-of-n1', topologyKeys: [] }] },
        })
        const metadata = { name: 'disks' }
        await client.create(StorageClass, { metadata, provisioner: driverName, allowVolumeExpansion: true })
        await client.create(PersistentVolumeClaim, {
          metadata: named('disk'),
          spec: {
            ...{ accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
            storageClassName: 'disks',
          },
        })
      },
      async ({ client }) => {
        const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'disk' } }]
        await client.create(Pod, pod('user', { volumes, nodeName: 'n1' }))
      },
      ({ patch }) => patch(PersistentVolumeClaim, 'disk', { spec: { resources: { requests: { storage: '2Gi' } } } }),
      ({ client }) => client.delete(Pod, named('user')),
      ({ client }) => client.delete(PersistentVolumeClaim, named('disk')),
    ],
  },
  {
    name: 'a driver tells how much room it has in each part of its topology, and how its volumes are',
    about: [`csi-capacity-${driverName}`, `csi-health-${driverName}`],
    reconcilers() {
      const driver = memoryDriver()
      driver.room.set('b', 2 ** 30)
      return [
        ...csiReconcilers(driverName, driver),
        persistentVolumeClaimReconciler(),
        persistentVolumeReconciler({ deleters: [csiDeleter(driverName, driver)] }),
      ]
    },
    acts: [
      async ({ client }) => {
        await client.create(CSIDriver, { metadata: { name: driverName }, spec: { storageCapacity: true } })
        for (const [name, zone] of [
          ['n1', 'a'],
          ['n2', 'b'],
          ['n3', 'b'],
        ] as const) {
          await client.create(Node, { metadata: { name, labels: { zone } }, spec: {} })
          await client.create(CSINode, {
            metadata: { name },
            spec: { drivers: [{ name: driverName, nodeID: name, topologyKeys: ['zone'] }] },
          })
        }
        await client.create(StorageClass, {
          metadata: { name: 'disks' },
          ...{ provisioner: driverName, volumeBindingMode: 'WaitForFirstConsumer' },
        })
        await client.create(PersistentVolumeClaim, {
          metadata: { ...named('disk'), annotations: { 'volume.kubernetes.io/selected-node': 'n2' } },
          spec: {
            ...{ accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
            storageClassName: 'disks',
          },
        })
      },
      ({ client }) => client.delete(CSINode, { name: 'n1' }),
      ({ client }) => client.delete(StorageClass, { name: 'disks' }),
    ],
  },
]
