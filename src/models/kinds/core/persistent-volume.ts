import { defineKind } from '../../kind.ts'
import type * as core from '../../types/core-v1.ts'
import { volumeColumns } from './volume-columns.ts'
import { validateVolume } from './volume-object-validation.ts'
import { volumeWarnings } from './volume-warnings.ts'

export type PersistentVolume = core.PersistentVolume

function defaultVolume({ spec, status }: core.PersistentVolume): void {
  if (status) status.phase ??= 'Pending'
  if (!spec) return
  spec.persistentVolumeReclaimPolicy ??= 'Retain'
  spec.volumeMode ??= 'Filesystem'
  if (spec.hostPath) spec.hostPath.type ??= ''
}

/** Since when a volume is in its phase: whoever changes that need not say it. */
function keepTransition(next: core.PersistentVolume, previous: core.PersistentVolume, now: string): void {
  const { phase, lastPhaseTransitionTime: since } = previous.status ?? {}
  const said = next.status?.lastPhaseTransitionTime
  const lastPhaseTransitionTime = next.status?.phase === phase ? (said ?? since) : said === since ? now : (said ?? now)
  if (next.status && lastPhaseTransitionTime !== said) next.status = { ...next.status, lastPhaseTransitionTime }
}

export const PersistentVolume = defineKind<core.PersistentVolume>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  shortNames: ['pv'],
  scope: 'Cluster',
  schema: 'core/v1.PersistentVolume',
  deletionAnswersObject: true,
  subresources: ['status'],
  noGeneration: true,
  unconditionalUpdate: true,
  columns: volumeColumns,
  ownAge: true,
  defaults: defaultVolume,
  prepareCreate: volume => {
    volume.status = { phase: 'Pending', lastPhaseTransitionTime: volume.metadata.creationTimestamp! }
  },
  prepareStatus: keepTransition,
  checkedTwice: true,
  validate: validateVolume,
  warnings: volumeWarnings,
})
