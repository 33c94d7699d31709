import type { PersistentVolumeClaimSpec } from '../../types/core-v1.ts'

/** Kubernetes writes some fields also when nobody set them: as null. */
export function alwaysWritten(object: object | undefined, field: string): void {
  if (!object) return
  const fields = object as Record<string, unknown>
  fields[field] ??= null
}

/** The groups of what a claim is filled with. */
export function writeGroups({ dataSource, dataSourceRef }: PersistentVolumeClaimSpec): void {
  alwaysWritten(dataSource, 'apiGroup')
  alwaysWritten(dataSourceRef, 'apiGroup')
}

/** What a claim leaves open: it is a file system, and dataSource and dataSourceRef say the same. */
export function defaultClaimSpec(spec: PersistentVolumeClaimSpec): void {
  spec.volumeMode ??= 'Filesystem'
  spec.resources ??= {}
  if (spec.dataSource && !spec.dataSourceRef) spec.dataSourceRef = { ...spec.dataSource }
  const ref = spec.dataSourceRef
  const fits = ref && !ref.namespace && (ref.apiGroup ? true : ref.kind === 'PersistentVolumeClaim')
  if (fits && !spec.dataSource)
    spec.dataSource = {
      ...(ref.apiGroup === undefined ? {} : { apiGroup: ref.apiGroup }),
      kind: ref.kind,
      name: ref.name,
    }
  writeGroups(spec)
}
