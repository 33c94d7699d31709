import { sameMeaning } from '../../../base/equality.ts'
import { forbidden, required } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as storage from '../../types/storage-v1beta1.ts'
import { nameColumn, text } from '../columns.ts'
import { checkParameters, checkProvisioner } from './storage-checks.ts'

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
    ...(previous
      ? (['driverName', 'parameters'] as const)
          .filter(field => !sameMeaning(next[field], previous[field]))
          .map(field => forbidden(field, `updates to ${field} are forbidden.`))
      : []),
    ...checkProvisioner('driverName', next.driverName),
    ...checkParameters('parameters', next.parameters),
    ...(Object.keys(next.parameters ?? {}).length
      ? []
      : [required('parameters', 'must contain at least one key/value pair')]),
  ],
})
