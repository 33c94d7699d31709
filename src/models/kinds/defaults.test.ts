import { expect, test } from 'vitest'
import type { Kind } from '../kind.ts'
import * as all from './index.ts'
import { admitted } from './testing.ts'

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'a', image: 'nginx:1' }] } }

const kinds: Record<string, Kind<any>> = { ...(all as Record<string, any>) }

type Row = [kind: keyof typeof all, body: object, expected: object]

const rows: Row[] = [
  [
    'Deployment',
    { spec: { template } },
    {
      spec: {
        replicas: 1,
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
        template: { spec: { restartPolicy: 'Always', schedulerName: 'default-scheduler' } },
      },
    },
  ],
  [
    'StatefulSet',
    { spec: { template } },
    {
      spec: {
        replicas: 1,
        podManagementPolicy: 'OrderedReady',
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
        persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      },
    },
  ],
  [
    'DaemonSet',
    { spec: { template } },
    {
      metadata: { annotations: { 'deprecated.daemonset.template.generation': '1' } },
      spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } } },
    },
  ],
  [
    'Job',
    { metadata: { name: 'j', uid: 'u1' }, spec: { template } },
    {
      metadata: { labels: { app: 'web' } },
      spec: {
        completions: 1,
        parallelism: 1,
        backoffLimit: 6,
        completionMode: 'NonIndexed',
        suspend: false,
        podReplacementPolicy: 'TerminatingOrFailed',
        selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u1' } },
        template: {
          metadata: {
            labels: {
              app: 'web',
              'job-name': 'j',
              'batch.kubernetes.io/job-name': 'j',
              'controller-uid': 'u1',
              'batch.kubernetes.io/controller-uid': 'u1',
            },
          },
        },
      },
    },
  ],
  [
    'CronJob',
    { spec: { schedule: '* * * * *' } },
    { spec: { concurrencyPolicy: 'Allow', suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 } },
  ],
  [
    'Service',
    { spec: { type: 'NodePort', ports: [{ port: 80 }] } },
    {
      spec: {
        sessionAffinity: 'None',
        externalTrafficPolicy: 'Cluster',
        internalTrafficPolicy: 'Cluster',
        ports: [{ port: 80, targetPort: 80, protocol: 'TCP' }],
      },
    },
  ],
  [
    'Service',
    { spec: { clusterIP: 'None', sessionAffinity: 'ClientIP' } },
    {
      spec: {
        type: 'ClusterIP',
        clusterIPs: ['None'],
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } },
      },
    },
  ],
  [
    'Namespace',
    { metadata: { name: 'n' } },
    {
      metadata: { labels: { 'kubernetes.io/metadata.name': 'n' } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    },
  ],
  [
    'Secret',
    { stringData: { a: 'é' }, data: { a: 'b2xk', b: 'MQ==' } },
    { type: 'Opaque', data: { a: 'w6k=', b: 'MQ==' } },
  ],
  ['PersistentVolumeClaim', { spec: {} }, { spec: { volumeMode: 'Filesystem' }, status: { phase: 'Pending' } }],
  [
    'PersistentVolume',
    { spec: {} },
    { spec: { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' }, status: { phase: 'Pending' } },
  ],
  [
    'LimitRange',
    { spec: { limits: [{ type: 'Container', max: { cpu: '2' }, min: { cpu: '1', memory: '1Mi' } }] } },
    { spec: { limits: [{ default: { cpu: '2' }, defaultRequest: { cpu: '2', memory: '1Mi' } }] } },
  ],
  [
    'HorizontalPodAutoscaler',
    { spec: { maxReplicas: 3, behavior: { scaleDown: { selectPolicy: 'Min' } } } },
    {
      spec: {
        minReplicas: 1,
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
        ],
        behavior: {
          scaleUp: {
            selectPolicy: 'Max',
            stabilizationWindowSeconds: 0,
            policies: [
              { type: 'Pods', value: 4, periodSeconds: 15 },
              { type: 'Percent', value: 100, periodSeconds: 15 },
            ],
          },
          scaleDown: { selectPolicy: 'Min', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] },
        },
      },
    },
  ],
  [
    'NetworkPolicy',
    { spec: { podSelector: {}, egress: [{ ports: [{ port: 53 }] }] } },
    { spec: { policyTypes: ['Ingress', 'Egress'], egress: [{ ports: [{ port: 53, protocol: 'TCP' }] }] } },
  ],
  [
    'RoleBinding',
    {
      roleRef: { kind: 'Role', name: 'r' },
      subjects: [
        { kind: 'Group', name: 'g' },
        { kind: 'ServiceAccount', name: 's' },
      ],
    },
    {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io' }, { kind: 'ServiceAccount', name: 's' }],
    },
  ],
  ['StorageClass', { provisioner: 'p' }, { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' }],
  [
    'MutatingWebhookConfiguration',
    {
      webhooks: [
        { name: 'a', clientConfig: { service: { name: 's', namespace: 'n' } }, rules: [{ operations: ['*'] }] },
      ],
    },
    {
      webhooks: [
        {
          failurePolicy: 'Fail',
          matchPolicy: 'Equivalent',
          timeoutSeconds: 10,
          reinvocationPolicy: 'Never',
          namespaceSelector: {},
          objectSelector: {},
          clientConfig: { service: { port: 443 } },
          rules: [{ scope: '*' }],
        },
      ],
    },
  ],
  [
    'EndpointSlice',
    { addressType: 'IPv4', ports: [{ port: 80 }] },
    { ports: [{ name: '', port: 80, protocol: 'TCP' }] },
  ],
  [
    'PriorityLevelConfiguration',
    { spec: { type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing: {} } } } },
    {
      spec: {
        limited: {
          nominalConcurrencyShares: 30,
          lendablePercent: 0,
          limitResponse: { queuing: { queues: 64, handSize: 8, queueLengthLimit: 50 } },
        },
      },
    },
  ],
  [
    'Workload',
    {
      spec: {
        image: 'nginx',
        ports: [
          { port: 80, targetPort: 8080 },
          { port: 81, name: 'b' },
        ],
        healthCheck: { http: {} },
      },
    },
    {
      spec: {
        replicas: 1,
        ports: [{ targetPort: 8080, protocol: 'TCP' }, { targetPort: 81 }],
        healthCheck: { http: { path: '/', port: 8080 }, intervalSeconds: 10, timeoutSeconds: 1, failureThreshold: 3 },
      },
    },
  ],
]

