import type { Kind } from '../../../models/kind.ts'
import {
  PersistentVolume,
  PersistentVolumeClaim,
  ResourceSlice,
  VolumeAttachment,
} from '../../../models/kinds/index.ts'
import type { AnyObject } from '../../../models/object.ts'
import type { Core } from '../../core.ts'

/** What cluster-wide objects have to do with a node, beyond its pods. */
export class NodeObjects {
  readonly #core: Core

  constructor(core: Core) {
    this.#core = core
  }

  /** The claim that a volume is bound to. */
  claimOf(volume: string): { namespace: string; name: string } | undefined {
    const { namespace, name } = this.#read(PersistentVolume, volume)?.['spec']?.claimRef ?? {}
    return namespace && name ? { namespace, name } : undefined
  }

  /** Whether the volume that is bound to a claim names the Secret as one that its node needs. */
  claimNeedsSecret(claim: { namespace: string; name: string }, secret: { namespace: string; name: string }): boolean {
    const volume: string | undefined = this.#read(PersistentVolumeClaim, claim.name, claim.namespace)?.['spec']
      ?.volumeName
    const spec = volume && this.#read(PersistentVolume, volume)?.['spec']
    if (!spec || spec.claimRef?.namespace !== claim.namespace || spec.claimRef.name !== claim.name) return false
    return secretsOfVolume(spec).some(ref => ref.name === secret.name && ref.namespace === secret.namespace)
  }

  attachmentIsOf(node: string, attachment: string): boolean {
    return this.#read(VolumeAttachment, attachment)?.['spec']?.nodeName === node
  }

  sliceIsOf(node: string, slice: string): boolean {
    return this.#read(ResourceSlice, slice)?.['spec']?.nodeName === node
  }

  #read(kind: Kind<any>, name: string, namespace?: string): AnyObject | undefined {
    const kept = this.#core.cache.get(this.#core.resources.of(kind), namespace, name)
    return kept && this.#core.shared(kept)
  }
}

const forNodes = ['secretRef', 'nodePublishSecretRef', 'nodeStageSecretRef', 'nodeExpandSecretRef']
const drivers = ['csi', 'iscsi', 'rbd', 'cephfs', 'cinder', 'flexVolume', 'scaleIO', 'storageos']

/** Those that nodes need, not those of controllers. */
function secretsOfVolume(spec: Record<string, any>): { namespace: string; name: string }[] {
  const { azureFile, claimRef } = spec
  return [
    ...drivers.flatMap(driver => forNodes.flatMap(field => spec[driver]?.[field] ?? [])),
    ...(azureFile ? [{ name: azureFile.secretName, namespace: azureFile.secretNamespace }] : []),
  ].map(({ name, namespace }) => ({ name, namespace: namespace || claimRef.namespace }))
}
