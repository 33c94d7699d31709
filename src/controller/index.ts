export { attachDetachReconciler } from './attach-detach.ts'
export { bootstrapSignerReconciler, tokenCleanerReconciler } from './bootstrap-token.ts'
export {
  type CertificateOptions,
  type CertificateSigner,
  certificateSigningRequestReconciler,
} from './certificate-signing-request.ts'
export { clusterRoleAggregationReconciler } from './cluster-role-aggregation.ts'
export { type CronJobMonitor, cronJobReconciler } from './cron-job.ts'
export { csiDeleter, csiReconcilers } from './csi/index.ts'
export { daemonSetReconciler } from './daemon-set.ts'
export { deploymentReconciler } from './deployment.ts'
export { disruptionReconciler } from './disruption.ts'
export { ephemeralVolumeReconciler } from './ephemeral-volume.ts'
export {
  createGarbageCollector,
  type GarbageCollector,
  type GarbageCollectorOptions,
} from './garbage-collector.ts'
export {
  type AutoscalerMonitor,
  type AutoscalerOptions,
  horizontalPodAutoscalerReconciler,
} from './horizontal-pod-autoscaler.ts'
export { jobReconciler } from './job.ts'
export type { JobMonitor } from './job-monitor.ts'
export { localCapacityReconciler } from './local-capacity.ts'
export { localVolumeDeleter, localVolumeReconciler } from './local-volume.ts'
export { namespaceReconciler } from './namespace.ts'
export { type NodeIpamOptions, nodeIpamReconciler } from './node-ipam.ts'
export { type NodeLifecycleOptions, nodeLifecycleReconciler, type ZoneMetrics } from './node-lifecycle.ts'
export { nodeTtlReconciler } from './node-ttl.ts'
export { persistentVolumeReconciler, type VolumeDeleter } from './persistent-volume.ts'
export { persistentVolumeClaimReconciler } from './persistent-volume-claim.ts'
export { type PodGcMonitor, type PodGcOptions, podGcReconciler } from './pod-gc.ts'
export { podGroupReconciler } from './pod-group.ts'
export { recommendationReconciler } from './recommendation.ts'
export { replicaSetReconciler, replicationControllerReconciler } from './replica-set.ts'
export { resourceClaimReconciler } from './resource-claim.ts'
export { resourceClaimTemplateReconciler } from './resource-claim-template.ts'
export { resourceQuotaReconciler } from './resource-quota.ts'
export type { RootCertificate } from './root-certificate.ts'
export { rootCaReconciler, serviceAccountReconciler } from './service-account.ts'
export { serviceAccountTokenReconciler } from './service-account-token.ts'
export { staleDisruptionReconciler } from './stale-disruption.ts'
export { statefulSetReconciler } from './stateful-set.ts'
export { type TaintEvictionMonitor, taintEvictionReconciler } from './taint-eviction.ts'
export { type TtlMonitor, ttlAfterFinishedReconciler } from './ttl-after-finished.ts'
export { validatingAdmissionPolicyStatusReconciler } from './validating-admission-policy-status.ts'
export { volumeExpansionReconciler } from './volume-expansion.ts'
export { claimProtectionReconciler, volumeProtectionReconciler } from './volume-protection.ts'
export { volumesAttachedReconciler } from './volumes-attached.ts'
export { workloadReconciler } from './workload.ts'
