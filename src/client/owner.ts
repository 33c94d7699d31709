import type { KubeObject } from '../models/object.ts'
import type { ObjectMeta, OwnerReference } from '../models/types/meta-v1.ts'

/** The reference that makes `owner` the one controller of a dependent: deleted with it, and adopted by nobody else. */
export function controllerRef(owner: KubeObject): OwnerReference {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  }
}

/** The owner that controls `object`, if one does. */
export function controllerOf(object: { metadata: Partial<ObjectMeta> }): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find(ref => ref.controller)
}
