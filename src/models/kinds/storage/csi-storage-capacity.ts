import { defineKind } from '../../kind.ts'
import type * as storage from '../../types/storage-v1.ts'
import { text } from '../columns.ts'

export type CSIStorageCapacity = storage.CSIStorageCapacity

export const CSIStorageCapacity = defineKind<storage.CSIStorageCapacity>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIStorageCapacity',
  plural: 'csistoragecapacities',
  scope: 'Namespaced',
  schema: 'storage/v1.CSIStorageCapacity',
  noGeneration: true,
  columns: [text('StorageClassName', c => c.storageClassName), text('Capacity', c => c.capacity ?? '<unset>')],
  ownAge: true,
})
