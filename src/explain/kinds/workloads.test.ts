import { expect, test } from 'vitest'
import type { AnyObject } from '../../models/object.ts'
import { an, told } from '../testing/world.ts'

type Case = [what: string, object: AnyObject, others: AnyObject[], lines: string[]]

const ready = { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } }
const condition = (type: string, status: string, reason = '', message = '') => ({ type, status, reason, message })
const deploy = (spec: object, status: object, metadata: object = { generation: 1 }) =>
  an('Deployment', 'web', { metadata, spec: { replicas: 3, ...spec }, status: { observedGeneration: 1, ...status } })
const all = { replicas: 3, updatedReplicas: 3, availableReplicas: 3 }

const deployments: Case[] = [
  ['well', deploy({}, all), [], ['3 of 3 replicas are available']],
  [
    'not seen by its controller',
    deploy({}, all, { generation: 2 }),
    [],
    [
      '3 of 3 replicas are available',
      'waits: no controller has seen generation 2 of its spec yet (status.observedGeneration is 1) → If it stays so, see whether the controllers run: optiflow status',
    ],
  ],
  [
    'paused',
    deploy({ paused: true }, all),
    [],
    [
      '3 of 3 replicas are available',
      'stops: spec.paused is true: a change of the template starts no rollout → kubectl rollout resume deploy/web',
    ],
  ],
  [
    'past its deadline, under an autoscaler',
    deploy(
      { progressDeadlineSeconds: 600 },
      { ...all, updatedReplicas: 1, conditions: [condition('Progressing', 'False', 'ProgressDeadlineExceeded')] },
    ),
    [
      an('HorizontalPodAutoscaler', 'scale', {
        spec: { scaleTargetRef: { kind: 'Deployment', name: 'web' }, maxReplicas: 9 },
      }),
    ],
    [
      '3 of 3 replicas are available',
      'stops: the rollout made no progress for 600 s (spec.progressDeadlineSeconds) → Mend the pods below, or go back: kubectl rollout undo deploy/web',
      'waits: the rollout has replaced 1 of 3 pods',
      'well: HorizontalPodAutoscaler scale sets its replicas, between 1 and 9',
    ],
  ],
  [
    'refused by pod security',
    deploy(
      {},
      {
        conditions: [
          condition(
            'ReplicaFailure',
            'True',
            'FailedCreate',
            'pods "x" is forbidden: violates PodSecurity "restricted:latest"',
          ),
        ],
      },
    ),
    [],
    [
      '0 of 3 replicas are available',
      'stops: pods cannot be created: pods "x" is forbidden: violates PodSecurity "restricted:latest" → Change the template\'s securityContext, or the label pod-security.kubernetes.io/enforce of namespace default.',
      'waits: the rollout has replaced 0 of 3 pods',
    ],
  ],
  ['asked for none', deploy({ replicas: 0 }, {}), [], ['it is asked for no replicas']],
]

const sts = (spec: object, status: object = {}) => an('StatefulSet', 'db', { spec: { replicas: 3, ...spec }, status })

const statefulSets: Case[] = [
  [
    'held up by its second pod, whose claim waits, and without its service',
    sts({ serviceName: 'db', volumeClaimTemplates: [{ metadata: { name: 'data' } }] }, { availableReplicas: 1 }),
    [
      an('Pod', 'db-0', ready),
      an('Pod', 'db-1', { status: { phase: 'Pending' } }),
      an('PersistentVolumeClaim', 'data-db-1', { status: { phase: 'Pending' } }),
    ],
    [
      '1 of 3 replicas are available',
      'stops: pod db-1 is not ready; the 1 after it wait for it (podManagementPolicy OrderedReady) → optiflow why pod/db-1 -n default',
      'stops: its claim data-db-1 is Pending → optiflow why pvc/data-db-1 -n default',
      'stops: there is no Service db (spec.serviceName): its pods have no names in DNS → Create a Service db with clusterIP: None that selects the pods.',
    ],
  ],
  [
    'partly updated',
    sts(
      { replicas: 2, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } },
      { availableReplicas: 2, updateRevision: 'b', currentRevision: 'a', updatedReplicas: 1 },
    ),
    [an('Pod', 'db-0', ready), an('Pod', 'db-1', ready)],
    [
      '2 of 2 replicas are available',
      'waits: 1 of 2 pods have the new template; those below ordinal 1 keep the old one (spec.updateStrategy.rollingUpdate.partition) → kubectl patch sts db -p \'{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}\' gives it to all',
    ],
  ],
]

const node = (name: string, labels: object, taints: object[] = []) =>
  an('Node', name, { metadata: { labels }, spec: { taints } })
const daemon = (spec: object, status: object) =>
  an('DaemonSet', 'log', { spec: { template: { spec } }, status: { observedGeneration: 0, ...status } })

