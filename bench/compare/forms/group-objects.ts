import { someTime } from '../told.ts'
import { type Entry, namespace } from './exhibit.ts'
import { conditions } from './nodes.ts'

const template = {
  metadata: { labels: { app: 'a' } },
  spec: {
    containers: [
      { name: 'c', image: 'i' },
      { name: 'd', image: 'j:2' },
    ],
  },
}
const selector = { matchLabels: { app: 'a' }, matchExpressions: [{ key: 'tier', operator: 'In', values: ['x', 'y'] }] }
const labelled = { ...template, metadata: { labels: { app: 'a', tier: 'x' } } }
const never = { ...template, spec: { ...template.spec, restartPolicy: 'Never' } }
const target = { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' }
const hook = {
  ...{ name: 'hook.example.com', clientConfig: { url: 'https://127.0.0.1/' }, admissionReviewVersions: ['v1'] },
  ...{
    sideEffects: 'None',
    rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['none'] }],
  },
}
const matchConstraints = {
  resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['none'] }],
}
const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' }
const subjects = [
  { kind: 'User', name: 'u', apiGroup: 'rbac.authorization.k8s.io' },
  { kind: 'Group', name: 'g', apiGroup: 'rbac.authorization.k8s.io' },
  { kind: 'ServiceAccount', name: 's', namespace },
]
const rules = {
  http: { paths: [{ path: '/a', pathType: 'Prefix', backend: { service: { name: 's', port: { number: 80 } } } }] },
}
const capacity = { storage: '1Gi' }

