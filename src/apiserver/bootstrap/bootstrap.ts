import type { Kind } from '../../models/kind.ts'
import { CSIDriver, Namespace, PriorityClass, Service, ServiceAccount, StorageClass } from '../../models/kinds/index.ts'
import { localClass, localProvisioner } from '../../models/local-volume.ts'
import { networkAccount } from '../../models/network-account.ts'
import type { AnyObject } from '../../models/object.ts'
import type { Core } from '../core.ts'
import { ensure } from './ensure.ts'

export interface BootstrapOptions {
  /** The first address of the service range: that of the `kubernetes` Service. */
  serviceAddress: string
}

/** What every cluster has from the start; what is there already stays as it is. */
export async function bootstrap(core: Core, options: BootstrapOptions): Promise<void> {
  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease'])
    await ensure(core, Namespace, { metadata: { name } as AnyObject['metadata'] })
  for (const [name, value, description] of [
    [
      'system-cluster-critical',
      2_000_000_000,
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
    ],
    [
      'system-node-critical',
      2_000_001_000,
      'Used for system critical pods that must not be moved from their current node.',
    ],
  ] as const)
    await ensure(core, PriorityClass, {
      metadata: { name } as AnyObject['metadata'],
      value,
      description,
      preemptionPolicy: 'PreemptLowerPriority',
    })
  await ensureLocalVolumes(core)
  await ensure(core, ServiceAccount, { metadata: { ...networkAccount } as AnyObject['metadata'] })
  await ensure(core, Service, {
    metadata: {
      name: 'kubernetes',
      namespace: 'default',
      labels: { component: 'apiserver', provider: 'kubernetes' },
    } as unknown as AnyObject['metadata'],
    spec: {
      type: 'ClusterIP',
      clusterIP: options.serviceAddress,
      clusterIPs: [options.serviceAddress],
      sessionAffinity: 'None',
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 6443 }],
    },
  })
}

/** Claims work on a fresh cluster. One that has classes of its own, or whose administrator deleted ours, is left alone. */
async function ensureLocalVolumes(core: Core): Promise<void> {
  const has = (kind: Kind<any>, name: string) => core.cache.get(core.resources.of(kind), undefined, name) !== undefined
  if (has(CSIDriver, localProvisioner)) return
  const classes = core.cache.bucket(core.resources.of(StorageClass)).list()
  if (![...classes].length)
    await ensure(core, StorageClass, {
      metadata: {
        name: localClass,
        annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
      } as unknown as AnyObject['metadata'],
      provisioner: localProvisioner,
      reclaimPolicy: 'Delete',
      volumeBindingMode: 'WaitForFirstConsumer',
    })
  // Last: that it is there says that the class was made, whatever became of it since.
  await ensure(core, CSIDriver, {
    metadata: { name: localProvisioner } as AnyObject['metadata'],
    spec: { attachRequired: false, storageCapacity: true },
  })
}
