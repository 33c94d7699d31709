import { expect, test } from 'vitest'
import type { AnyObject } from '../../models/object.ts'
import { an, told } from '../testing/world.ts'

type Case = [what: string, object: AnyObject, others: AnyObject[], lines: string[]]

const claim = (spec: object, status: object = { phase: 'Pending' }, metadata: object = {}) =>
  an('PersistentVolumeClaim', 'data', {
    metadata,
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '8Gi' } }, ...spec },
    status,
  })
const volume = (name: string, spec: object, phase = 'Available') =>
  an('PersistentVolume', name, {
    spec: { storageClassName: 'fast', capacity: { storage: '10Gi' }, accessModes: ['ReadWriteOnce'], ...spec },
    status: { phase },
  })
const byHand = an('StorageClass', 'fast', {
  provisioner: 'kubernetes.io/no-provisioner',
  volumeBindingMode: 'Immediate',
})
const late = an('StorageClass', 'late', { provisioner: 'csi.example.com', volumeBindingMode: 'WaitForFirstConsumer' })
const user = (rest: object) =>
  an('Pod', 'db-0', { ...rest, spec: { volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'data' } }] } })

const claims: Case[] = [
  [
    'a claim that no volume fits says of each why',
    claim({ storageClassName: 'fast' }),
    [
      byHand,
      volume('small', { capacity: { storage: '5Gi' } }),
      volume('slow-1', { storageClassName: 'slow' }),
      volume('slow-2', { storageClassName: 'slow' }),
      volume('taken', { claimRef: { namespace: 'default', name: 'other' } }, 'Bound'),
      volume('kept', { claimRef: { namespace: 'default', name: 'gone' } }, 'Released'),
      volume('shared', { accessModes: ['ReadOnlyMany'] }),
    ],
    [
      'it is Pending',
      'stops: PersistentVolume small cannot be its: it has 5Gi, not 8Gi',
      'stops: 2 PersistentVolumes, such as slow-1, cannot be its: its class is "slow", not "fast"',
      'stops: PersistentVolume taken cannot be its: bound to another claim',
      'stops: PersistentVolume kept cannot be its: released, but kept with the data of its last claim',
      'stops: PersistentVolume shared cannot be its: it cannot be mounted ReadWriteOnce',
    ],
  ],
  [
    'a claim that one fits',
    claim({ storageClassName: 'fast' }),
    [byHand, volume('small', { capacity: { storage: '5Gi' } }), volume('good', {})],
    ['it is Pending', 'waits: PersistentVolume good fits, and is about to be bound'],
  ],
  [
    'a claim that asks by name for a volume that it cannot have',
    claim({ storageClassName: 'fast', volumeName: 'small' }),
    [volume('small', { capacity: { storage: '5Gi' } })],
    ['it is Pending', 'stops: it asks for PersistentVolume small (spec.volumeName), but requested PV is too small'],
  ],
  [
    'a claim of a class that is not there',
    claim({ storageClassName: 'fats' }),
    [byHand, late],
    [
      'it is Pending',
      'stops: there is no StorageClass fats (spec.storageClassName) → There are: fast, late.',
      'stops: there is no PersistentVolume at all → Create one of that class, size and access mode.',
    ],
  ],
  [
    'a claim that waits for its first pod',
    claim({ storageClassName: 'late' }),
    [late],
    [
      'it is Pending',
      'waits: StorageClass late waits for the first pod that uses the claim (volumeBindingMode), and there is none',
    ],
  ],
  [
    'a claim whose pod has no node',
    claim({ storageClassName: 'late' }),
    [late, user({})],
    ['it is Pending', 'stops: pod db-0, which uses it, has no node yet → optiflow why pod/db-0 -n default'],
  ],
  [
    'a claim whose driver is not there',
    claim({ storageClassName: 'late' }, undefined, { annotations: { 'volume.kubernetes.io/selected-node': 'n1' } }),
    [late],
    [
      'it is Pending',
      'unknown: csi.example.com, the provisioner of StorageClass late, has not made a volume yet, and no CSIDriver of that name is registered → See whether its pods run, and what they log.',
    ],
  ],
  [
    'a claim that is deleted and used',
    claim(
      { volumeName: 'good' },
      { phase: 'Bound' },
      { deletionTimestamp: '2025-01-01T11:59:00Z', finalizers: ['kubernetes.io/pvc-protection'] },
    ),
    [user({})],
    [
      'it is bound to volume good',
      'stops: it stays until the pods that use it are gone: db-0',
      'waits: it is being deleted, since 60s; it waits for kubernetes.io/pvc-protection',
    ],
  ],
  [
    'a volume whose claim is gone',
    volume(
      'kept',
      { persistentVolumeReclaimPolicy: 'Retain', claimRef: { namespace: 'default', name: 'gone' } },
      'Released',
    ),
    [],
    [
      'it is Released (claim default/gone)',
      'stops: its claim is gone; spec.persistentVolumeReclaimPolicy Retain keeps the data, and no other claim gets it → To give it away with its data: kubectl patch pv kept -p \'{"spec":{"claimRef":null}}\'',
    ],
  ],
]