/** @param request a certificate request in PEM */
export const groupObjects = (request: string): readonly Entry[] => [
  [
    'apps/v1/deployments/',
    'a',
    { spec: { replicas: 3, selector, template: labelled } },
    {
      replicas: 3,
      updatedReplicas: 2,
      readyReplicas: 1,
      availableReplicas: 1,
      conditions: conditions(['Available', 'True']),
    },
  ],
  ['apps/v1/deployments/', 'fresh', { spec: { selector, template: labelled } }],
  [
    'apps/v1/replicasets/',
    'a',
    { spec: { replicas: 2, selector, template: labelled } },
    { replicas: 2, readyReplicas: 1 },
  ],
  [
    'apps/v1/statefulsets/',
    'a',
    {
      spec: {
        replicas: 2,
        serviceName: 's',
        selector,
        template: labelled,
        volumeClaimTemplates: [
          {
            metadata: { name: 'v' },
            spec: { accessModes: ['ReadWriteOnce'], resources: { requests: capacity }, storageClassName: 'x' },
          },
        ],
      },
    },
    { replicas: 2, readyReplicas: 1 },
  ],
  [
    'apps/v1/daemonsets/',
    'a',
    { spec: { selector, template: { ...labelled, spec: { ...template.spec, nodeSelector: { disk: 'ssd' } } } } },
    {
      currentNumberScheduled: 3,
      desiredNumberScheduled: 4,
      numberReady: 2,
      updatedNumberScheduled: 1,
      numberAvailable: 1,
      numberMisscheduled: 0,
    },
  ],
  [
    'apps/v1/controllerrevisions/',
    'a',
    {
      revision: 7,
      data: { spec: { a: 1 } },
      metadata: {
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'd', uid: 'u', controller: true }],
      },
    },
  ],
  [
    'batch/v1/jobs/',
    'running',
    { spec: { completions: 3, parallelism: 2, template: never } },
    { startTime: someTime, active: 1, succeeded: 1, ready: 1 },
  ],
  ['batch/v1/jobs/', 'suspended', { spec: { suspend: true, template: never } }],
  ['batch/v1/jobs/', 'queue', { spec: { parallelism: 5, completions: null, template: never } }],
  [
    'batch/v1/cronjobs/',
    'a',
    {
      spec: { schedule: '*/5 * * * *', timeZone: 'Etc/UTC', suspend: true, jobTemplate: { spec: { template: never } } },
    },
    { lastScheduleTime: someTime, active: [{ kind: 'Job', name: 'j', namespace }] },
  ],
  ['batch/v1/cronjobs/', 'fresh', { spec: { schedule: '@daily', jobTemplate: { spec: { template: never } } } }],
  [
    'autoscaling/v2/horizontalpodautoscalers/',
    'many',
    {
      spec: {
        minReplicas: 2,
        maxReplicas: 9,
        scaleTargetRef: target,
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
          { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '100Mi' } } },
          { type: 'Pods', pods: { metric: { name: 'm' }, target: { type: 'AverageValue', averageValue: '1500m' } } },
          { type: 'External', external: { metric: { name: 'x' }, target: { type: 'Value', value: '10' } } },
          {
            type: 'Object',
            object: {
              metric: { name: 'o' },
              describedObject: { kind: 'Service', name: 's' },
              target: { type: 'Value', value: '7' },
            },
          },
          {
            type: 'ContainerResource',
            containerResource: { name: 'cpu', container: 'c', target: { type: 'Utilization', averageUtilization: 3 } },
          },
        ],
      },
    },
    {
      currentReplicas: 3,
      desiredReplicas: 4,
      currentMetrics: [
        { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 10, averageValue: '10m' } } },
        { type: 'Resource', resource: { name: 'memory', current: { averageValue: '50Mi' } } },
        { type: 'Pods', pods: { metric: { name: 'm' }, current: { averageValue: '1' } } },
      ],
    },
  ],
  ['autoscaling/v2/horizontalpodautoscalers/', 'fresh', { spec: { maxReplicas: 3, scaleTargetRef: target } }],
  [
    'networking.k8s.io/v1/ingresses/',
    'full',
    {
      spec: {
        ingressClassName: 'c',
        rules: [{ host: 'a.example', ...rules }, { host: 'b.example', ...rules }, rules],
        tls: [{ hosts: ['a.example'], secretName: 's' }],
      },
    },
    { loadBalancer: { ingress: [{ ip: '1.2.3.4' }, { hostname: 'h' }] } },
  ],
  [
    'networking.k8s.io/v1/ingresses/',
    'least',
    { spec: { defaultBackend: { service: { name: 's', port: { name: 'x' } } } } },
  ],
  [
    'networking.k8s.io/v1/ingressclasses',
    'a',
    {
      spec: {
        controller: 'example.com/c',
        parameters: { kind: 'P', name: 'p', apiGroup: 'g.example', scope: 'Cluster' },
      },
      metadata: { annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
    },
  ],
  [
    'networking.k8s.io/v1/networkpolicies/',
    'a',
    {
      spec: {
        podSelector: selector,
        policyTypes: ['Egress'],
        egress: [
          {
            to: [{ podSelector: {} }],
            ports: [
              { port: 80, endPort: 90 },
              { port: 'http', protocol: 'SCTP' },
            ],
          },
        ],
      },
    },
  ],
  [
    'policy/v1/poddisruptionbudgets/',
    'least',
    { spec: { minAvailable: '50%', selector } },
    { disruptionsAllowed: 2, currentHealthy: 3, desiredHealthy: 1, expectedPods: 3, observedGeneration: 1 },
  ],
  ['policy/v1/poddisruptionbudgets/', 'most', { spec: { maxUnavailable: 0, selector: {} } }],
  [
    'rbac.authorization.k8s.io/v1/roles/',
    'a',
    { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'], resourceNames: ['x'] }] },
  ],
  [
    'rbac.authorization.k8s.io/v1/clusterroles',
    'gallery',
    { rules: [{ nonResourceURLs: ['/a'], verbs: ['get'] }], aggregationRule: { clusterRoleSelectors: [selector] } },
  ],
  ['rbac.authorization.k8s.io/v1/rolebindings/', 'a', { roleRef, subjects }],
  ['rbac.authorization.k8s.io/v1/clusterrolebindings', 'gallery', { roleRef, subjects }],
  [
    'storage.k8s.io/v1/storageclasses',
    'first',
    {
      provisioner: 'example.com/p',
      allowVolumeExpansion: true,
      volumeBindingMode: 'WaitForFirstConsumer',
      reclaimPolicy: 'Retain',
      parameters: { a: 'b' },
      metadata: { annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    },
  ],
  ['storage.k8s.io/v1/storageclasses', 'second', { provisioner: 'example.com/p' }],
  [
    'storage.k8s.io/v1/volumeattachments',
    'a',
    { spec: { attacher: 'example.com', nodeName: 'n', source: { persistentVolumeName: 'pv' } } },
    { attached: true },
  ],
  [
    'storage.k8s.io/v1/csidrivers',
    'full.example',
    {
      spec: {
        attachRequired: false,
        podInfoOnMount: true,
        storageCapacity: true,
        requiresRepublish: true,
        tokenRequests: [{ audience: 'a' }, { audience: '', expirationSeconds: 900 }],
        volumeLifecycleModes: ['Ephemeral', 'Persistent'],
      },
    },
  ],
  ['storage.k8s.io/v1/csidrivers', 'least.example', { spec: {} }],
  [
    'storage.k8s.io/v1/csinodes',
    'a',
    {
      spec: {
        drivers: [
          { name: 'a.example', nodeID: 'n', topologyKeys: ['k'], allocatable: { count: 3 } },
          { name: 'b.example', nodeID: 'n', topologyKeys: null },
        ],
      },
    },
  ],
  [
    'storage.k8s.io/v1/csistoragecapacities/',
    'a',
    { storageClassName: 'sc', capacity: '1Gi', maximumVolumeSize: '1G', nodeTopology: selector },
  ],
  [
    'scheduling.k8s.io/v1/priorityclasses',
    'a',
    { value: 7, globalDefault: false, description: 'd', preemptionPolicy: 'Never' },
  ],
  [
    'node.k8s.io/v1/runtimeclasses',
    'a',
    { handler: 'runc', overhead: { podFixed: { cpu: '1m' } }, scheduling: { nodeSelector: { a: 'b' } } },
  ],
  [
    'coordination.k8s.io/v1/leases/',
    'a',
    {
      spec: {
        holderIdentity: 'h',
        leaseDurationSeconds: 30,
        renewTime: someTime.replace('Z', '.000000Z'),
        leaseTransitions: 2,
      },
    },
  ],
  [
    'discovery.k8s.io/v1/endpointslices/',
    'few',
    {
      addressType: 'IPv4',
      endpoints: [
        {
          addresses: ['10.0.0.1'],
          conditions: { ready: true },
          nodeName: 'n',
          zone: 'z',
          hints: { forZones: [{ name: 'z' }] },
        },
        { addresses: ['10.0.0.2'], conditions: { ready: false, serving: true, terminating: true } },
      ],
      ports: [
        { name: 'http', port: 80 },
        { name: 'x', port: 81, protocol: 'UDP', appProtocol: 'h2c' },
      ],
    },
  ],
  [
    'discovery.k8s.io/v1/endpointslices/',
    'many',
    {
      addressType: 'FQDN',
      endpoints: [1, 2, 3, 4, 5].map(n => ({ addresses: [`a${n}.example`] })),
      ports: [1, 2, 3, 4].map(n => ({ name: `p${n}`, port: n })),
    },
  ],
  ['discovery.k8s.io/v1/endpointslices/', 'none', { addressType: 'IPv6', endpoints: [] }],
  [
    'certificates.k8s.io/v1/certificatesigningrequests',
    'pending',
    {
      spec: {
        request: Buffer.from(request).toString('base64'),
        signerName: 'example.com/s',
        usages: ['client auth'],
        expirationSeconds: 3600,
      },
    },
  ],
  [
    'certificates.k8s.io/v1/certificatesigningrequests',
    'failed',
    {
      spec: { request: Buffer.from(request).toString('base64'), signerName: 'example.com/s', usages: ['client auth'] },
    },
    { conditions: [{ type: 'Failed', status: 'True', reason: 'R', message: 'm' }] },
  ],
  [
    'admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
    'gallery',
    { webhooks: [hook, { ...hook, name: 'b.example.com' }] },
  ],
  ['admissionregistration.k8s.io/v1/validatingwebhookconfigurations', 'gallery', { webhooks: [hook] }],
  [
    'admissionregistration.k8s.io/v1/validatingadmissionpolicies',
    'gallery',
    {
      spec: {
        matchConstraints,
        paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
        validations: [{ expression: 'true' }],
      },
    },
  ],
  [
    'admissionregistration.k8s.io/v1/validatingadmissionpolicybindings',
    'gallery',
    {
      spec: {
        policyName: 'p',
        paramRef: { name: 'x', namespace: 'y', parameterNotFoundAction: 'Allow' },
        validationActions: ['Deny'],
      },
    },
  ],
  [
    'flowcontrol.apiserver.k8s.io/v1/flowschemas',
    'gallery',
    {
      spec: {
        matchingPrecedence: 9000,
        priorityLevelConfiguration: { name: 'global-default' },
        distinguisherMethod: { type: 'ByUser' },
      },
    },
  ],
  [
    'flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations',
    'gallery',
    {
      spec: {
        type: 'Limited',
        limited: {
          nominalConcurrencyShares: 2,
          limitResponse: { type: 'Queue', queuing: { queues: 4, handSize: 2, queueLengthLimit: 5 } },
        },
      },
    },
  ],
  [
    'apiregistration.k8s.io/v1/apiservices',
    'v1.shown.example',
    { spec: { group: 'shown.example', version: 'v1', groupPriorityMinimum: 1000, versionPriority: 15 } },
  ],
]
