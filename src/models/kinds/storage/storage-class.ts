import { sameMeaning } from '../../../base/equality.ts'
import { type FieldError, forbidden, required } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as storage from '../../types/storage-v1.ts'
import { checkImmutable } from '../checks.ts'
import { nameColumn, text } from '../columns.ts'

export type StorageClass = storage.StorageClass

const fixed = ['parameters', 'provisioner', 'reclaimPolicy'] as const

function validateClass(next: storage.StorageClass, previous?: storage.StorageClass): FieldError[] {
  const errors: FieldError[] = next.provisioner ? [] : [required('provisioner', next.provisioner)]
  if (!previous) return errors
  for (const field of fixed)
    if (!sameMeaning(next[field], previous[field])) errors.push(forbidden(field, `updates to ${field} are forbidden.`))
  return [...errors, ...checkImmutable('volumeBindingMode', next.volumeBindingMode, previous.volumeBindingMode)]
}

/** True for the class of claims that name none. */
export function isDefault(storageClass: storage.StorageClass): boolean {
  const annotations = storageClass.metadata.annotations
  return (
    annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true' ||
    annotations?.['storageclass.beta.kubernetes.io/is-default-class'] === 'true'
  )
}

export const StorageClass = defineKind<storage.StorageClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  shortNames: ['sc'],
  scope: 'Cluster',
  schema: 'storage/v1.StorageClass',
  deletionAnswersObject: true,
  noGeneration: true,
  unconditionalUpdate: true,
  columns: [
    nameColumn(c => (isDefault(c) ? `${c.metadata.name} (default)` : c.metadata.name)),
    text('Provisioner', c => c.provisioner),
    text('ReclaimPolicy', c => c.reclaimPolicy ?? 'Delete'),
    text('VolumeBindingMode', c => c.volumeBindingMode ?? 'Immediate'),
    text('AllowVolumeExpansion', c => c.allowVolumeExpansion ?? false),
  ],
  ownName: true,
  defaults: c => {
    c.reclaimPolicy ??= 'Delete'
    c.volumeBindingMode ??= 'Immediate'
  },
  validate: validateClass,
})