const pod = (name: string, labels: object, isReady = true, ports: object[] = []) =>
  an('Pod', name, {
    metadata: { labels },
    spec: { containers: [{ name: 'main', ports }] },
    status: { conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
  })
const svc = (spec: object, status: object = {}) =>
  an('Service', 'web', { spec: { clusterIP: '10.0.0.1', ...spec }, status })

const services: Case[] = [
  [
    'a service that selects nothing names the nearest pod',
    svc({ selector: { app: 'web', tier: 'front' } }),
    [pod('db-1', { app: 'db' }), pod('web-1', { app: 'web', tier: 'Front' })],
    [
      'ClusterIP at 10.0.0.1',
      'stops: no pod of namespace default has the labels app=web,tier=front (spec.selector) → Pod web-1 comes nearest: it has tier=Front, not tier=front.',
    ],
  ],
  [
    'a service whose ports lead nowhere',
    svc({
      selector: { app: 'web' },
      ports: [
        { name: 'http', port: 80, targetPort: 'web' },
        { name: 'admin', port: 90, targetPort: 9090 },
      ],
    }),
    [pod('web-1', { app: 'web' }, true, [{ name: 'http', containerPort: 8080 }]), pod('web-2', { app: 'web' }, false)],
    [
      'ClusterIP at 10.0.0.1',
      'stops: port http: pod web-1 has no port named "web" (targetPort) → Its containers name: http.',
      'waits: 1 of 2 pods are ready and get connections',
      'unknown: port admin leads to 9090/TCP, and the containers of pod web-1 name 8080 → It works if a program listens there; else mend targetPort.',
    ],
  ],
  [
    'a service of pods that are not ready, without its address',
    svc({ type: 'LoadBalancer', selector: { app: 'web' } }),
    [pod('web-1', { app: 'web' }, false)],
    [
      'LoadBalancer at 10.0.0.1',
      'stops: it has no address outside the cluster yet → docs/network.md says who gives one; its events say what was tried.',
      'stops: none of the 1 pods with app=web is ready → optiflow why pod/web-1 -n default',
    ],
  ],
]

const quota = (hard: object, used: object) => an('ResourceQuota', 'compute', { spec: { hard }, status: { hard, used } })
const budget = (spec: object, status: object) => an('PodDisruptionBudget', 'web', { spec, status })
const noConditions = an('Node', 'n1', {
  spec: { taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] },
  status: {},
})

