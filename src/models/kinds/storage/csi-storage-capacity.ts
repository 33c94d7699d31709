import { isDns1123Subdomain } from '../../../base/names.ts'
import { parseQuantity } from '../../../base/quantity.ts'
import { type FieldError, invalid } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as storage from '../../types/storage-v1.ts'
import { checkImmutable, negativeText, texts } from '../checks.ts'
import { createdAt } from '../columns.ts'
import { checkSelector } from '../selector-checks.ts'

export type CSIStorageCapacity = storage.CSIStorageCapacity

function checkQuantityNotNegative(field: string, quantity: string | undefined): FieldError[] {
  return quantity !== undefined && parseQuantity(quantity).nano < 0n ? [invalid(field, quantity, negativeText)] : []
}

export const CSIStorageCapacity = defineKind<storage.CSIStorageCapacity>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIStorageCapacity',
  plural: 'csistoragecapacities',
  scope: 'Namespaced',
  schema: 'storage/v1.CSIStorageCapacity',
  noGeneration: true,
  columns: [createdAt],
  ownAge: true,
  checkedTwice: true,
  validate: (next, previous) => [
    ...(previous
      ? [
          ...checkImmutable('nodeTopology', next.nodeTopology, previous.nodeTopology),
          ...checkImmutable('storageClassName', next.storageClassName, previous.storageClassName),
        ]
      : [
          ...checkSelector('nodeTopology', next.nodeTopology),
          ...texts('storageClassName', next.storageClassName ?? '', isDns1123Subdomain(next.storageClassName ?? '')),
          ...checkQuantityNotNegative('capacity', next.capacity),
          ...checkQuantityNotNegative('maximumVolumeSize', next.maximumVolumeSize),
        ]),
  ],
})
