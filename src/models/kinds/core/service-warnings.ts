import type { Service } from '../../types/core-v1.ts'

const oldHints = 'service.kubernetes.io/topology-aware-hints'

export function serviceWarnings({ metadata, spec }: Service): string[] {
  const isExternalName = spec.type === 'ExternalName'
  return [
    ...(oldHints in (metadata.annotations ?? {})
      ? [`annotation ${oldHints} is deprecated, please use service.kubernetes.io/topology-mode instead`]
      : []),
    ...(isExternalName && spec.externalIPs?.length
      ? ['spec.externalIPs is ignored when spec.type is "ExternalName"']
      : []),
    ...(!isExternalName && spec.externalName
      ? ['spec.externalName is ignored when spec.type is not "ExternalName"']
      : []),
  ]
}
