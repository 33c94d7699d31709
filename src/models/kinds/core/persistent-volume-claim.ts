import { defineKind } from '../../kind.ts'
import type * as core from '../../types/core-v1.ts'
import { defaultClaimSpec, settleSources } from './claim-defaults.ts'
import { claimWarnings, validateClaim } from './claim-validation.ts'
import { claimColumns } from './volume-columns.ts'

export type PersistentVolumeClaim = core.PersistentVolumeClaim

export const PersistentVolumeClaim = defineKind<core.PersistentVolumeClaim>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  shortNames: ['pvc'],
  scope: 'Namespaced',
  schema: 'core/v1.PersistentVolumeClaim',
  deletionAnswersObject: true,
  subresources: ['status'],
  noGeneration: true,
  unconditionalUpdate: true,
  columns: claimColumns,
  ownAge: true,
  defaults: claim => {
    if (claim.spec) defaultClaimSpec(claim.spec)
    if (claim.status) claim.status.phase ??= 'Pending'
  },
  prepareCreate: claim => {
    claim.status = { phase: 'Pending' }
    settleSources(claim.spec)
  },
  prepareUpdate: ({ spec }) => settleSources(spec),
  validate: validateClaim,
  warnings: ({ metadata, spec }) => [
    ...('volume.beta.kubernetes.io/storage-class' in (metadata.annotations ?? {})
      ? [
          'metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use "storageClassName" attribute instead',
        ]
      : []),
    ...claimWarnings('spec', spec),
  ],
})
