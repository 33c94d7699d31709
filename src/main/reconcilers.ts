import type { Net } from '../base/net.ts'
import type { Reconciler } from '../client/index.ts'
import {
  attachDetachReconciler,
  bootstrapSignerReconciler,
  type CertificateSigner,
  certificateSigningRequestReconciler,
  claimProtectionReconciler,
  clusterRoleAggregationReconciler,
  cronJobReconciler,
  csiDeleter,
  csiReconcilers,
  daemonSetReconciler,
  deploymentReconciler,
  disruptionReconciler,
  ephemeralVolumeReconciler,
  horizontalPodAutoscalerReconciler,
  jobReconciler,
  localCapacityReconciler,
  localVolumeDeleter,
  localVolumeReconciler,
  namespaceReconciler,
  nodeIpamReconciler,
  nodeLifecycleReconciler,
  nodeTtlReconciler,
  persistentVolumeClaimReconciler,
  persistentVolumeReconciler,
  podGcReconciler,
  podGroupReconciler,
  type RootCertificate,
  recommendationReconciler,
  replicaSetReconciler,
  replicationControllerReconciler,
  resourceClaimReconciler,
  resourceClaimTemplateReconciler,
  resourceQuotaReconciler,
  rootCaReconciler,
  serviceAccountReconciler,
  serviceAccountTokenReconciler,
  staleDisruptionReconciler,
  statefulSetReconciler,
  taintEvictionReconciler,
  tokenCleanerReconciler,
  ttlAfterFinishedReconciler,
  validatingAdmissionPolicyStatusReconciler,
  volumeExpansionReconciler,
  volumeProtectionReconciler,
  volumesAttachedReconciler,
  workloadReconciler,
} from '../controller/index.ts'
import {
  type AddressPool,
  endpointSliceMirroringReconciler,
  endpointSliceReconciler,
  endpointsReconciler,
  loadBalancerReconciler,
  registrationCheckReconciler,
  serviceRegistrationReconciler,
} from '../discovery/index.ts'
import { type AskedPorts, type Engine, ingressStatusReconciler } from '../gateway/index.ts'
import type { CsiController } from '../plugins/index.ts'
import type { ControllerMetrics } from './controller-metrics/index.ts'
import { type ControllerSettings, controllerDefaults, controllerOptions } from './controller-settings.ts'
import type { Settings } from './settings.ts'

/** What some of them must be told. */
export interface ReconcilerContext {
  settings: Pick<Settings, 'clusterCidr'> & Partial<ControllerSettings>
  /** PEM of the authority that signed the API's certificate. */
  ca: string | RootCertificate
  /** Absent: this process does not have the authority's key, and leaves requests for certificates to one that has. */
  signer?: CertificateSigner
  /** Of the machine whose gateway serves Ingresses; absent: none does. */
  gateway?: { addresses: string[]; engine: Engine; asked: AskedPorts }
  /** Ports of the nodes that no Service of type LoadBalancer may have; absent: those get no address. */
  reservedPorts?: ReadonlyMap<string, string>
  /** Addresses of the LAN for Services of type LoadBalancer; unless given, they get those of the nodes. */
  addressPool?: AddressPool
  /** To ask services outside whether they are well; absent: nobody asks. */
  net?: Net
  /** Told of what single controllers do. */
  metrics?: ControllerMetrics
  /** CSI drivers whose volumes are made and attached by us; for all others their sidecars do that. */
  csiDrivers?: { name: string; driver: CsiController }[]
  /** Nodes are simulated: what pods there use says nothing, and asking thousands of them costs much. */
  simulated?: boolean
}

const told = <M>(monitor: M | undefined): { monitor?: M } => (monitor ? { monitor } : {})

/** The control plane's table of contents: everything that keeps the cluster as asked for, one line each. */
export function allReconcilers({
  settings,
  ca,
  signer,
  gateway,
  reservedPorts,
  addressPool,
  net,
  metrics,
  csiDrivers = [],
  simulated = false,
}: ReconcilerContext): Reconciler[] {
  const options = controllerOptions({ ...controllerDefaults, ...settings })
  return [
    workloadReconciler(),
    deploymentReconciler(),
    replicaSetReconciler(),
    replicationControllerReconciler(),
    statefulSetReconciler(),
    daemonSetReconciler(),
    jobReconciler(told(metrics?.jobs)),
    cronJobReconciler(told(metrics?.cronJobs)),
    horizontalPodAutoscalerReconciler({ ...options.autoscaler, ...told(metrics?.autoscalers) }),
    disruptionReconciler(),
    staleDisruptionReconciler(),
    resourceQuotaReconciler(),
    clusterRoleAggregationReconciler(),
    persistentVolumeClaimReconciler(),
    persistentVolumeReconciler({
      deleters: [localVolumeDeleter, ...csiDrivers.map(({ name, driver }) => csiDeleter(name, driver))],
    }),
    localVolumeReconciler(),
    localCapacityReconciler(),
    ephemeralVolumeReconciler(),
    attachDetachReconciler(),
    volumesAttachedReconciler(),
    volumeExpansionReconciler(),
    ...csiDrivers.flatMap(({ name, driver }) => csiReconcilers(name, driver)),
    claimProtectionReconciler(),
    volumeProtectionReconciler(),
    nodeIpamReconciler({ clusterCidrs: settings.clusterCidr.split(',') }),
    nodeTtlReconciler(),
    namespaceReconciler(),
    nodeLifecycleReconciler({ ...options.nodeLifecycle, ...(metrics ? { metrics: metrics.zones } : {}) }),
    taintEvictionReconciler(told(metrics?.taintEviction)),
    podGcReconciler({ ...options.podGc, ...told(metrics?.podGc) }),
    podGroupReconciler(),
    ...(simulated ? [] : [recommendationReconciler()]),
    resourceClaimReconciler(),
    resourceClaimTemplateReconciler(),
    serviceAccountReconciler(),
    rootCaReconciler({ certificate: ca }),
    serviceAccountTokenReconciler({ certificate: ca }),
    bootstrapSignerReconciler(),
    tokenCleanerReconciler(),
    ...(signer ? [certificateSigningRequestReconciler({ signer, ...options.signing })] : []),
    ttlAfterFinishedReconciler(told(metrics?.ttl)),
    validatingAdmissionPolicyStatusReconciler(),
    endpointsReconciler(),
    endpointSliceReconciler(told(metrics?.slices)),
    endpointSliceMirroringReconciler(),
    serviceRegistrationReconciler(),
    ...(net ? [registrationCheckReconciler(net)] : []),
    ...(reservedPorts ? [loadBalancerReconciler(reservedPorts, addressPool, gateway?.asked)] : []),
    ...(gateway ? [ingressStatusReconciler(gateway.addresses, gateway.engine, gateway.asked)] : []),
  ]
}
