import type { Kind } from '../models/kind.ts'
import {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  DeviceClass,
  PersistentVolume,
  PersistentVolumeClaim,
  PodGroup,
  Queue,
  Recommendation,
  ReplicaSet,
  ReplicationController,
  ResourceClaim,
  ResourceSlice,
  SchedulerPlugin,
  Service,
  StatefulSet,
  StorageClass,
  VolumeAttachment,
} from '../models/kinds/index.ts'
import type { AllocationResult } from '../models/types/resource-v1beta1.ts'
import { ClaimTable } from './dra/device-uses.ts'
import { ObjectTable } from './object-table.ts'
import { classOf } from './volumes/volume-match.ts'

const namespaceOf = (o: { metadata: { namespace?: string } }) => o.metadata.namespace

/** What placement looks at besides nodes, pods and namespaces. One more kind is one more line here and in `kindOf`. */
export class ClusterObjects {
  readonly claims = new ObjectTable<PersistentVolumeClaim>()
  /** By class. */
  readonly volumes = new ObjectTable<PersistentVolume>(classOf)
  readonly storageClasses = new ObjectTable<StorageClass>()
  readonly csiNodes = new ObjectTable<CSINode>()
  readonly csiDrivers = new ObjectTable<CSIDriver>()
  /** By class. */
  readonly capacities = new ObjectTable<CSIStorageCapacity>(c => c.storageClassName)
  /** By node. */
  readonly attachments = new ObjectTable<VolumeAttachment>(a => a.spec.nodeName)
  /** These by namespace. */
  readonly services = new ObjectTable<Service>(namespaceOf)
  readonly replicaSets = new ObjectTable<ReplicaSet>(namespaceOf)
  readonly statefulSets = new ObjectTable<StatefulSet>(namespaceOf)
  readonly replicationControllers = new ObjectTable<ReplicationController>(namespaceOf)
  readonly schedulerPlugins = new ObjectTable<SchedulerPlugin>()
  readonly podGroups = new ObjectTable<PodGroup>()
  readonly deviceClasses = new ObjectTable<DeviceClass>()
  readonly resourceClaims = new ClaimTable()
  readonly resourceSlices = new ObjectTable<ResourceSlice>()
  readonly queues = new ObjectTable<Queue>()
  readonly recommendations = new ObjectTable<Recommendation>()
  /** Volumes promised to claims whose binding is under way: the claim's key by the volume's name. */
  readonly promisedVolumes = new Map<string, string>()
  /** What claims get whose allocation is under way, by the claim's key. */
  readonly promisedDevices = new Map<string, AllocationResult>()

  /** The same objects; what is promised is promised apart. */
  fork(): ClusterObjects {
    return Object.assign(new ClusterObjects(), this, {
      promisedVolumes: new Map(this.promisedVolumes),
      promisedDevices: new Map(this.promisedDevices),
    })
  }
}

export type TableName = {
  [name in keyof ClusterObjects]: ClusterObjects[name] extends ObjectTable<any> ? name : never
}[keyof ClusterObjects]

/** Which kind fills which table. */
export const kindOf: Record<TableName, Kind<any>> = {
  claims: PersistentVolumeClaim,
  volumes: PersistentVolume,
  storageClasses: StorageClass,
  csiNodes: CSINode,
  csiDrivers: CSIDriver,
  capacities: CSIStorageCapacity,
  attachments: VolumeAttachment,
  services: Service,
  replicaSets: ReplicaSet,
  statefulSets: StatefulSet,
  replicationControllers: ReplicationController,
  podGroups: PodGroup,
  deviceClasses: DeviceClass,
  resourceClaims: ResourceClaim,
  resourceSlices: ResourceSlice,
  queues: Queue,
  recommendations: Recommendation,
  schedulerPlugins: SchedulerPlugin,
}

export const watchedKinds = Object.values(kindOf)
