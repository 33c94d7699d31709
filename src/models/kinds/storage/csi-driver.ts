import { duplicate, type FieldError, invalid } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as storage from '../../types/storage-v1.ts'
import { checkImmutable, checkOneOf } from '../checks.ts'
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

function checkDriver(spec: storage.CSIDriverSpec): FieldError[] {
  const { fsGroupPolicy, tokenRequests = [], volumeLifecycleModes = [] } = spec
  const errors =
    fsGroupPolicy === undefined
      ? []
      : checkOneOf('spec.fsGroupPolicy', fsGroupPolicy, ['File', 'None', 'ReadWriteOnceWithFSType'])
  const audiences = new Set<string>()
  for (const [i, { audience, expirationSeconds: seconds }] of tokenRequests.entries()) {
    const at = `spec.tokenRequests[${i}]`
    if (audiences.has(audience)) {
      errors.push(duplicate(`${at}.audience`, audience))
      continue
    }
    audiences.add(audience)
    if (seconds !== undefined && seconds < 600)
      errors.push(invalid(`${at}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes'))
    if (seconds !== undefined && seconds > 2 ** 32)
      errors.push(invalid(`${at}.expirationSeconds`, seconds, 'may not specify a duration larger than 2^32 seconds'))
  }
  return [
    ...errors,
    ...volumeLifecycleModes.flatMap(mode => checkOneOf('spec.volumeLifecycleModes', mode, ['Persistent', 'Ephemeral'])),
  ]
}

export const CSIDriver = defineKind<storage.CSIDriver>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIDriver',
  plural: 'csidrivers',
  scope: 'Cluster',
  schema: 'storage/v1.CSIDriver',
  deletionAnswersObject: true,
  generationFromZero: true,
  columns: [
    boolean('AttachRequired', d => d.spec.attachRequired ?? true),
    boolean('PodInfoOnMount', d => d.spec.podInfoOnMount),
    boolean('StorageCapacity', d => d.spec.storageCapacity),
    text('TokenRequests', d => d.spec.tokenRequests?.map(t => t.audience).join(',') ?? '<unset>'),
    boolean('RequiresRepublish', d => d.spec.requiresRepublish),
    text('Modes', d => d.spec.volumeLifecycleModes?.join(',') || '<none>'),
  ],
  defaults: defaultDriver,
  validate: (next, previous) => [
    ...checkDriver(next.spec),
    ...(previous
      ? [
          ...checkImmutable('spec.attachedRequired', next.spec.attachRequired, previous.spec.attachRequired),
          ...checkImmutable(
            'spec.volumeLifecycleModes',
            next.spec.volumeLifecycleModes,
            previous.spec.volumeLifecycleModes,
          ),
        ]
      : []),
  ],
})
