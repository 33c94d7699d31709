import { expect, test } from 'vitest'
import type { Kind } from '../kind.ts'
import { columnDefinitionsOf } from '../table.ts'
import { durationText } from './columns.ts'
import * as all from './index.ts'
import { cells } from './testing.ts'

const creationTimestamp = '2026-01-01T00:00:00Z'
const nowMs = Date.parse('2026-01-01T00:05:00Z')
const metadata = { name: 'x', namespace: 'default', creationTimestamp }
const template = {
  spec: {
    containers: [
      { name: 'a', image: 'nginx:1' },
      { name: 'b', image: 'redis' },
    ],
  },
}
const selector = {
  matchLabels: { app: 'web' },
  matchExpressions: [{ key: 'tier', operator: 'In', values: ['b', 'a'] }],
}
const selectorCell = 'app=web,tier in (a,b)'

test.each([
  [-1500, '0s'],
  [-2500, '<invalid>'],
  [0, '0s'],
  [119_000, '119s'],
  [120_000, '2m'],
  [200_000, '3m20s'],
  [10 * 60_000 + 5000, '10m'],
  [179 * 60_000, '179m'],
  [3 * 3_600_000, '3h'],
  [5.2 * 3_600_000, '5h12m'],
  [47 * 3_600_000, '47h'],
  [52 * 3_600_000, '2d4h'],
  [100 * 86_400_000, '100d'],
  [(3 * 365 + 20) * 86_400_000, '3y20d'],
  [9 * 365 * 86_400_000, '9y'],
])('%d ms read %s', (ms, text) => {
  expect(durationText(ms)).toBe(text)
})

const kinds: Record<string, Kind<any>> = { ...(all as Record<string, any>) }

type Row = [kind: keyof typeof all, object: object, wide: unknown[]]

