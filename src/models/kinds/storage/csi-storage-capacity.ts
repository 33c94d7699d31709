import { isDns1123Subdomain } from '../../../base/names.ts'
import { defineKind } from '../../kind.ts'
import type * as storage from '../../types/storage-v1.ts'
import { checkImmutable, checkName } from '../checks.ts'
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
  validate: (next, previous) => [
    ...checkName('storageClassName', next.storageClassName, isDns1123Subdomain),
    ...(previous
      ? [
          ...checkImmutable('nodeTopology', next.nodeTopology, previous.nodeTopology),
          ...checkImmutable('storageClassName', next.storageClassName, previous.storageClassName),
        ]
      : []),
  ],
})
