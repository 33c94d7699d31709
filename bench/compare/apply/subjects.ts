import type { Json } from '../side.ts'
import { someTime } from '../told.ts'

/** A place, `~` for dots in its last name, and what may stand there. */
export type Field = readonly [path: string, values: readonly Json[]]

export interface Subject {
  name: string
  kind: string
  plural: string
  versions: readonly string[]
  cluster?: true
  /** What makes it valid. */
  base: Json
  fields: readonly Field[]
  status?: readonly Field[]
}

const meta: readonly Field[] = [
  ['metadata.labels', [{ a: '1' }, { a: '2', b: '1' }, { c: '3' }, {}]],
  ['metadata.annotations', [{ x: '1' }, { x: '2' }, { 'a.example/y': 'z' }]],
  ['metadata.finalizers', [['a.example/f'], ['a.example/g', 'a.example/f'], []]],
  [
    'metadata.ownerReferences',
    [
      [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u1' }],
      [
        { apiVersion: 'v1', kind: 'Pod', name: 'q', uid: 'u2' },
        { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u1' },
      ],
    ],
  ],
]
const container = (name: string, more: Json = {}) => ({ name, image: 'i', ...more })
const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [container('c')] } }
const condition = (type: string, status: string) => ({
  type,
  status,
  lastTransitionTime: someTime,
  reason: 'R',
  message: 'm',
})

const containers = [
  [container('c')],
  [container('c', { image: 'j' })],
  [container('c', { env: [{ name: 'A', value: '1' }] })],
  [
    container('c', {
      env: [
        { name: 'B', value: '2' },
        { name: 'A', value: '3' },
      ],
    }),
  ],
  [container('c', { ports: [{ containerPort: 80 }] }), container('d')],
  [container('c', { ports: [{ containerPort: 80, protocol: 'UDP' }, { containerPort: 80 }] })],
  [container('d'), container('c')],
  [container('c', { args: ['x'], resources: { limits: { cpu: '1' } } })],
  [
    container('c', {
      args: ['y', 'x'],
      resources: { limits: { cpu: '1000m', memory: '1Gi' } },
      volumeMounts: [{ name: 'v', mountPath: '/v' }],
    }),
  ],
]

