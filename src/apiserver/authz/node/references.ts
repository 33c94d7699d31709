import { claimNameOf } from '../../../models/claim-name.ts'
import type { AnyObject } from '../../../models/object.ts'

/** Names of the objects in its namespace that a pod needs on its node. */
export interface PodReferences {
  secrets: Set<string>
  configMaps: Set<string>
  claims: Set<string>
  resourceClaims: Set<string>
}

/** Every place of a pod that names a Secret, ConfigMap or PersistentVolumeClaim. */
export function referencesOf(pod: AnyObject): PodReferences {
  const out: PodReferences = { secrets: new Set(), configMaps: new Set(), claims: new Set(), resourceClaims: new Set() }
  const spec = pod['spec'] ?? {}
  for (const ref of spec.imagePullSecrets ?? []) add(out.secrets, ref.name)
  for (const list of ['containers', 'initContainers', 'ephemeralContainers'])
    for (const container of spec[list] ?? []) {
      for (const env of container.env ?? []) {
        add(out.secrets, env.valueFrom?.secretKeyRef?.name)
        add(out.configMaps, env.valueFrom?.configMapKeyRef?.name)
      }
      for (const from of container.envFrom ?? []) {
        add(out.secrets, from.secretRef?.name)
        add(out.configMaps, from.configMapRef?.name)
      }
    }
  for (const claim of spec.resourceClaims ?? []) add(out.resourceClaims, claim.resourceClaimName)
  for (const status of pod['status']?.resourceClaimStatuses ?? []) add(out.resourceClaims, status.resourceClaimName)
  for (const volume of spec.volumes ?? []) {
    add(out.secrets, volume.secret?.secretName)
    add(out.configMaps, volume.configMap?.name)
    add(out.claims, claimNameOf(pod, volume))
    for (const source of volume.projected?.sources ?? []) {
      add(out.secrets, source.secret?.name)
      add(out.configMaps, source.configMap?.name)
    }
    for (const driver of ['csi', 'iscsi', 'rbd', 'cephfs', 'flexVolume', 'scaleIO', 'storageos', 'azureFile'])
      for (const field of ['nodePublishSecretRef', 'secretRef']) add(out.secrets, volume[driver]?.[field]?.name)
    add(out.secrets, volume.azureFile?.secretName)
  }
  return out
}

function add(names: Set<string>, name: unknown): void {
  if (typeof name === 'string' && name) names.add(name)
}
