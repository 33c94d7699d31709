import { groupVersionOf } from '../models/group-version.ts'
import type { Kind } from '../models/kind.ts'
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

/** `apps` of `apps/v1`, '' of `v1`. */
export function groupOf(apiVersion = ''): string {
  return groupVersionOf(apiVersion).group
}

/** Whether what a reference names is of this kind, in whatever version. */
export function isOfKind(ref: { apiVersion?: string; kind: string }, { group, kind }: Kind<any>): boolean {
  return ref.kind === kind && groupOf(ref.apiVersion) === group
}