const others: Case[] = [
  [
    'a quota that is used up',
    quota({ pods: '2', 'requests.cpu': '4' }, { pods: '2', 'requests.cpu': '1500m' }),
    [],
    [
      'pods used up',
      'stops: pods: 2 of 2 used → Raise spec.hard["pods"], or delete what is not needed.',
      'well: requests.cpu: 1500m of 4 used',
    ],
  ],
  [
    'a budget that never lets one go',
    budget({ minAvailable: '100%' }, { expectedPods: 2, desiredHealthy: 2, currentHealthy: 2, disruptionsAllowed: 0 }),
    [],
    [
      'it allows 0 of its pods to be evicted now',
      'stops: spec.minAvailable: 100% never lets one of 2 go: a node with such a pod cannot be drained → Ask for one less, or have one replica more.',
      'well: 2 of 2 pods are ready, 2 have to be (spec.minAvailable: 100%)',
    ],
  ],
  [
    'a node that is not heard of',
    an('Node', 'n1', {
      spec: { unschedulable: true },
      status: { conditions: [{ type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown' }] },
    }),
    [
      an('Lease', 'n1', {
        metadata: { namespace: 'kube-node-lease' },
        spec: { renewTime: '2025-01-01T11:50:00.000000Z' },
      }),
    ],
    [
      'it is not ready, and takes no new pods',
      'stops: nothing is heard of its agent; last: 10m ago → On the node, see whether it runs and what it logs; then whether it reaches the API server.',
      'stops: spec.unschedulable is true (cordoned) → kubectl uncordon n1',
    ],
  ],
  [
    'a node whose runtime does not answer, and where to look',
    an('Node', 'n1', {
      status: {
        conditions: [
          {
            type: 'Ready',
            status: 'False',
            reason: 'KubeletNotReady',
            message: 'container runtime is down: no answer from /run/c.sock in time',
          },
        ],
      },
    }),
    [],
    [
      'it is not ready',
      'stops: KubeletNotReady: container runtime is down: no answer from /run/c.sock in time → Its own containerd is started again by itself, within two minutes when it hangs; why it ended is in containerd/containerd.log of the node’s data folder. A runtime of yours: see its service.',
    ],
  ],
  [
    'a node that is new and tainted',
    noConditions,
    [],
    [
      'it is not ready',
      'waits: its agent has not said how it is yet',
      'well: only pods that tolerate gpu=yes:NoSchedule come',
    ],
  ],
  [
    'a namespace that cannot end',
    an('Namespace', 'shop', {
      metadata: { deletionTimestamp: '2025-01-01T11:00:00Z' },
      spec: { finalizers: ['kubernetes'] },
      status: {
        phase: 'Terminating',
        conditions: [
          {
            type: 'NamespaceFinalizersRemaining',
            status: 'True',
            message: 'Some content has finalizers remaining: x in 1 pods',
          },
          { type: 'NamespaceDeletionContentFailure', status: 'False', message: 'All fine' },
        ],
      },
    }),
    [],
    [
      'it is Terminating',
      'stops: Some content has finalizers remaining: x in 1 pods → Who set the finalizer must take it off; it hardly can when it does not run any more.',
      'waits: it is being deleted, since 60m',
    ],
  ],
  [
    'an autoscaler without requests to reckon with, at its end',
    an('HorizontalPodAutoscaler', 'web', {
      spec: { scaleTargetRef: { kind: 'Deployment', name: 'web' }, maxReplicas: 4 },
      status: {
        currentReplicas: 4,
        desiredReplicas: 4,
        conditions: [
          {
            type: 'ScalingActive',
            status: 'False',
            reason: 'FailedGetResourceMetric',
            message: 'missing request for cpu in container main',
          },
          {
            type: 'ScalingLimited',
            status: 'True',
            reason: 'TooManyReplicas',
            message: 'the desired replica count is more than the maximum replica count',
          },
        ],
      },
    }),
    [],
    [
      'Deployment web has 4 replicas and should have 4, between 1 and 4',
      'stops: FailedGetResourceMetric: missing request for cpu in container main → Set resources.requests in every container of its pods.',
      'stops: the desired replica count is more than the maximum replica count → Change spec.maxReplicas to let it go further.',
    ],
  ],
  [
    'an ingress whose class, service, port and certificate are amiss',
    an('Ingress', 'web', {
      spec: {
        ingressClassName: 'nginx',
        tls: [{ hosts: ['a.example.com'], secretName: 'cert' }],
        rules: [
          {
            http: {
              paths: [
                { backend: { service: { name: 'web', port: { number: 80 } } } },
                { backend: { service: { name: 'api', port: { name: 'http' } } } },
              ],
            },
          },
        ],
      },
    }),
    [an('IngressClass', 'optiflow'), an('Service', 'web', { spec: { ports: [{ name: 'web', port: 8080 }] } })],
    [
      'it has no address yet',
      'stops: there is no IngressClass nginx (spec.ingressClassName) → There are: optiflow.',
      'stops: Service web has no port 80 → It has: web.',
      'stops: there is no Service api, which it leads to',
      'stops: there is no Secret cert, which has the certificate of a.example.com',
    ],
  ],
]

test.each([...claims, ...services, ...others])('%s', async (_, object, more, lines) => {
  expect(await told(object, more)).toEqual(lines)
})
