/** Where objects of a kind are. */
export interface Place {
  plural: string
  kind: string
  apiVersion: string
  namespaced: boolean
  /** `/apis/apps/v1` */
  root: string
}

const kinds: Record<string, string> = {
  v1: 'pods:Pod services:Service endpoints:Endpoints serviceaccounts:ServiceAccount configmaps:ConfigMap secrets:Secret events:Event persistentvolumeclaims:PersistentVolumeClaim resourcequotas:ResourceQuota replicationcontrollers:ReplicationController limitranges:LimitRange',
  'apps/v1':
    'deployments:Deployment replicasets:ReplicaSet statefulsets:StatefulSet daemonsets:DaemonSet controllerrevisions:ControllerRevision',
  'batch/v1': 'jobs:Job cronjobs:CronJob',
  'autoscaling/v2': 'horizontalpodautoscalers:HorizontalPodAutoscaler',
  'policy/v1': 'poddisruptionbudgets:PodDisruptionBudget',
  'discovery.k8s.io/v1': 'endpointslices:EndpointSlice',
}
const clusterKinds: Record<string, string> = {
  v1: 'nodes:Node persistentvolumes:PersistentVolume namespaces:Namespace',
  'certificates.k8s.io/v1': 'certificatesigningrequests:CertificateSigningRequest',
  'rbac.authorization.k8s.io/v1': 'clusterroles:ClusterRole clusterrolebindings:ClusterRoleBinding',
  'admissionregistration.k8s.io/v1': 'validatingadmissionpolicies:ValidatingAdmissionPolicy',
  'storage.k8s.io/v1': 'storageclasses:StorageClass',
  'apiextensions.k8s.io/v1': 'customresourcedefinitions:CustomResourceDefinition',
  'apiregistration.k8s.io/v1': 'apiservices:APIService',
}

const places = new Map<string, Place>()
for (const [table, namespaced] of [
  [kinds, true],
  [clusterKinds, false],
] as const)
  for (const [apiVersion, words] of Object.entries(table))
    for (const word of words.split(' ')) {
      const [plural, kind] = word.split(':') as [string, string]
      const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
      places.set(plural, { plural, kind, apiVersion, namespaced, root })
    }

/** @throws Error for kinds that no story is about */
export function placeOf(plural: string): Place {
  const place = places.get(plural)
  if (!place) throw new Error(`no place is known of ${plural}`)
  return place
}
