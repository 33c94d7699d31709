import { isDns1035Label } from '../../../base/names.ts'
import { defineKind } from '../../kind.ts'
import type * as core from '../../types/core-v1.ts'
import { serviceColumns } from './service-columns.ts'
import { defaultService } from './service-defaults.ts'
import { checkServiceStatus } from './service-status-validation.ts'
import { prepareServiceCreation, prepareServiceUpdate } from './service-update.ts'
import { validateService } from './service-validation.ts'
import { serviceWarnings } from './service-warnings.ts'

export type Service = core.Service

export const Service = defineKind<core.Service>({
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  shortNames: ['svc'],
  categories: ['all'],
  scope: 'Namespaced',
  schema: 'core/v1.Service',
  deletionAnswersObject: true,
  subresources: ['status', 'proxy'],
  noGeneration: true,
  unconditionalUpdate: true,
  createOnUpdate: true,
  fields: {
    'spec.clusterIP': service => service.spec.clusterIP ?? '',
    'spec.type': service => service.spec.type ?? '',
  },
  columns: serviceColumns,
  ownAge: true,
  defaults: defaultService,
  prepareCreate: prepareServiceCreation,
  prepareUpdate: prepareServiceUpdate,
  validName: isDns1035Label,
  validate: validateService,
  validatePart: (part, next) => (part === 'status' ? checkServiceStatus(next) : []),
  warnings: serviceWarnings,
})
