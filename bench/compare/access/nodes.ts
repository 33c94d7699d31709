import type { Json } from '../side.ts'
import { type Asked, asEach } from './as-each.ts'
import type { Asking, Made } from './index.ts'

const ns = '/api/v1/namespaces/nodal'
const container = { name: 'c', image: 'i' }
const pod = (name: string, spec: Json, metadata: Json = {}): Made => [
  `${ns}/pods`,
  { metadata: { name, ...metadata }, spec: { containers: [container], terminationGracePeriodSeconds: 0, ...spec } },
]

export const nodeScene: readonly Made[] = [
  ['/api/v1/namespaces', { metadata: { name: 'nodal' } }],
  [`${ns}/serviceaccounts`, { metadata: { name: 'default' } }],
  [`${ns}/serviceaccounts`, { metadata: { name: 'other' } }],
  ['/api/v1/nodes', { metadata: { name: 'n1' } }],
  ['/api/v1/nodes', { metadata: { name: 'n2' } }],
  ...['a', 'b', 'pull', 'env'].map((name): Made => [`${ns}/secrets`, { metadata: { name } }]),
  ...['a', 'b'].map((name): Made => [`${ns}/configmaps`, { metadata: { name } }]),
  [
    `${ns}/persistentvolumeclaims`,
    {
      metadata: { name: 'claim' },
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '1Gi' } },
        volumeName: 'vol',
        storageClassName: '',
      },
    },
  ],
  [
    '/api/v1/persistentvolumes',
    {
      metadata: { name: 'vol' },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        claimRef: { namespace: 'nodal', name: 'claim' },
        csi: { driver: 'd.example', volumeHandle: 'h', nodePublishSecretRef: { name: 'b', namespace: 'nodal' } },
      },
    },
  ],
  pod('p1', {
    nodeName: 'n1',
    imagePullSecrets: [{ name: 'pull' }],
    volumes: [
      { name: 's', secret: { secretName: 'a' } },
      { name: 'c', configMap: { name: 'a' } },
      { name: 'v', persistentVolumeClaim: { claimName: 'claim' } },
    ],
    containers: [{ ...container, envFrom: [{ secretRef: { name: 'env' } }] }],
  }),
  pod('p2', { nodeName: 'n2' }),
  pod('p3', {}),
]

const mirror = (metadata: Json, spec: Json = {}) => ({
  metadata: {
    name: 'mirror',
    annotations: { 'kubernetes.io/config.mirror': 'x' },
    ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'u', controller: true }],
    ...metadata,
  },
  spec: { nodeName: 'n1', containers: [container], ...spec },
})
const review = { spec: { audiences: ['x'], boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'p1', uid: 'x' } } }
const merge = 'application/merge-patch+json'

