import type { Difference } from './differences.ts'

/** A difference that is meant to be. */
interface Known {
  reason: string
  /** In the cause of the difference. */
  cause: RegExp
  /** In what was asked. */
  what?: RegExp
}

/** In the names of fields: what is alpha, or off unless asked for, in Kubernetes 1.32. */
const early =
  /pods: .*spec\.resources|template\.spec\.resources|hostUsers|seLinuxChangePolicy|supplementalGroupsPolicy|resizePolicy|volumes\[\]\.image|modifyVolumeStatus|olumeAttributesClass|allocatedResourcesStatus|[rR]esourceClaim|\.claims|dataSourceRef\.namespace/

const known: Known[] = [
  {
    reason: 'the words that explain fields, parameters and types are our own',
    cause: /description: /,
    what: /^discovery/,
  },
  { reason: 'fields work here that are alpha, or off unless asked for, in Kubernetes 1.32', cause: /./, what: early },
  { reason: 'the words that explain columns of tables are our own', cause: /columnDefinitions\[\]\.description/ },
  { reason: 'the words that explain columns of tables are our own', cause: /^body: a text/, what: /yaml;as=Table/ },
  {
    reason: 'cluster-info is there from the start, and the notes of aggregated servers are not',
    cause: /^(items|metadata.remainingItemCount)/,
    what: /^lists: \/api\/v1\/configmaps\?/,
  },
  {
    reason: 'pods get the seccomp profile RuntimeDefault where they name none',
    cause: /seccompProfile/,
  },
  {
    reason: 'words of our own say why a pod is replaced, what a certificate is for, and why a schedule is none',
    cause:
      /^Event RecreatingFailedPod: not in|^ConfigMap: metadata\.annotations\.kubernetes\.io\/description|^Event InvalidSchedule: message/,
  },
  {
    reason: 'that a pod was updated is said when a pod was, not when its claim was',
    cause: /^Event SuccessfulUpdate: only in/,
    what: /^statefulset-claims/,
  },
  {
    reason: 'of several budgets for one pod all are kept up to date',
    cause: /^PodDisruptionBudget: status/,
    what: /^disruption: /,
  },
  {
    reason: 'hostPath volumes below /tmp are not deleted either',
    cause: /^PersistentVolume: status\.message/,
    what: /^volume-classes/,
  },
  {
    reason: 'Endpoints bear the label that they have since Kubernetes 1.33',
    cause: /^Endpoint.*endpoints\.kubernetes\.io\/managed-by/,
  },
  {
    reason: 'pods go first when a namespace goes, as from Kubernetes 1.33',
    cause: /^(Namespace|ConfigMap|Secret|ServiceAccount): /,
    what: /^namespace: (delete|let the map go)/,
  },
  {
    reason: 'the API server has metrics itself',
    cause: /^(Event Failed|HorizontalPodAutoscaler).*(message|currentMetrics)/,
    what: /^autoscaler-without-metrics/,
  },
  {
    reason: 'kube-scheduler 1.32 does not look again when a pod ends whose own anti-affinity kept others away',
    cause: /^no answer by Kubernetes$/,
    what: /^world \d+: .*, its victims gone$/,
  },
  {
    reason: 'the default StorageClass is there from the start',
    cause: /storageClassName/,
    what: /^persistentvolumeclaims/,
  },
  {
    reason: 'why a JSON patch does not fit is said',
    cause: /^message ".*", Kubernetes "the server rejected our request due to an error in our request"$/,
  },
]

/** Why a difference is meant to be; undefined for those that are not. */
export function knownReason(what: string, { cause }: Difference): string | undefined {
  return known.find(k => k.cause.test(cause) && (!k.what || k.what.test(what)))?.reason
}
