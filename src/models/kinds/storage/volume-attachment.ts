import { isDns1123Subdomain } from '../../../base/names.ts'
import { type FieldError, forbidden, required, tooLong } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as storage from '../../types/storage-v1.ts'
import { checkImmutable, texts } from '../checks.ts'
import { boolean, text } from '../columns.ts'
import { checkInlineVolume } from '../core/volume-object-validation.ts'
import { checkDriverName } from './storage-checks.ts'

export type VolumeAttachment = storage.VolumeAttachment

function validateAttachment(next: storage.VolumeAttachment, previous?: storage.VolumeAttachment): FieldError[] {
  const { attacher, nodeName, source } = next.spec
  const errors: FieldError[] = []
  if (!attacher) errors.push(required('spec.attacher'))
  errors.push(...checkSource(source), ...texts('spec.nodeName', nodeName ?? '', isDns1123Subdomain(nodeName ?? '')))
  for (const name of ['attachError', 'detachError'] as const)
    if ((next.status?.[name]?.message?.length ?? 0) > 1024) errors.push(tooLong(`status.${name}.message`, 262144))
  if (!previous) {
    const volume = source?.persistentVolumeName
    errors.push(...checkDriverName('spec.attacher', attacher))
    if (volume !== undefined)
      errors.push(...texts('spec.source.persistentVolumeName', volume, isDns1123Subdomain(volume)))
  }
  return previous ? [...errors, ...checkImmutable('spec', next.spec, previous.spec)] : errors
}

function checkSource(source: storage.VolumeAttachmentSource | undefined): FieldError[] {
  const text = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'
  const { persistentVolumeName: name, inlineVolumeSpec: inline } = source ?? {}
  if (inline)
    return name === undefined
      ? checkInlineVolume('spec.source.inlineVolumeSpec', inline)
      : [forbidden('spec.source', text)]
  if (name === undefined) return [required('spec.source', text)]
  return name ? [] : [required('spec.source.persistentVolumeName', 'must specify non empty persistentVolumeName')]
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
    { ...text('Attacher', a => a.spec.attacher), format: 'name' },
    text('PV', a => a.spec.source.persistentVolumeName ?? ''),
    text('Node', a => a.spec.nodeName),
    boolean('Attached', a => a.status?.attached),
  ],
  checkedTwice: true,
  validate: validateAttachment,
})
