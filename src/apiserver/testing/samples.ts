/** The least that one object of each kind says, and what a writer of its status may say. By `group/version/plural`. */
export interface Sample {
  body: object
  status?: object
}

const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
const workload = { spec: { selector: { matchLabels: { app: 'a' } }, template } }
const condition = { type: 'Checked', status: 'True', reason: 'Swept', message: 'by a test' }
const withConditions = { conditions: [condition] }
const withTimes = { conditions: [{ ...condition, lastTransitionTime: '2026-01-01T00:00:00Z' }] }
const job = { spec: { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } } }
const requests = { requests: { storage: '1Gi' } }
const webhook = {
  name: 'hook.example.com',
  clientConfig: { url: 'https://127.0.0.1/' },
  admissionReviewVersions: ['v1'],
  sideEffects: 'None',
  rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['none'] }],
}
const constraints = {
  resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['none'] }],
}
const csrPem = (pem: string) => Buffer.from(pem).toString('base64')

/** @param request PEM of a certificate request, since those are checked */
export const samples = (request: string): Record<string, Sample> => ({
  '/v1/pods': { body: { spec: { containers: [{ name: 'c', image: 'i' }] } }, status: withConditions },
  '/v1/nodes': { body: {}, status: withConditions },
  '/v1/namespaces': { body: {}, status: withTimes },
  '/v1/services': { body: { spec: { ports: [{ port: 80 }] } }, status: withTimes },
  '/v1/endpoints': { body: { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }] } },
  '/v1/configmaps': { body: { data: { a: 'b' } } },
  '/v1/secrets': { body: { data: { a: 'Yg==' } } },
  '/v1/serviceaccounts': { body: {} },
  '/v1/events': {
    body: { involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' }, reason: 'R', type: 'Normal' },
  },
  '/v1/limitranges': { body: { spec: { limits: [{ type: 'Container', max: { cpu: '4' } }] } } },
  '/v1/resourcequotas': { body: { spec: { hard: { 'count/leases.x': '9' } } }, status: { hard: { cpu: '1' } } },
  '/v1/persistentvolumes': {
    body: {
      spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/tmp/x' } },
    },
    status: { message: 'm', reason: 'r' },
  },
  '/v1/persistentvolumeclaims': {
    body: { spec: { accessModes: ['ReadWriteOnce'], resources: requests } },
    status: withConditions,
  },
  '/v1/podtemplates': { body: { template } },
  '/v1/replicationcontrollers': {
    body: { spec: { replicas: 0, selector: { app: 'a' }, template } },
    status: withConditions,
  },
  'apps/v1/deployments': { body: workload, status: withConditions },
  'apps/v1/replicasets': { body: workload, status: withConditions },
  'apps/v1/statefulsets': { body: workload, status: withConditions },
  'apps/v1/daemonsets': { body: workload, status: withConditions },
  'apps/v1/controllerrevisions': { body: { revision: 1, data: { spec: {} } } },
  'batch/v1/jobs': { body: job, status: { startTime: '2026-01-01T00:00:00Z' } },
  'batch/v1/cronjobs': {
    body: { spec: { schedule: '* * * * *', jobTemplate: job } },
    status: { lastScheduleTime: '2026-01-01T00:00:00Z' },
  },
  'autoscaling/v1/horizontalpodautoscalers': {
    body: {
      spec: { maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' } },
    },
    status: { currentReplicas: 1, desiredReplicas: 1 },
  },
  'autoscaling/v2/horizontalpodautoscalers': {
    body: {
      spec: { maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' } },
    },
    status: { desiredReplicas: 1 },
  },
  'networking.k8s.io/v1/ingresses': {
    body: { spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } } } },
    status: { loadBalancer: { ingress: [{ ip: '169.1.1.1' }] } },
  },
  'networking.k8s.io/v1/ingressclasses': { body: { spec: { controller: 'example.com/c' } } },
  'networking.k8s.io/v1/networkpolicies': { body: { spec: { podSelector: {} } } },
  'policy/v1/poddisruptionbudgets': {
    body: { spec: { minAvailable: 1, selector: { matchLabels: { app: 'a' } } } },
    status: withTimes,
  },
  'rbac.authorization.k8s.io/v1/roles': { body: { rules: [] } },
  'rbac.authorization.k8s.io/v1/rolebindings': {
    body: {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [],
    },
  },
  'rbac.authorization.k8s.io/v1/clusterroles': { body: { rules: [] } },
  'rbac.authorization.k8s.io/v1/clusterrolebindings': {
    body: {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [],
    },
  },
  'storage.k8s.io/v1/storageclasses': { body: { provisioner: 'example.com/p' } },
  'storage.k8s.io/v1/volumeattachments': {
    body: { spec: { attacher: 'example.com', nodeName: 'n', source: { persistentVolumeName: 'pv' } } },
    status: { attached: true },
  },
  'storage.k8s.io/v1/csidrivers': { body: { spec: {} } },
  'storage.k8s.io/v1/csinodes': { body: { spec: { drivers: [] } } },
  'storage.k8s.io/v1/csistoragecapacities': { body: { storageClassName: 'sc', capacity: '1Gi' } },
  'storage.k8s.io/v1beta1/volumeattributesclasses': {
    body: { driverName: 'example.com', parameters: { a: 'b' } },
  },
  'scheduling.k8s.io/v1/priorityclasses': { body: { value: 7 } },
  'node.k8s.io/v1/runtimeclasses': { body: { handler: 'runc' } },
  'coordination.k8s.io/v1/leases': { body: { spec: { holderIdentity: 'h', leaseDurationSeconds: 30 } } },
  'discovery.k8s.io/v1/endpointslices': {
    body: { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }] },
  },
  'events.k8s.io/v1/events': {
    body: {
      eventTime: '2026-01-01T00:00:00.000000Z',
      reportingController: 'example.com/c',
      reportingInstance: 'i',
      action: 'A',
      reason: 'R',
      type: 'Normal',
      regarding: { kind: 'Pod', name: 'p', namespace: 'default' },
    },
  },
  'certificates.k8s.io/v1/certificatesigningrequests': {
    body: { spec: { request: csrPem(request), signerName: 'example.com/s', usages: ['client auth'] } },
    status: { conditions: [{ type: 'Failed', status: 'True', reason: 'Swept', message: 'by a test' }] },
  },
  'admissionregistration.k8s.io/v1/mutatingwebhookconfigurations': { body: { webhooks: [webhook] } },
  'admissionregistration.k8s.io/v1/validatingwebhookconfigurations': { body: { webhooks: [webhook] } },
  'admissionregistration.k8s.io/v1/validatingadmissionpolicies': {
    body: { spec: { matchConstraints: constraints, validations: [{ expression: 'true' }] } },
    status: withTimes,
  },
  'admissionregistration.k8s.io/v1/validatingadmissionpolicybindings': {
    body: { spec: { policyName: 'p', validationActions: ['Deny'] } },
  },
  'admissionregistration.k8s.io/v1beta1/validatingadmissionpolicies': {
    body: { spec: { matchConstraints: constraints, validations: [{ expression: 'true' }] } },
    status: withTimes,
  },
  'admissionregistration.k8s.io/v1beta1/validatingadmissionpolicybindings': {
    body: { spec: { policyName: 'p', validationActions: ['Deny'] } },
  },
  'admissionregistration.k8s.io/v1alpha1/mutatingadmissionpolicies': {
    body: {
      spec: {
        ...{ matchConstraints: constraints, reinvocationPolicy: 'Never' },
        mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: '[]' } }],
      },
    },
  },
  'admissionregistration.k8s.io/v1alpha1/mutatingadmissionpolicybindings': { body: { spec: { policyName: 'p' } } },
  'flowcontrol.apiserver.k8s.io/v1/flowschemas': {
    body: { spec: { matchingPrecedence: 9000, priorityLevelConfiguration: { name: 'global-default' } } },
    status: { conditions: [{ type: 'PatchStatusFailed', status: 'False', reason: 'e2e' }] },
  },
  'flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations': {
    body: {
      spec: { type: 'Limited', limited: { nominalConcurrencyShares: 2, limitResponse: { type: 'Reject' } } },
    },
    status: { conditions: [{ type: 'PatchStatusFailed', status: 'False', reason: 'e2e' }] },
  },
  'resource.k8s.io/v1beta1/resourceclaims': {
    body: { spec: { devices: { requests: [{ name: 'r', deviceClassName: 'c' }] } } },
    status: {},
  },
  'resource.k8s.io/v1beta1/resourceclaimtemplates': {
    body: { spec: { spec: { devices: { requests: [{ name: 'r', deviceClassName: 'c' }] } } } },
  },
  'resource.k8s.io/v1beta1/resourceslices': {
    body: {
      spec: { driver: 'example.com', nodeName: 'n', pool: { name: 'p', generation: 1, resourceSliceCount: 1 } },
    },
  },
  'resource.k8s.io/v1beta1/deviceclasses': { body: { spec: {} } },
  'scheduling.x-k8s.io/v1alpha1/podgroups': { body: { spec: { minMember: 1 } }, status: { phase: 'Pending' } },
  'optiflow.dev/v1/recommendations': {
    body: { spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'a' } } },
    status: { recommendation: { containerRecommendations: [{ containerName: 'c', target: { cpu: '25m' } }] } },
  },
  'optiflow.dev/v1/queues': { body: { spec: { quota: { cpu: '4' } } }, status: { pending: 1 } },
  'optiflow.dev/v1/routepolicies': {
    body: {
      spec: { targetRefs: [{ group: 'networking.k8s.io', kind: 'Ingress', name: 'i' }], accessLog: true },
    },
    status: {
      ancestors: [
        {
          ancestorRef: { group: 'networking.k8s.io', kind: 'Ingress', name: 'i' },
          controllerName: 'optiflow.dev/gateway',
        },
      ],
    },
  },
  'optiflow.dev/v1/schedulerplugins': { body: { spec: { source: 'export default {}' } }, status: {} },
  'optiflow.dev/v1/serviceregistrations': {
    body: { spec: { addresses: ['192.0.2.5:5432'] } },
    status: { addresses: [{ address: '192.0.2.5:5432', healthy: true }] },
  },
  'optiflow.dev/v1/workloads': { body: { spec: { image: 'i' } }, status: { message: 'm' } },
})
