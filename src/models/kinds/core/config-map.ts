import { defineKind } from '../../kind.ts'
import type * as core from '../../types/core-v1.ts'
import { count } from '../columns.ts'
import { validateConfigMap } from './data-validation.ts'

export type ConfigMap = core.ConfigMap

export const ConfigMap = defineKind<core.ConfigMap>({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  shortNames: ['cm'],
  scope: 'Namespaced',
  schema: 'core/v1.ConfigMap',
  noGeneration: true,
  unconditionalUpdate: true,
  columns: [count('Data', map => Object.keys(map.data ?? {}).length + Object.keys(map.binaryData ?? {}).length)],
  checksMetadataAgain: true,
  validate: validateConfigMap,
})
