import { type FieldError, forbidden } from '../../field-error.ts'
import type { ObjectMeta } from '../../types/meta-v1.ts'
import { validateLabelsAndSuch } from '../meta.ts'

/** What a template of other objects says of their metadata: labels and annotations, and nothing else. */
export function validateTemplateMeta(field: string, metadata: Partial<ObjectMeta> = {}): FieldError[] {
  const { annotations, labels, ...more } = metadata
  return [
    ...(annotations ? validateLabelsAndSuch({ annotations }, field) : []),
    ...(labels ? validateLabelsAndSuch({ labels }, field) : []),
    ...Object.entries(more).flatMap(([name, value]) =>
      value === undefined || value === null ? [] : [forbidden(`${field}.${name}`, 'cannot be set')],
    ),
  ]
}