const rows: Row[] = [
  [
    'Node',
    {
      metadata: { ...metadata, labels: { 'node-role.kubernetes.io/worker': '', 'kubernetes.io/role': 'edge' } },
      spec: { unschedulable: true },
      status: {
        conditions: [{ type: 'Ready', status: 'True' }],
        addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
        nodeInfo: {
          kubeletVersion: 'v1.32.0',
          osImage: 'Debian',
          kernelVersion: '6.1',
          containerRuntimeVersion: 'containerd://1.7',
        },
      },
    },
    [
      'Ready,SchedulingDisabled',
      'edge,worker',
      '5m',
      'v1.32.0',
      '10.0.0.1',
      '<none>',
      'Debian',
      '6.1',
      'containerd://1.7',
    ],
  ],
  [
    'Service',
    {
      spec: {
        type: 'NodePort',
        clusterIPs: ['10.96.0.9'],
        ports: [
          { port: 80, nodePort: 30080, protocol: 'TCP' },
          { port: 53, protocol: 'UDP' },
        ],
        selector: { app: 'web' },
      },
    },
    ['NodePort', '10.96.0.9', '<none>', '80:30080/TCP,53/UDP', '5m', 'app=web'],
  ],
  [
    'Service',
    {
      spec: { type: 'LoadBalancer', clusterIPs: ['10.96.0.9'], externalIPs: ['1.1.1.1'] },
      status: { loadBalancer: { ingress: [{ hostname: 'lb' }, { ip: '2.2.2.2' }] } },
    },
    ['LoadBalancer', '10.96.0.9', '2.2.2.2,lb,1.1.1.1', '<none>', '5m', '<none>'],
  ],
  [
    'Deployment',
    {
      spec: { replicas: 3, selector, template },
      status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 2 },
    },
    ['2/3', 3, 2, '5m', 'a,b', 'nginx:1,redis', selectorCell],
  ],
  [
    'ReplicaSet',
    { spec: { replicas: 3, selector, template }, status: { replicas: 3, readyReplicas: 1 } },
    [3, 3, 1, '5m', 'a,b', 'nginx:1,redis', selectorCell],
  ],
  [
    'StatefulSet',
    { spec: { replicas: 3, selector, template }, status: { readyReplicas: 1 } },
    ['1/3', '5m', 'a,b', 'nginx:1,redis'],
  ],
  [
    'DaemonSet',
    {
      spec: { selector, template },
      status: {
        desiredNumberScheduled: 3,
        currentNumberScheduled: 3,
        numberReady: 2,
        updatedNumberScheduled: 3,
        numberAvailable: 1,
      },
    },
    [3, 3, 2, 3, 1, '<none>', '5m', 'a,b', 'nginx:1,redis', selectorCell],
  ],
  [
    'Job',
    { spec: { parallelism: 3, selector, template }, status: { succeeded: 1, startTime: creationTimestamp } },
    ['Running', '1/1 of 3', '5m', '5m', 'a,b', 'nginx:1,redis', selectorCell],
  ],
  [
    'Job',
    {
      spec: { completions: 2, template },
      status: {
        succeeded: 2,
        startTime: creationTimestamp,
        completionTime: '2026-01-01T00:01:00Z',
        conditions: [{ type: 'Complete', status: 'True' }],
      },
    },
    ['Complete', '2/2', '60s', '5m', 'a,b', 'nginx:1,redis', '<none>'],
  ],
  [
    'CronJob',
    {
      spec: { schedule: '* * * * *', suspend: false, jobTemplate: { spec: { template } } },
      status: { lastScheduleTime: '2026-01-01T00:04:00Z', active: [{}] },
    },
    ['* * * * *', '<none>', 'False', 1, '60s', '5m', 'a,b', 'nginx:1,redis', '<none>'],
  ],
  ['ConfigMap', { data: { a: '1' }, binaryData: { b: 'AA==' } }, [2]],
  ['Secret', { type: 'Opaque', data: { a: 'MQ==' } }, ['Opaque', 1]],
  ['Namespace', { status: { phase: 'Active' } }, ['Active']],
  [
    'Endpoints',
    { subsets: [{ addresses: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }], ports: [{ port: 80 }, { port: 443 }] }] },
    ['10.0.0.1:80,10.0.0.2:80,10.0.0.1:443 + 1 more...'],
  ],
  ['Endpoints', {}, ['<none>']],
  [
    'EndpointSlice',
    { addressType: 'IPv4', ports: [{ port: 80 }], endpoints: [{ addresses: ['10.0.0.1'] }] },
    ['IPv4', '80', '10.0.0.1'],
  ],
  ['EndpointSlice', { addressType: 'IPv4' }, ['IPv4', '<unset>', '<unset>']],
  [
    'Event',
    {
      involvedObject: { kind: 'Pod', name: 'p', fieldPath: 'spec.containers{a}' },
      type: 'Normal',
      reason: 'Pulled',
      message: ' done\n',
      source: { component: 'agent', host: 'n1' },
      firstTimestamp: creationTimestamp,
      lastTimestamp: '2026-01-01T00:04:50Z',
      count: 4,
    },
    ['10s', 'Normal', 'Pulled', 'pod/p', 'spec.containers{a}', 'agent, n1', 'done', '5m', 4, 'x'],
  ],
  [
    'Event',
    { involvedObject: { kind: 'Node' }, eventTime: '2026-01-01T00:04:00.000000Z', reportingComponent: 'c' },
    ['60s', '', '', 'node', '', 'c', '', '60s', 1, 'x'],
  ],
  ['Lease', { spec: { holderIdentity: 'me' } }, ['me']],
  [
    'Ingress',
    {
      spec: { ingressClassName: 'web', rules: ['a', 'b', 'c', 'd'].map(host => ({ host })), tls: [{}] },
      status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } },
    },
    ['web', 'a,b,c + 1 more...', '1.2.3.4', '80, 443'],
  ],
  ['NetworkPolicy', { spec: { podSelector: {} } }, ['<none>']],
  ['PodDisruptionBudget', { spec: { minAvailable: '50%' }, status: { disruptionsAllowed: 1 } }, ['50%', 'N/A', 1]],
  [
    'HorizontalPodAutoscaler',
    {
      spec: {
        scaleTargetRef: { kind: 'Deployment', name: 'web' },
        minReplicas: 1,
        maxReplicas: 5,
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
          { type: 'Pods', pods: { metric: { name: 'q' }, target: { type: 'AverageValue', averageValue: '10' } } },
        ],
      },
      status: {
        currentReplicas: 2,
        desiredReplicas: 2,
        currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 12 } } }],
      },
    },
    ['Deployment/web', 'cpu: 12%/80%, <unknown>/10', '1', 5, 2],
  ],
  [
    'PersistentVolume',
    {
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteMany', 'ReadWriteOnce'],
        persistentVolumeReclaimPolicy: 'Retain',
        claimRef: { namespace: 'default', name: 'c' },
        storageClassName: 'fast',
      },
      status: { phase: 'Bound' },
    },
    ['1Gi', 'RWO,RWX', 'Retain', 'Bound', 'default/c', 'fast', '<unset>', '', '5m', '<unset>'],
  ],
  [
    'PersistentVolumeClaim',
    {
      spec: { volumeName: 'v', storageClassName: 'fast', volumeMode: 'Filesystem' },
      status: { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' } },
    },
    ['Bound', 'v', '1Gi', 'RWO', 'fast', '<unset>', '5m', 'Filesystem'],
  ],
  [
    'StorageClass',
    {
      metadata: { ...metadata, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
      provisioner: 'p',
    },
    ['x (default)', 'p', 'Delete', 'Immediate', false],
  ],
  ['PriorityClass', { value: 10, preemptionPolicy: 'Never' }, [10, false, '5m', 'Never']],
  ['ClusterRole', {}, [creationTimestamp]],
  [
    'RoleBinding',
    {
      roleRef: { kind: 'Role', name: 'r' },
      subjects: [
        { kind: 'User', name: 'u' },
        { kind: 'User', name: 'v' },
        { kind: 'ServiceAccount', name: 's', namespace: 'n' },
      ],
    },
    ['Role/r', '5m', 'u, v', '', 'n/s'],
  ],
  [
    'CertificateSigningRequest',
    {
      spec: { signerName: 'a/b', username: 'jane', expirationSeconds: 3600 },
      status: { certificate: 'AA==', conditions: [{ type: 'Approved' }] },
    },
    ['5m', 'a/b', 'jane', '60m', 'Approved,Issued'],
  ],
  [
    'ResourceQuota',
    { status: { hard: { pods: '10', 'limits.cpu': '4', cpu: '2' }, used: { pods: '3' } } },
    ['5m', 'cpu: 0/2, pods: 3/10', 'limits.cpu: 0/4'],
  ],
  [
    'ControllerRevision',
    {
      metadata: {
        ...metadata,
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'd', uid: 'u', controller: true }],
      },
      revision: 3,
    },
    ['daemonset.apps/d', 3],
  ],
  ['ValidatingWebhookConfiguration', { webhooks: [{}, {}] }, [2]],
  [
    'CSIDriver',
    { spec: { tokenRequests: [{ audience: 'a' }], volumeLifecycleModes: ['Persistent'] } },
    [true, false, false, 'a', false, 'Persistent'],
  ],
  [
    'FlowSchema',
    { spec: { priorityLevelConfiguration: { name: 'exempt' }, matchingPrecedence: 1 } },
    ['exempt', 1, '<none>', '5m', '?'],
  ],
  ['ResourceClaim', { spec: {}, status: { allocation: {}, reservedFor: [{}] } }, ['allocated,reserved']],
  [
    'Workload',
    {
      metadata: { ...metadata, generation: 2 },
      spec: { replicas: 3, image: 'nginx' },
      status: { readyReplicas: 3, url: 'http://a', observedGeneration: 2 },
    },
    ['3/3', 'http://a', 'Ready', '5m', 'nginx', ''],
  ],
  [
    'Workload',
    { spec: { replicas: 3, image: 'nope' }, status: { readyReplicas: 1, message: 'web-1: image not found' } },
    ['1/3', '', 'web-1: image not found', '5m', 'nope', 'web-1: image not found'],
  ],
]

