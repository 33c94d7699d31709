import { required } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as storage from '../../types/storage-v1beta1.ts'
import { checkImmutable } from '../checks.ts'
import { nameColumn, text } from '../columns.ts'

export type VolumeAttributesClass = storage.VolumeAttributesClass

export const VolumeAttributesClass = defineKind<storage.VolumeAttributesClass>({
  group: 'storage.k8s.io',
  version: 'v1beta1',
  kind: 'VolumeAttributesClass',
  plural: 'volumeattributesclasses',
  shortNames: ['vac'],
  scope: 'Cluster',
  schema: 'storage/v1beta1.VolumeAttributesClass',
  deletionAnswersObject: true,
  noGeneration: true,
  unconditionalUpdate: true,
  columns: [
    nameColumn(c =>
      c.metadata.annotations?.['volumeattributesclass.alpha.kubernetes.io/is-default-class'] === 'true'
        ? `${c.metadata.name} (default)`
        : c.metadata.name,
    ),
    text('DriverName', c => c.driverName),
  ],
  ownName: true,
  validate: (next, previous) => [
    ...(next.driverName ? [] : [required('driverName')]),
    ...(previous
      ? [
          ...checkImmutable('driverName', next.driverName, previous.driverName),
          ...checkImmutable('parameters', next.parameters, previous.parameters),
        ]
      : []),
  ],
})
