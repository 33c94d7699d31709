import { defineKind } from '../../kind.ts'
import type * as core from '../../types/core-v1.ts'
import { count } from '../columns.ts'

export type ServiceAccount = core.ServiceAccount

const enforces = 'kubernetes.io/enforce-mountable-secrets'

export const ServiceAccount = defineKind<core.ServiceAccount>({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  shortNames: ['sa'],
  scope: 'Namespaced',
  schema: 'core/v1.ServiceAccount',
  checksMetadataAgain: true,
  deletionAnswersObject: true,
  subresources: ['token'],
  noGeneration: true,
  unconditionalUpdate: true,
  columns: [count('Secrets', account => account.secrets?.length)],
  prepareCreate: account => {
    if (account.secrets) account.secrets = account.secrets.map(({ name = '' }) => ({ name }))
  },
  warnings: ({ metadata }, previous) =>
    metadata.annotations?.[enforces] !== undefined && previous?.metadata.annotations?.[enforces] === undefined
      ? [
          `metadata.annotations[${enforces}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`,
        ]
      : [],
})
