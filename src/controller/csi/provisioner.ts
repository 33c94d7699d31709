import { explain } from '../../base/errors.ts'
import { quantityToNumber } from '../../base/quantity.ts'
import type { Cache, Reconciler, World } from '../../client/reconciler.ts'
import { isAlreadyExists } from '../../models/api-error.ts'
import { CSINode, Node, PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../models/kinds/index.ts'
import { provisionedByAnnotation } from '../../models/local-volume.ts'
import { keyOf } from '../../models/object.ts'
import { type CreatedVolume, type CsiController, capabilityOf, PluginRefused } from '../../plugins/index.ts'
import { attachmentsByVolume } from '../attachment-indexes.ts'
import type { VolumeDeleter } from '../persistent-volume.ts'
import { classOf } from '../volume-match.ts'
import { type ClassParameters, classParameters, type SecretName } from './parameters.ts'
import { secretValues } from './secrets.ts'
import { segmentsOf } from './topology.ts'

const selectedNode = 'volume.kubernetes.io/selected-node'
const provisioner = 'volume.kubernetes.io/storage-provisioner'
/** On a volume: the secret that its deletion needs. */
const deletionSecret = {
  name: 'volume.kubernetes.io/provisioner-deletion-secret-name',
  namespace: 'volume.kubernetes.io/provisioner-deletion-secret-namespace',
}
const resourceExhausted = 8
const defaultFsType = 'ext4'

/** Has a CSI driver make the volumes of claims that ask for it. The name follows from the claim, so nothing is made twice. */
export function csiProvisionerReconciler(name: string, driver: CsiController): Reconciler {
  return {
    name: `csi-provisioner-${name}`,
    primary: PersistentVolumeClaim,
    watches: [
      { kind: StorageClass, keys: () => [] },
      { kind: CSINode, keys: () => [] },
      { kind: Node, keys: () => [] },
      { kind: PersistentVolume, keys: () => [] },
    ],
    writes: [
      { kind: PersistentVolume, part: 'owned' },
      { kind: PersistentVolumeClaim, part: 'metadata' },
    ],
    async reconcile(key, world) {
      const claim = world.cache.get(PersistentVolumeClaim, key)
      if (!claim || claim.metadata.annotations?.[provisioner] !== name) return
      if (claim.spec.volumeName || claim.metadata.deletionTimestamp) return
      const storageClass = world.cache.get(StorageClass, { name: classOf(claim) })
      const node = claim.metadata.annotations[selectedNode]
      if (!storageClass || (storageClass.volumeBindingMode === 'WaitForFirstConsumer' && !node)) return
      if (world.cache.get(PersistentVolume, { name: `pvc-${claim.metadata.uid}` })) return
      await provision(world, driver, name, claim, storageClass)
    },
  }
}

async function provision(
  { cache, client, events }: World,
  driver: CsiController,
  name: string,
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
): Promise<void> {
  const volumeName = `pvc-${claim.metadata.uid}`
  events.normal(claim, 'Provisioning', `External provisioner is provisioning volume for claim "${claimText(claim)}"`)
  try {
    const parameters = classParameters(storageClass.parameters ?? {}, claim, volumeName)
    const created = await driver.createVolume({
      name: volumeName,
      capacity_range: { required_bytes: quantityToNumber(claim.spec.resources?.requests?.['storage'] ?? '0') },
      volume_capabilities: [
        capabilityOf({
          modes: claim.spec.accessModes ?? [],
          single: await driver.controllerCan('SINGLE_NODE_MULTI_WRITER'),
          block: claim.spec.volumeMode === 'Block',
          fsType: fsTypeOf(claim, parameters),
          mountFlags: storageClass.mountOptions,
        }),
      ],
      parameters: parameters.driver,
      secrets: await secretValues(client, parameters.provision),
      ...placement(claim.metadata.annotations?.[selectedNode], name, cache),
    })
    await client.create(PersistentVolume, volumeOf(name, claim, storageClass, parameters, created)).catch(error => {
      if (!isAlreadyExists(error)) throw error
    })
    events.normal(claim, 'ProvisioningSucceeded', `Successfully provisioned volume ${volumeName}`)
  } catch (error) {
    const text = `failed to provision volume with StorageClass "${storageClass.metadata.name}": ${explain(error)}`
    events.warning(claim, 'ProvisioningFailed', text)
    if (
      error instanceof PluginRefused &&
      error.code === resourceExhausted &&
      claim.metadata.annotations?.[selectedNode]
    )
      await client.patch(PersistentVolumeClaim, keyOf(claim), {
        type: 'merge',
        body: { metadata: { annotations: { [selectedNode]: null } } },
      })
    throw error
  }
}

const claimText = ({ metadata }: PersistentVolumeClaim) => `${metadata.namespace}/${metadata.name}`

const fsTypeOf = ({ spec }: PersistentVolumeClaim, { fsType }: ClassParameters) =>
  spec.volumeMode === 'Block' ? '' : fsType || defaultFsType

/** Where the volume must be reachable from: the node that the scheduler chose, in the driver's own words. */
function placement(nodeName: string | undefined, driver: string, cache: Cache) {
  const segments = nodeName ? segmentsOf(nodeName, driver, cache) : undefined
  if (!segments || !Object.keys(segments).length) return {}
  return { accessibility_requirements: { requisite: [{ segments }], preferred: [{ segments }] } }
}

function volumeOf(
  driver: string,
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
  parameters: ClassParameters,
  created: CreatedVolume,
) {
  const { namespace, name, uid, resourceVersion } = claim.metadata
  const { provision, publish, stage, mount, expand, nodeExpand } = parameters
  const secret = <K extends string>(field: K, ref: SecretName | undefined) => (ref ? { [field]: ref } : {})
  const fsType = fsTypeOf(claim, parameters)
  const terms = created.accessible_topology.map(({ segments }) => ({
    matchExpressions: Object.entries(segments).map(([key, value]) => ({
      key,
      operator: 'In' as const,
      values: [value],
    })),
  }))
  const asked = claim.spec.resources?.requests?.['storage'] ?? '0'
  return {
    metadata: {
      name: `pvc-${uid}`,
      annotations: {
        [provisionedByAnnotation]: driver,
        ...(provision
          ? { [deletionSecret.name]: provision.name, [deletionSecret.namespace]: provision.namespace }
          : {}),
      },
    },
    spec: {
      // A driver that says nothing of the size has made what was asked for.
      capacity: {
        storage:
          created.capacity_bytes && created.capacity_bytes !== quantityToNumber(asked)
            ? String(created.capacity_bytes)
            : asked,
      },
      accessModes: claim.spec.accessModes ?? [],
      volumeMode: claim.spec.volumeMode ?? 'Filesystem',
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: storageClass.metadata.name,
      ...(storageClass.mountOptions?.length ? { mountOptions: storageClass.mountOptions } : {}),
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: namespace!, name, uid, resourceVersion },
      csi: {
        driver,
        volumeHandle: created.volume_id,
        ...(fsType ? { fsType } : {}),
        volumeAttributes: created.volume_context,
        ...secret('controllerPublishSecretRef', publish),
        ...secret('nodeStageSecretRef', stage),
        ...secret('nodePublishSecretRef', mount),
        ...secret('controllerExpandSecretRef', expand),
        ...secret('nodeExpandSecretRef', nodeExpand),
      },
      ...(terms.length ? { nodeAffinity: { required: { nodeSelectorTerms: terms } } } : {}),
    },
  }
}

/** Has the driver delete the volumes that it made, once they are attached nowhere. */
export function csiDeleter(driverName: string, driver: CsiController): VolumeDeleter {
  return {
    accepts: ({ metadata, spec }) =>
      metadata.annotations?.[provisionedByAnnotation] === driverName && spec.csi?.driver === driverName,
    async delete({ metadata, spec }, { cache, client }) {
      const [attached] = cache.byIndex(attachmentsByVolume, metadata.name)
      if (attached)
        throw new Error(`persistentvolume ${metadata.name} is still attached to node ${attached.spec.nodeName}`)
      const name = metadata.annotations?.[deletionSecret.name]
      const namespace = metadata.annotations?.[deletionSecret.namespace]
      const secret = name && namespace ? { name, namespace } : undefined
      await driver.deleteVolume({ volume_id: spec.csi!.volumeHandle, secrets: await secretValues(client, secret) })
    },
  }
}