export const subjects: readonly Subject[] = [
  {
    name: 'ConfigMap',
    kind: 'ConfigMap',
    plural: 'configmaps',
    versions: ['v1'],
    base: {},
    fields: [
      ...meta,
      ['data', [{ a: '1' }, { a: '2' }, { b: '1', a: '1' }, {}]],
      ['data.c', ['1', '2']],
      ['binaryData', [{ z: 'YQ==' }]],
      ['immutable', [false]],
    ],
  },
  {
    name: 'Deployment',
    kind: 'Deployment',
    plural: 'deployments',
    versions: ['apps/v1'],
    base: { spec: { selector: { matchLabels: { app: 'a' } }, template } },
    fields: [
      ...meta,
      ['spec.replicas', [1, 2, 3, 0]],
      ['spec.template.spec.containers', containers],
      ['spec.template.spec.volumes', [[{ name: 'v', emptyDir: {} }], [{ name: 'v', configMap: { name: 'x' } }]]],
      ['spec.strategy', [{ type: 'Recreate' }, { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } }]],
      ['spec.paused', [true, false]],
      ['spec.template.spec.tolerations', [[{ key: 'a', operator: 'Exists' }], [{ key: 'b', operator: 'Exists' }]]],
      ['spec.template.spec.nodeSelector', [{ a: 'b' }, { c: 'd' }]],
      ['spec.template.metadata.labels', [{ app: 'a' }, { app: 'a', x: 'y' }]],
      [
        'spec.template.spec.hostAliases',
        [
          [{ ip: '1.2.3.4', hostnames: ['a'] }],
          [
            { ip: '1.2.3.5', hostnames: ['b'] },
            { ip: '1.2.3.4', hostnames: ['c'] },
          ],
        ],
      ],
      ['spec.template.spec.imagePullSecrets', [[{ name: 'a' }], [{ name: 'b' }]]],
    ],
    status: [
      ['status.replicas', [1, 2]],
      [
        'status.conditions',
        [[condition('Available', 'True')], [condition('Progressing', 'False'), condition('Available', 'False')]],
      ],
      ['status.observedGeneration', [1]],
      ['metadata.labels', [{ s: '1' }]],
    ],
  },
  {
    name: 'Service',
    kind: 'Service',
    plural: 'services',
    versions: ['v1'],
    base: { spec: { ports: [{ name: 'a', port: 80 }] } },
    fields: [
      ...meta,
      [
        'spec.ports',
        [
          [{ name: 'a', port: 80 }],
          [
            { name: 'b', port: 81, targetPort: 'x' },
            { name: 'a', port: 80 },
          ],
          [
            { name: 'a', port: 80, protocol: 'UDP' },
            { name: 'b', port: 80 },
          ],
          [{ name: 'c', port: 80 }],
        ],
      ],
      ['spec.selector', [{ a: 'b' }, { a: 'c', d: 'e' }]],
      ['spec.sessionAffinity', ['ClientIP', 'None']],
      ['spec.externalIPs', [['1.2.3.4'], ['1.2.3.5', '1.2.3.4']]],
    ],
    status: [
      ['status.loadBalancer.ingress', [[{ ip: '5.6.7.8' }], [{ ip: '5.6.7.9' }]]],
      ['status.conditions', [[condition('A', 'True')], [condition('B', 'False')]]],
    ],
  },
  {
    name: 'Autoscaler',
    kind: 'HorizontalPodAutoscaler',
    plural: 'horizontalpodautoscalers',
    versions: ['autoscaling/v2', 'autoscaling/v1'],
    base: { spec: { maxReplicas: 5, scaleTargetRef: { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' } } },
    fields: [
      ...meta,
      ['spec.maxReplicas', [5, 6]],
      ['spec.minReplicas', [1, 2]],
      [
        'spec.scaleTargetRef',
        [
          { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' },
          { kind: 'Deployment', name: 'e', apiVersion: 'apps/v1' },
        ],
      ],
      ['spec.targetCPUUtilizationPercentage', [50, 60]],
      ['spec.behavior', [{ scaleUp: { policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] } }]],
      [
        'spec.metrics',
        [
          [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } }],
          [{ type: 'Resource', resource: { name: 'memory', target: { type: 'Utilization', averageUtilization: 30 } } }],
        ],
      ],
    ],
    status: [
      ['status.currentReplicas', [1, 2]],
      ['status.desiredReplicas', [1, 3]],
    ],
  },
  {
    name: 'Pod',
    kind: 'Pod',
    plural: 'pods',
    versions: ['v1'],
    base: { spec: { containers: [container('c')], terminationGracePeriodSeconds: 0 } },
    fields: [
      ...meta,
      ['spec.containers', [[container('c', { image: 'j' })], [container('c')]]],
      ['spec.activeDeadlineSeconds', [9, 8]],
      ['spec.tolerations', [[{ key: 'a', operator: 'Exists' }], [{ key: 'b', operator: 'Exists' }]]],
    ],
    status: [
      ['status.conditions', [[condition('Ready', 'True')], [condition('Ready', 'False'), condition('x', 'True')]]],
      ['status.phase', ['Running', 'Failed']],
      ['status.podIPs', [[{ ip: '10.0.0.1' }]]],
      ['status.podIP', ['10.0.0.1']],
      ['status.message', ['m', 'n']],
    ],
  },
  {
    name: 'Policy',
    kind: 'NetworkPolicy',
    plural: 'networkpolicies',
    versions: ['networking.k8s.io/v1'],
    base: { spec: { podSelector: {} } },
    fields: [
      ...meta,
      ['spec.podSelector', [{ matchLabels: { a: 'b' } }, { matchExpressions: [{ key: 'a', operator: 'Exists' }] }, {}]],
      ['spec.policyTypes', [['Ingress'], ['Ingress', 'Egress']]],
      ['spec.ingress', [[{ ports: [{ port: 80 }] }], [{}]]],
    ],
  },
  {
    name: 'Role',
    kind: 'ClusterRole',
    plural: 'clusterroles',
    cluster: true,
    versions: ['rbac.authorization.k8s.io/v1'],
    base: {},
    fields: [
      ...meta,
      [
        'rules',
        [
          [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
          [{ apiGroups: [''], resources: ['pods', 'nodes'], verbs: ['get', 'list'] }],
          [],
        ],
      ],
      ['aggregationRule', [{ clusterRoleSelectors: [{ matchLabels: { none: 'x' } }] }]],
    ],
  },
  {
    name: 'Claim',
    kind: 'PersistentVolume',
    plural: 'persistentvolumes',
    cluster: true,
    versions: ['v1'],
    base: { spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/tmp/x' } } },
    fields: [
      ...meta.slice(0, 2),
      ['spec.capacity', [{ storage: '1024Mi' }, { storage: '2Gi' }]],
      ['spec.accessModes', [['ReadWriteOnce'], ['ReadWriteMany', 'ReadWriteOnce']]],
      ['spec.mountOptions', [['a'], ['b', 'a']]],
      ['spec.storageClassName', ['s', 't']],
    ],
    status: [
      ['status.message', ['m']],
      ['status.phase', ['Bound', 'Available']],
    ],
  },
]