test.each(rows)("a %s gets Kubernetes' defaults", (kind, body, expected) => {
  const object = admitted(kinds[kind]!, body)
  expect(object).toMatchObject(expected)
  const again = structuredClone(object)
  kinds[kind]!.defaults?.(again)
  expect(again, 'defaulting twice').toEqual(object)
})

test('what an update leaves out of a Service stays allocated', () => {
  const previous: any = {
    spec: {
      type: 'NodePort',
      clusterIP: '10.96.0.9',
      clusterIPs: ['10.96.0.9'],
      ports: [{ name: 'a', port: 80, protocol: 'TCP', nodePort: 30080 }],
    },
  }
  const next: any = {
    spec: {
      type: 'NodePort',
      ports: [
        { name: 'b', port: 81, protocol: 'TCP' },
        { name: 'a', port: 80, protocol: 'TCP' },
      ],
    },
  }
  all.Service.prepareUpdate!(next, previous)
  expect(next.spec).toEqual({
    type: 'NodePort',
    clusterIP: '10.96.0.9',
    clusterIPs: ['10.96.0.9'],
    ports: [
      { name: 'b', port: 81, protocol: 'TCP' },
      { name: 'a', port: 80, protocol: 'TCP', nodePort: 30080 },
    ],
  })
})

test('a Service that becomes internal gives its node ports back, and one that becomes a name its address', () => {
  const previous: any = {
    spec: {
      type: 'NodePort',
      clusterIP: '10.96.0.9',
      clusterIPs: ['10.96.0.9'],
      externalTrafficPolicy: 'Cluster',
      ports: [{ port: 80, nodePort: 30080 }],
    },
  }
  const internal = structuredClone(previous)
  internal.spec.type = 'ClusterIP'
  all.Service.prepareUpdate!(internal, previous)
  expect(internal.spec).toEqual({
    type: 'ClusterIP',
    clusterIP: '10.96.0.9',
    clusterIPs: ['10.96.0.9'],
    ports: [{ port: 80 }],
  })
  const name = structuredClone(previous)
  name.spec.type = 'ExternalName'
  all.Service.prepareUpdate!(name, previous)
  expect(name.spec).toEqual({ type: 'ExternalName', ports: [{ port: 80 }] })
})

test('an autoscaler survives the trip through autoscaling/v1', () => {
  const stored: any = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'h', annotations: { mine: '1' } },
    spec: {
      maxReplicas: 3,
      minReplicas: 1,
      scaleTargetRef: { kind: 'Deployment', name: 'web' },
      metrics: [
        { type: 'Pods', pods: { metric: { name: 'q' }, target: { type: 'AverageValue', averageValue: '10' } } },
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } },
      ],
      behavior: { scaleDown: { selectPolicy: 'Min' } },
    },
    status: { currentReplicas: 1, desiredReplicas: 2, conditions: [{ type: 'AbleToScale', status: 'True' }] },
  }
  const { fromStored, toStored } = all.HorizontalPodAutoscalerV1.storedAs!
  const shown = fromStored(stored)
  expect(shown.spec.targetCPUUtilizationPercentage).toBe(70)
  expect(toStored(shown)).toEqual(stored)
})

test('an event survives the trip through events.k8s.io', () => {
  const stored: any = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'e' },
    involvedObject: { kind: 'Pod' },
    message: 'm',
    reportingComponent: 'c',
    source: { component: 's' },
    count: 2,
    firstTimestamp: 't',
    lastTimestamp: 't',
  }
  const { fromStored, toStored } = all.EventsEvent.storedAs!
  expect(fromStored(stored)).toMatchObject({
    regarding: { kind: 'Pod' },
    note: 'm',
    reportingController: 'c',
    deprecatedCount: 2,
  })
  expect(toStored(fromStored(stored))).toEqual(stored)
})
