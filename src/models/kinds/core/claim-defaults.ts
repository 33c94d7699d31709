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

/** What is neither a claim nor a snapshot can only be named by dataSourceRef; in the older field alone it is not heard. */
function dropForeignSource(spec: PersistentVolumeClaimSpec): void {
  const { dataSource, dataSourceRef } = spec
  if (!dataSource || dataSourceRef) return
  const group = dataSource.apiGroup ?? ''
  const isClaim = dataSource.kind === 'PersistentVolumeClaim' && group === ''
  const isSnapshot = dataSource.kind === 'VolumeSnapshot' && group === 'snapshot.storage.k8s.io'
  if (!isClaim && !isSnapshot) delete spec.dataSource
}

/** What a claim leaves open: it is a file system. */
export function defaultClaimSpec(spec: PersistentVolumeClaimSpec): void {
  spec.volumeMode ??= 'Filesystem'
  spec.resources ??= {}
  writeGroups(spec)
}

/** Both fields say the same where only one was written; whoever wrote the one does not own the other. */
export function settleSources(spec: PersistentVolumeClaimSpec): void {
  dropForeignSource(spec)
  const { dataSource, dataSourceRef: ref } = spec
  if (dataSource && !ref) spec.dataSourceRef = { ...dataSource }
  else if (ref && !dataSource && !ref.namespace) {
    const { apiGroup, kind, name } = ref
    spec.dataSource = { ...(apiGroup === undefined ? {} : { apiGroup }), kind, name }
  }
}
