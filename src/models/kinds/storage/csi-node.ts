import { required } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as storage from '../../types/storage-v1.ts'
import { integer } from '../columns.ts'

export type CSINode = storage.CSINode

export const CSINode = defineKind<storage.CSINode>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSINode',
  plural: 'csinodes',
  scope: 'Cluster',
  schema: 'storage/v1.CSINode',
  deletionAnswersObject: true,
  noGeneration: true,
  columns: [integer('Drivers', node => node.spec.drivers.length)],
  validate: ({ spec }) =>
    (spec.drivers ?? []).flatMap((driver, i) => [
      ...(driver.name ? [] : [required(`spec.drivers[${i}].name`)]),
      ...(driver.nodeID ? [] : [required(`spec.drivers[${i}].nodeID`)]),
    ]),
})
