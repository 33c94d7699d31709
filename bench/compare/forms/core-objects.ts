import { someTime } from '../told.ts'
import { type Entry, namespace } from './exhibit.ts'
import { nodes } from './nodes.ts'
import { pods } from './pods.ts'

const template = {
  metadata: { labels: { app: 'a' } },
  spec: {
    containers: [
      { name: 'c', image: 'i' },
      { name: 'd', image: 'j:2' },
    ],
  },
}
const capacity = { storage: '1Gi' }

export const coreObjects: readonly Entry[] = [
  ...nodes.map(({ name, body, status }): Entry => ['/v1/nodes', name, body, status]),
  ...pods.map(({ name, spec, status, metadata }): Entry => ['/v1/pods/', name, { spec, metadata }, status]),
  ['/v1/namespaces', 'shown', { metadata: { labels: { a: 'b' } } }],
  [
    '/v1/services/',
    'plain',
    {
      spec: {
        selector: { app: 'a', b: 'c' },
        ports: [
          { name: 'x', port: 80 },
          { name: 'y', port: 53, protocol: 'UDP' },
        ],
      },
    },
  ],
  ['/v1/services/', 'headless', { spec: { clusterIP: 'None', ports: [{ port: 80 }] } }],
  ['/v1/services/', 'outside', { spec: { type: 'ExternalName', externalName: 'a.example' } }],
  [
    '/v1/services/',
    'node-port',
    { spec: { type: 'NodePort', ports: [{ port: 80, nodePort: 30123 }], externalIPs: ['1.2.3.4'] } },
  ],
  [
    '/v1/services/',
    'balanced',
    { spec: { type: 'LoadBalancer', ports: [{ port: 80, nodePort: 30124 }], externalIPs: ['1.2.3.4'] } },
    { loadBalancer: { ingress: [{ ip: '5.6.7.8' }, { hostname: 'h.example' }] } },
  ],
  [
    '/v1/services/',
    'unbalanced',
    { spec: { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [{ port: 80 }] } },
  ],
  [
    '/v1/endpoints/',
    'few',
    {
      subsets: [
        {
          addresses: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }],
          notReadyAddresses: [{ ip: '10.0.0.3' }],
          ports: [
            { name: 'x', port: 80 },
            { name: 'y', port: 81 },
          ],
        },
      ],
    },
  ],
  [
    '/v1/endpoints/',
    'many',
    {
      subsets: [
        { addresses: [1, 2, 3, 4, 5].map(n => ({ ip: `10.0.1.${n}` })), ports: [{ port: 80 }] },
        { addresses: [{ ip: '10.0.2.1' }] },
      ],
    },
  ],
  ['/v1/endpoints/', 'none', {}],
  ['/v1/configmaps/', 'both', { data: { a: 'b', c: 'd' }, binaryData: { e: 'Zg==' }, immutable: true }],
  ['/v1/secrets/', 'some', { type: 'example.com/x', data: { a: 'Yg==', c: 'ZA==' } }],
  ['/v1/serviceaccounts/', 'a', { secrets: [{ name: 's' }, { name: 't' }], imagePullSecrets: [{ name: 'p' }] }],
  [
    '/v1/events/',
    'old',
    {
      involvedObject: { kind: 'Pod', name: 'p', namespace, fieldPath: 'spec.containers{c}' },
      reason: 'R',
      type: 'Normal',
      message: ' many words \n and more',
      source: { component: 'c', host: 'h' },
      firstTimestamp: someTime,
      lastTimestamp: someTime,
      count: 7,
    },
  ],
  [
    'events.k8s.io/v1/events/',
    'new',
    {
      eventTime: someTime.replace('Z', '.000000Z'),
      action: 'A',
      reason: 'R',
      type: 'Warning',
      note: 'n',
      reportingController: 'a.example/c',
      reportingInstance: 'i',
      regarding: { kind: 'Pod', name: 'p', namespace },
      series: { count: 3, lastObservedTime: someTime.replace('Z', '.000000Z') },
    },
  ],
  [
    '/v1/limitranges/',
    'a',
    {
      spec: {
        limits: [{ type: 'Container', max: { cpu: '4' }, default: { cpu: '1' }, defaultRequest: { cpu: '500m' } }],
      },
    },
  ],
  [
    '/v1/resourcequotas/',
    'a',
    { spec: { hard: { 'requests.cpu': '2', 'limits.memory': '2Gi', pods: '100', 'count/leases.x': '9' } } },
    {
      hard: { 'requests.cpu': '2', 'limits.memory': '2Gi', pods: '100' },
      used: { 'requests.cpu': '1500m', 'limits.memory': '1Gi' },
    },
  ],
  [
    '/v1/persistentvolumes',
    'bound',
    {
      spec: {
        capacity,
        accessModes: ['ReadWriteOnce', 'ReadOnlyMany'],
        hostPath: { path: '/tmp/x' },
        storageClassName: 'sc',
        volumeMode: 'Block',
        claimRef: { namespace, name: 'c', kind: 'PersistentVolumeClaim', apiVersion: 'v1', uid: '' },
      },
    },
    { phase: 'Bound', reason: 'r' },
  ],
  [
    '/v1/persistentvolumes',
    'free',
    {
      spec: {
        capacity,
        accessModes: ['ReadWriteMany', 'ReadOnlyMany'],
        persistentVolumeReclaimPolicy: 'Delete',
        csi: { driver: 'a.example', volumeHandle: 'h' },
      },
    },
    { phase: 'Available' },
  ],
  [
    '/v1/persistentvolumeclaims/',
    'pending',
    { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: capacity }, storageClassName: 'sc' } },
    { phase: 'Pending' },
  ],
  [
    '/v1/persistentvolumeclaims/',
    'bound',
    {
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: capacity },
        storageClassName: '',
        volumeName: 'v',
        volumeMode: 'Filesystem',
      },
    },
    { phase: 'Bound', capacity, accessModes: ['ReadWriteOnce'] },
  ],
  ['/v1/podtemplates/', 'a', { template }],
  [
    '/v1/replicationcontrollers/',
    'a',
    { spec: { replicas: 2, selector: { app: 'a' }, template } },
    { replicas: 2, readyReplicas: 1 },
  ],
]
