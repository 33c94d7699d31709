import { defineKind } from '../../kind.ts'
import type * as storage from '../../types/storage-v1.ts'
import { checkImmutable } from '../checks.ts'
import { boolean, text } from '../columns.ts'

export type CSIDriver = storage.CSIDriver

function defaultDriver({ spec }: storage.CSIDriver): void {
  if (!spec) return
  spec.attachRequired ??= true
  spec.podInfoOnMount ??= false
  spec.storageCapacity ??= false
  spec.requiresRepublish ??= false
  spec.seLinuxMount ??= false
  spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType'
  if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent']
}

export const CSIDriver = defineKind<storage.CSIDriver>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIDriver',
  plural: 'csidrivers',
  scope: 'Cluster',
  schema: 'storage/v1.CSIDriver',
  deletionAnswersObject: true,
  noGeneration: true,
  columns: [
    boolean('AttachRequired', d => d.spec.attachRequired ?? true),
    boolean('PodInfoOnMount', d => d.spec.podInfoOnMount),
    boolean('StorageCapacity', d => d.spec.storageCapacity),
    text('TokenRequests', d => d.spec.tokenRequests?.map(t => t.audience).join(',') ?? '<unset>'),
    boolean('RequiresRepublish', d => d.spec.requiresRepublish),
    text('Modes', d => d.spec.volumeLifecycleModes?.join(',') || '<none>'),
  ],
  defaults: defaultDriver,
  validate: (next, previous) =>
    previous
      ? [
          ...checkImmutable('spec.attachRequired', next.spec.attachRequired, previous.spec.attachRequired),
          ...checkImmutable(
            'spec.volumeLifecycleModes',
            next.spec.volumeLifecycleModes,
            previous.spec.volumeLifecycleModes,
          ),
        ]
      : [],
})
