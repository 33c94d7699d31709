import type { KubeObject, ObjectList } from './object.ts'
import type { ListMeta, ObjectMeta } from './types/meta-v1.ts'

export interface PartialObjectMetadata {
  kind: 'PartialObjectMetadata'
  apiVersion: 'meta.k8s.io/v1'
  metadata: ObjectMeta
}

export interface PartialObjectMetadataList {
  kind: 'PartialObjectMetadataList'
  apiVersion: 'meta.k8s.io/v1'
  metadata: ListMeta
  items: PartialObjectMetadata[]
}

/** The metadata alone: the answer to `Accept: application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1`. */
export function partialOf(object: KubeObject): PartialObjectMetadata {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata }
}

/** The metadata of every item. */
export function partialListOf(list: ObjectList<KubeObject>): PartialObjectMetadataList {
  return {
    kind: 'PartialObjectMetadataList',
    apiVersion: 'meta.k8s.io/v1',
    metadata: list.metadata,
    items: list.items.map(partialOf),
  }
}