test.each(rows)("%s's row", (kind, object, expected) => {
  expect(cells(kinds[kind]!, { metadata, ...object }, { nowMs, wide: true })).toEqual(expected)
})

test("a Workload's long problem is cut in its row, and whole in the wide one", () => {
  const message = 'x'.repeat(80)
  const workload = { metadata, spec: { image: 'a' }, status: { message } }
  expect(cells(all.Workload, workload, { nowMs })).toEqual(['0/1', '', `${'x'.repeat(59)}…`, '5m'])
  expect(cells(all.Workload, workload, { nowMs, wide: true })).toContain(message)
})

test('the other version of an object prints the same', () => {
  const stored = {
    metadata,
    involvedObject: { kind: 'Pod', name: 'p' },
    reason: 'Pulled',
    message: 'done',
    lastTimestamp: creationTimestamp,
  }
  const other = all.EventsEvent.storedAs!.fromStored(stored as any)
  expect(cells(all.EventsEvent, other, { nowMs, wide: true })).toEqual(cells(all.Event, stored, { nowMs, wide: true }))
})

test.each<[string, string[]]>([
  ['ConfigMap', ['Name string name', 'Data string', 'Age string']],
  ['Secret', ['Name string name', 'Type string', 'Data string', 'Age string']],
  ['ServiceAccount', ['Name string name', 'Secrets string', 'Age string']],
  ['ResourceQuota', ['Name string name', 'Age string', 'Request string', 'Limit string']],
  ['CSIStorageCapacity', ['Name string name', 'Created At date']],
])('the columns of %s are those of kube-apiserver, with their types', (kind, columns) => {
  const shown = columnDefinitionsOf((all as any)[kind]).map(c => `${c.name} ${c.type} ${c.format}`.trim())
  expect(shown).toEqual(columns)
})
