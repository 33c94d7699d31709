import type { Signal } from '../eviction/thresholds.ts'

/** Why a pod was evicted: what the node ran short of, or a limit of its own. */
export type EvictionSignal = Signal | 'emptydirfs.limit' | 'ephemeralpodfs.limit' | 'ephemeralcontainerfs.limit'

/** What a pod's worker was at: the pod's first steps, its end, or anything between. */
export type WorkKind = 'create' | 'sync' | 'kill'

/** Which of a node's certificates: the one it shows when it calls the API, or the one of its own server. */
export type CertificateUse = 'client' | 'server'

export type ContainerType = 'container' | 'init_container' | 'ephemeral_container'

/** Reasons that are counted by themselves: those of extended resources would be without number. */
const knownReasons = new Set([
  ...['AppArmor', 'PodOSSelectorNodeLabelDoesNotMatch', 'PodOSNotSupported', 'InvalidNodeInfo'],
  ...['InitContainerRestartPolicyForbidden', 'UnexpectedAdmissionError', 'UnexpectedPredicateFailureType'],
  ...['OutOfcpu', 'OutOfmemory', 'OutOfephemeral-storage', 'OutOfpods'],
  ...['Evicted', 'SysctlForbidden', 'TopologyAffinityError', 'NodeShutdown'],
])

/** As kubelet_admission_rejections_total tells a reason. */
export function rejectionReason(reason: string): string {
  if (knownReasons.has(reason)) return reason
  return reason.startsWith('OutOf') ? 'OutOfExtendedResources' : 'Other'
}

const mebibyte = 2 ** 20
const gibibyte = 2 ** 30
const sizes: readonly (readonly [beyond: number, name: string])[] = [
  [100 * gibibyte, 'GT100GB'],
  [60 * gibibyte, '60GB-100GB'],
  [40 * gibibyte, '40GB-60GB'],
  [30 * gibibyte, '30GB-40GB'],
  [20 * gibibyte, '20GB-30GB'],
  [10 * gibibyte, '10GB-20GB'],
  [5 * gibibyte, '5GB-10GB'],
  [gibibyte, '1GB-5GB'],
  [500 * mebibyte, '500MB-1GB'],
  [100 * mebibyte, '100MB-500MB'],
  [10 * mebibyte, '10MB-100MB'],
  [0, '0-10MB'],
]

/** As kubelet_image_pull_duration_seconds tells the size of an image. @param bytes 0: not known */
export const sizeClass = (bytes: number): string => sizes.find(([beyond]) => bytes > beyond)?.[1] ?? 'N/A'
