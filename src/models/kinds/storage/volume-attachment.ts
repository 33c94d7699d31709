import { type FieldError, required } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as storage from '../../types/storage-v1.ts'
import { checkImmutable } from '../checks.ts'
import { boolean, text } from '../columns.ts'

export type VolumeAttachment = storage.VolumeAttachment

function validateAttachment(next: storage.VolumeAttachment, previous?: storage.VolumeAttachment): FieldError[] {
  const { attacher, nodeName, source } = next.spec
  const errors: FieldError[] = []
  if (!attacher) errors.push(required('spec.attacher'))
  if (!nodeName) errors.push(required('spec.nodeName'))
  if (!source?.persistentVolumeName && !source?.inlineVolumeSpec)
    errors.push(required('spec.source', 'must specify one of inlineVolumeSpec and persistentVolumeName'))
  return previous ? [...errors, ...checkImmutable('spec', next.spec, previous.spec)] : errors
}

export const VolumeAttachment = defineKind<storage.VolumeAttachment>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttachment',
  plural: 'volumeattachments',
  scope: 'Cluster',
  schema: 'storage/v1.VolumeAttachment',
  deletionAnswersObject: true,
  subresources: ['status'],
  statusMarks: [],
  noGeneration: true,
  columns: [
    text('Attacher', a => a.spec.attacher),
    text('PV', a => a.spec.source.persistentVolumeName ?? ''),
    text('Node', a => a.spec.nodeName),
    boolean('Attached', a => a.status?.attached),
  ],
  validate: validateAttachment,
})