const asked: Asked[] = [
  ...['a', 'b', 'pull', 'env', 'none'].map((name): [string, string] => ['GET', `${ns}/secrets/${name}`]),
  ...['a', 'b', 'kube-root-ca.crt'].map((name): [string, string] => ['GET', `${ns}/configmaps/${name}`]),
  ...[
    `${ns}/secrets`,
    `${ns}/secrets?fieldSelector=metadata.name%3Da`,
    `${ns}/secrets?fieldSelector=metadata.name%3Da&watch=true&timeoutSeconds=1&resourceVersion=0`,
    `${ns}/persistentvolumeclaims/claim`,
    '/api/v1/persistentvolumes/vol',
    '/api/v1/nodes',
    '/api/v1/nodes/n1',
    '/api/v1/nodes/n2',
    '/api/v1/pods',
    '/api/v1/pods?fieldSelector=spec.nodeName%3Dn1',
    '/api/v1/pods?fieldSelector=spec.nodeName%3Dn2',
    `${ns}/pods/p1`,
    `${ns}/pods/p2`,
    `${ns}/pods/p3`,
    `${ns}/serviceaccounts/default`,
    `${ns}/serviceaccounts/other`,
    '/api/v1/services?limit=1',
    '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1',
    '/apis/storage.k8s.io/v1/csinodes/n1',
    '/apis/storage.k8s.io/v1/csidrivers',
    '/apis/node.k8s.io/v1/runtimeclasses',
    '/apis/certificates.k8s.io/v1/certificatesigningrequests',
    '/api/v1/namespaces/nodal',
    '/api/v1/namespaces',
  ].map((path): [string, string] => ['GET', path]),
  ['POST', '/api/v1/nodes?dryRun=All', { metadata: { name: 'n1' } }],
  ['POST', '/api/v1/nodes?dryRun=All', { metadata: { name: 'n3' } }],
  [
    'POST',
    '/api/v1/nodes?dryRun=All',
    { metadata: { name: 'n3', labels: { 'node-restriction.kubernetes.io/a': 'b' } } },
  ],
  ['PATCH', '/api/v1/nodes/n1?dryRun=All', { metadata: { labels: { a: 'b' } } }, merge],
  [
    'PATCH',
    '/api/v1/nodes/n1?dryRun=All',
    {
      metadata: {
        labels: {
          'kubernetes.io/os': 'linux',
          'node-role.kubernetes.io/x': '',
          'node-restriction.kubernetes.io/a': 'b',
          'x.k8s.io/y': 'z',
        },
      },
    },
    merge,
  ],
  ['PATCH', '/api/v1/nodes/n1?dryRun=All', { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } }, merge],
  ['PATCH', '/api/v1/nodes/n1?dryRun=All', { spec: { unschedulable: true } }, merge],
  [
    'PATCH',
    '/api/v1/nodes/n1?dryRun=All',
    { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'x', uid: 'y' }] } },
    merge,
  ],
  ['PATCH', '/api/v1/nodes/n1/status?dryRun=All', { status: { phase: 'Running' } }, merge],
  ['PATCH', '/api/v1/nodes/n1/status?dryRun=All', { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } }, merge],
  ['PATCH', '/api/v1/nodes/n2/status?dryRun=All', { status: { phase: 'Running' } }, merge],
  ['DELETE', '/api/v1/nodes/n1?dryRun=All'],
  ['DELETE', '/api/v1/nodes/n2?dryRun=All'],
  ['POST', `${ns}/pods?dryRun=All`, mirror({})],
  ['POST', `${ns}/pods?dryRun=All`, mirror({ annotations: {} })],
  ['POST', `${ns}/pods?dryRun=All`, mirror({ ownerReferences: [] })],
  ['POST', `${ns}/pods?dryRun=All`, mirror({}, { nodeName: 'n2' })],
  ['POST', `${ns}/pods?dryRun=All`, mirror({}, { serviceAccountName: 'default' })],
  ['POST', `${ns}/pods?dryRun=All`, mirror({}, { volumes: [{ name: 's', secret: { secretName: 'a' } }] })],
  ['POST', `${ns}/pods?dryRun=All`, mirror({}, { volumes: [{ name: 's', configMap: { name: 'a' } }] })],
  [
    'POST',
    `${ns}/pods?dryRun=All`,
    mirror({}, { volumes: [{ name: 's', persistentVolumeClaim: { claimName: 'a' } }] }),
  ],
  ['PATCH', `${ns}/pods/p1/status?dryRun=All`, { status: { phase: 'Running' } }, merge],
  ['PATCH', `${ns}/pods/p1/status?dryRun=All`, { metadata: { labels: { a: 'b' } } }, merge],
  ['PATCH', `${ns}/pods/p2/status?dryRun=All`, { status: { phase: 'Running' } }, merge],
  ['PATCH', `${ns}/pods/p1?dryRun=All`, { metadata: { labels: { a: 'b' } } }, merge],
  ['DELETE', `${ns}/pods/p1?dryRun=All`],
  ['DELETE', `${ns}/pods/p2?dryRun=All`],
  ['DELETE', `${ns}/pods/none?dryRun=All`],
  [
    'POST',
    `${ns}/pods/p1/eviction?dryRun=All`,
    { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p1' } },
  ],
  [
    'POST',
    `${ns}/pods/p2/eviction?dryRun=All`,
    { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p2' } },
  ],
  ['POST', `${ns}/serviceaccounts/default/token`, review],
  ['POST', `${ns}/serviceaccounts/default/token`, { spec: { audiences: ['x'] } }],
  ['POST', `${ns}/serviceaccounts/other/token`, review],
  ['POST', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases?dryRun=All', { metadata: { name: 'n1' } }],
  ['POST', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases?dryRun=All', { metadata: { name: 'n2' } }],
  ['POST', '/apis/coordination.k8s.io/v1/namespaces/nodal/leases?dryRun=All', { metadata: { name: 'n1' } }],
  ['POST', '/apis/storage.k8s.io/v1/csinodes?dryRun=All', { metadata: { name: 'n1' }, spec: { drivers: [] } }],
  ['POST', '/apis/storage.k8s.io/v1/csinodes?dryRun=All', { metadata: { name: 'n2' }, spec: { drivers: [] } }],
  ['PATCH', `${ns}/persistentvolumeclaims/claim/status?dryRun=All`, { status: { phase: 'Bound' } }, merge],
  ['PATCH', `${ns}/persistentvolumeclaims/claim?dryRun=All`, { metadata: { labels: { a: 'b' } } }, merge],
  ['POST', `${ns}/events?dryRun=All`, { metadata: { name: 'e' }, involvedObject: { namespace: 'nodal' }, reason: 'r' }],
  ['POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token: 'x' } }],
  [
    'POST',
    '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    { spec: { user: 'a', nonResourceAttributes: { path: '/', verb: 'get' } } },
  ],
]

const nodes = [
  'system:node:n1,system:nodes',
  'system:node:n3,system:nodes',
  'system:node:,system:nodes',
  'n1,system:nodes',
]
export const nodeQuestions: readonly Asking[] = asEach(nodes, asked)