const daemonSets: Case[] = [
  [
    'that fits no node by its labels',
    daemon({ nodeSelector: { disk: 'ssd' } }, {}),
    [node('n1', {}), node('n2', { disk: 'hdd' })],
    [
      'no node is meant to have a pod of it',
      'stops: 2 of 2 nodes have not the labels of spec.template.spec.nodeSelector (disk=ssd), such as n1 → kubectl label node n1 disk=ssd',
    ],
  ],
  [
    'that leaves one out by its taint',
    daemon({}, { desiredNumberScheduled: 1, currentNumberScheduled: 1, updatedNumberScheduled: 1, numberReady: 1 }),
    [
      node('n1', {}, [{ key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' }]),
      node('n2', {}, [{ key: 'gpu', effect: 'NoSchedule' }]),
    ],
    [
      '1 of the 1 nodes that are meant to have a ready pod have one',
      'well: 1 of 2 nodes have a taint that it does not tolerate, such as n2 (gpu:NoSchedule)',
    ],
  ],
]

const a = (spec: object, status: object = {}) => an('Job', 'mig', { spec, status })
const failedJob = condition('Failed', 'True', 'BackoffLimitExceeded', 'Job has reached the specified backoff limit')

const jobs: Case[] = [
  [
    'that gave up',
    a({ completions: 1 }, { failed: 7, conditions: [failedJob] }),
    [],
    [
      'it has failed',
      'stops: BackoffLimitExceeded: Job has reached the specified backoff limit → What its pods said: optiflow logs job/mig',
    ],
  ],
  [
    'that is suspended',
    a({ completions: 3, suspend: true }),
    [],
    [
      'it is suspended',
      'stops: spec.suspend is true → kubectl patch job mig -p \'{"spec":{"suspend":false}}\' lets it run',
    ],
  ],
  [
    'that goes on after failures',
    a({ completions: 3, backoffLimit: 4 }, { succeeded: 1, active: 1, failed: 2 }),
    [],
    [
      '1 of 3 pods have succeeded, 1 run, 2 have failed',
      'waits: 2 pods have failed, and it gives up after 5 (spec.backoffLimit)',
    ],
  ],
]

const cron = (spec: object, status: object = {}) =>
  an('CronJob', 'nightly', { spec: { schedule: '0 3 * * *', ...spec }, status })

const cronJobs: Case[] = [
  [
    'on time',
    cron({}, { lastScheduleTime: '2025-01-01T03:00:00Z', lastSuccessfulTime: '2025-01-01T03:01:00Z' }),
    [],
    [
      'it started a job last at 2025-01-01T03:00:00Z',
      'waits: the next job is due at 2025-01-02T03:00:00Z',
      'well: a job of it succeeded last at 2025-01-01T03:01:00Z',
    ],
  ],
  [
    'held up by a job that runs',
    cron({ concurrencyPolicy: 'Forbid' }, { active: [{ name: 'nightly-1' }] }),
    [],
    [
      'it has started no job yet, 1 run',
      'stops: job nightly-1 still runs, and spec.concurrencyPolicy is Forbid: no other is started meanwhile → optiflow why job/nightly-1',
      'waits: the next job is due at 2025-01-02T03:00:00Z',
    ],
  ],
  [
    'with a schedule of somebody else',
    cron({ schedule: 'nightly' }),
    [],
    [
      'it has started no job yet',
      expect.stringMatching(/^stops: spec.schedule "nightly": .+ → Write five fields, such as "\*\/5 \* \* \* \*"\.$/),
    ],
  ],
]

const app = (status: object) =>
  an('Workload', 'web', { metadata: { generation: 1 }, status: { observedGeneration: 1, ...status } })
const complete = [condition('Ready', 'True'), condition('Progressing', 'False', 'Complete')]

const apps: Case[] = [
  ['an app that is well', app({ message: '3 of 3 ready', conditions: complete }), [], ['it is ready: 3 of 3 ready']],
  [
    'an app that went back',
    app({ conditions: [...complete, condition('RolledBack', 'True', 'Crash', 'rolled back, web:2 keeps ending')] }),
    [],
    [
      'it is ready',
      'stops: rolled back, web:2 keeps ending → Change what is wrong with it, or: optiflow rollout retry web',
    ],
  ],
  [
    'an app that starts',
    app({ message: '1 of 3', conditions: [condition('Ready', 'False', 'Starting'), condition('Progressing', 'True')] }),
    [],
    ['it is not ready: 1 of 3', 'waits: Starting'],
  ],
  [
    'an app that is stuck',
    app({ conditions: [condition('Ready', 'False', 'ImagePullBackOff'), condition('Progressing', 'False')] }),
    [],
    ['it is not ready', 'stops: ImagePullBackOff'],
  ],
]

test.each([...apps, ...deployments, ...statefulSets, ...daemonSets, ...jobs, ...cronJobs])(
  '%s',
  async (_, object, others, lines) => {
    expect(await told(object, others)).toEqual(lines)
  },
)
