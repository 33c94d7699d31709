import type { Job } from '../../types/batch-v1.ts'

const prefix = 'batch.kubernetes.io/'
const uidLabel = `${prefix}controller-uid`

/**
 * Marks the pods of a new Job with its name and uid and selects them by the uid, unless the user selects by hand. Needs
 * metadata.name and metadata.uid. Labels that the user set already are left for validation to refuse.
 */
export function prepareJob({ metadata, spec }: Job): void {
  if (spec.manualSelector || !spec.template) return
  // Labels that are the template's, or none, follow it.
  const shared = metadata.labels === spec.template.metadata?.labels
  spec.template.metadata ??= {}
  spec.template.metadata.labels = {
    'job-name': metadata.name ?? '',
    [`${prefix}job-name`]: metadata.name ?? '',
    'controller-uid': metadata.uid,
    [uidLabel]: metadata.uid,
    ...spec.template.metadata.labels,
  }
  if (shared) metadata.labels = { ...spec.template.metadata.labels }
  spec.selector ??= {}
  spec.selector.matchLabels = { [uidLabel]: metadata.uid, ...spec.selector.matchLabels }
}
