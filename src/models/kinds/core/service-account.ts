import { defineKind } from '../../kind.ts'
import type * as core from '../../types/core-v1.ts'
import { count } from '../columns.ts'

export type ServiceAccount = core.ServiceAccount

export const ServiceAccount = defineKind<core.ServiceAccount>({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  shortNames: ['sa'],
  scope: 'Namespaced',
  schema: 'core/v1.ServiceAccount',
  deletionAnswersObject: true,
  subresources: ['token'],
  noGeneration: true,
  unconditionalUpdate: true,
  columns: [count('Secrets', account => account.secrets?.length)],
  prepareCreate: account => {
    if (account.secrets) account.secrets = account.secrets.map(({ name = '' }) => ({ name }))
  },
})
