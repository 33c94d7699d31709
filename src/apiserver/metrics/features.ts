import { Gauge, type Registry } from 'prom-client'

/** Feature gates of Kubernetes 1.32 by their stage there. Only gates of which it is known whether their behaviour is here. */
const here: Record<'' | 'BETA' | 'ALPHA', string[]> = {
  // Stable ones have no stage.
  '': `
    APIListChunking AdmissionWebhookMatchConditions AggregatedDiscoveryEndpoint CPUManager CronJobsScheduledAnnotation
    CustomResourceFieldSelectors DevicePluginCDIDevices EfficientWatchResumption ElasticIndexedJob JobPodFailurePolicy
    LoadBalancerIPMode LogarithmicScaleDown MemoryManager PDBUnhealthyPodEvictionPolicy PersistentVolumeLastPhaseTransitionTime
    PodDisruptionConditions PodIndexLabel PodSchedulingReadiness RemainingItemCount RetryGenerateName ServiceAccountTokenJTI
    ServiceAccountTokenPodNodeInfo SizeMemoryBackedVolumes StatefulSetAutoDeletePVC StatefulSetStartOrdinal
    StrictCostEnforcementForVAP StrictCostEnforcementForWebhooks StructuredAuthorizationConfiguration
    TopologyManagerPolicyOptions WatchBookmark`.match(/\w+/g)!,
  BETA: `
    APIResponseCompression APIServerIdentity AnonymousAuthConfigurableEndpoints CRDValidationRatcheting ConsistentListFromCache
    ContainerCheckpoint DynamicResourceAllocation GracefulNodeShutdown GracefulNodeShutdownBasedOnPodPriority HonorPVReclaimPolicy
    ImageMaximumGCAge JobBackoffLimitPerIndex JobManagedBy JobPodReplacementPolicy JobSuccessPolicy MatchLabelKeysInPodAffinity
    MatchLabelKeysInPodTopologySpread NodeInclusionPolicyInPodTopologySpread NodeSwap PodDeletionCost PodLifecycleSleepAction
    PodReadyToStartContainersCondition PortForwardWebsockets RecoverVolumeExpansionFailure RecursiveReadOnlyMounts
    ServiceTrafficDistribution SidecarContainers StorageVersionHash StructuredAuthenticationConfiguration TopologyAwareHints
    TranslateStreamCloseWebsocketRequests WatchList`.match(/\w+/g)!,
  ALPHA: ['DRAAdminAccess', 'DRAResourceClaimDeviceStatus', 'InPlacePodVerticalScaling', 'MutatingAdmissionPolicy'],
}

const notHere: typeof here = {
  '': [],
  BETA: ['APIServerTracing', 'KubeletTracing', 'MultiCIDRServiceAllocator', 'NodeLogQuery', 'WinOverlay'],
  ALPHA: `
    CBORServingAndStorage ClusterTrustBundle ComponentFlagz ComponentStatusz CoordinatedLeaderElection EventedPLEG ImageVolume
    PodLevelResources PodLogsQuerySplitStreams StorageVersionAPI UnknownVersionInteroperabilityProxy`.match(/\w+/g)!,
}

/** `kubernetes_feature_enabled`: what of Kubernetes' gated features this server and its parts do. None can be switched. */
export function featureMetric(registry: Registry): void {
  const gauge = new Gauge({
    name: 'kubernetes_feature_enabled',
    help: 'Whether a feature of Kubernetes that has a gate there is here: 1, or 0.',
    labelNames: ['name', 'stage'],
    registers: [registry],
  })
  for (const [enabled, features] of [notHere, here].entries())
    for (const [stage, names] of Object.entries(features)) for (const name of names) gauge.set({ name, stage }, enabled)
}
