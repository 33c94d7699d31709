import {
  cronJobReconciler,
  daemonSetReconciler,
  deploymentReconciler,
  jobReconciler,
  replicaSetReconciler,
  replicationControllerReconciler,
  statefulSetReconciler,
  ttlAfterFinishedReconciler,
  workloadReconciler,
} from '../../../controller/index.ts'
import {
  ConfigMap,
  CronJob,
  DaemonSet,
  Deployment,
  Job,
  Node,
  Pod,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
  Workload,
} from '../../../models/kinds/index.ts'
import { promoteAnnotation } from '../../../models/workload-annotations.ts'
import type { Story } from '../story.ts'
import { labels, named, pod, selector, template } from './parts.ts'

const task = { metadata: { labels }, spec: { ...template().spec, restartPolicy: 'Never' as const } }
const periodMs = 300_000

export const workloadStories: Story[] = [
  {
    name: 'a Deployment is rolled out, changed and scaled',
    about: ['deployment', 'replica-set'],
    reconcilers: () => [deploymentReconciler(), replicaSetReconciler()],
    acts: [
      ({ client }) =>
        client.create(Deployment, { metadata: named('web'), spec: { replicas: 2, selector, template: template() } }),
      ({ patch }) => patch(Deployment, 'web', { spec: { template: template('app:2') } }),
      ({ patch }) => patch(Deployment, 'web', { spec: { replicas: 1 } }),
    ],
  },
  {
    name: 'a Deployment is recreated and goes back, keeping no history',
    about: ['deployment'],
    reconcilers: () => [deploymentReconciler(), replicaSetReconciler()],
    acts: [
      ({ client }) =>
        client.create(Deployment, {
          metadata: named('web'),
          spec: {
            ...{ replicas: 1, selector, template: template(), revisionHistoryLimit: 0 },
            strategy: { type: 'Recreate' },
          },
        }),
      ({ patch }) => patch(Deployment, 'web', { spec: { template: template('app:2') } }),
    ],
  },
  {
    name: 'a ReplicaSet adopts, grows, releases and shrinks',
    about: ['replica-set'],
    reconcilers: () => [replicaSetReconciler()],
    acts: [
      ({ client }) => client.create(Pod, pod('orphan')),
      ({ client }) =>
        client.create(ReplicaSet, { metadata: named('web'), spec: { replicas: 3, selector, template: template() } }),
      ({ patch }) => patch(Pod, 'orphan', { metadata: { labels: { app: 'other' } } }),
      ({ patch }) => patch(ReplicaSet, 'web', { spec: { replicas: 1 } }),
    ],
  },
  {
    name: 'a ReplicationController grows and shrinks',
    about: ['replication-controller'],
    reconcilers: () => [replicationControllerReconciler()],
    acts: [
      ({ client }) =>
        client.create(ReplicationController, {
          metadata: named('web'),
          spec: { replicas: 2, selector: labels, template: template() },
        }),
      ({ patch }) => patch(ReplicationController, 'web', { spec: { replicas: 1 } }),
    ],
  },
  {
    name: 'a StatefulSet with volumes comes up, is updated and shrinks',
    about: ['stateful-set'],
    reconcilers: () => [statefulSetReconciler()],
    acts: [
      ({ client }) =>
        client.create(StatefulSet, {
          metadata: named('db'),
          spec: {
            ...{ serviceName: 'db', replicas: 2, selector, template: template() },
            volumeClaimTemplates: [
              {
                metadata: { name: 'data' },
                spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1' } } },
              } as any,
            ],
          },
        }),
      ({ patch }) => patch(StatefulSet, 'db', { spec: { template: template('app:2') } }),
      ({ patch }) => patch(StatefulSet, 'db', { spec: { replicas: 1 } }),
    ],
  },
  {
    name: 'a parallel StatefulSet comes up and loses a pod',
    about: ['stateful-set'],
    reconcilers: () => [statefulSetReconciler()],
    acts: [
      ({ client }) =>
        client.create(StatefulSet, {
          metadata: named('db'),
          spec: {
            ...{ serviceName: 'db', replicas: 2, selector, template: template() },
            podManagementPolicy: 'Parallel',
          },
        }),
      ({ client }) => client.delete(Pod, named('db-0')),
    ],
  },
  {
    name: 'a DaemonSet comes to nodes, is updated, and leaves one',
    about: ['daemon-set'],
    reconcilers: () => [daemonSetReconciler()],
    acts: [
      async ({ client, patch }) => {
        for (const name of ['n1', 'n2']) {
          await client.create(Node, { metadata: { name, labels: { on: 'yes' } }, spec: {} })
          // A new node is tainted until it is ready, which these are.
          await patch(Node, name, { spec: { taints: null } })
        }
        const { metadata, spec } = template()
        await client.create(DaemonSet, {
          metadata: named('log'),
          spec: { selector, template: { metadata, spec: { ...spec, nodeSelector: { on: 'yes' } } } },
        })
      },
      ({ patch }) => patch(DaemonSet, 'log', { spec: { template: { spec: { terminationGracePeriodSeconds: 1 } } } }),
      ({ patch }) => patch(Node, 'n1', { metadata: { labels: { on: 'no' } } }),
    ],
  },
  {
    name: 'a Job runs to its end and goes when its time is over',
    about: ['job', 'ttl-after-finished'],
    fate: () => 'succeeded',
    reconcilers: () => [jobReconciler(), ttlAfterFinishedReconciler()],
    garbageCollector: true,
    acts: [
      ({ client }) =>
        client.create(Job, {
          metadata: named('sum'),
          spec: { completions: 2, parallelism: 2, template: task, ttlSecondsAfterFinished: 30 },
        }),
      ({ pass }) => pass(30_000),
    ],
  },
  {
    name: 'an indexed Job of which one index fails',
    about: ['job'],
    fate: p => (p.metadata.annotations?.['batch.kubernetes.io/job-completion-index'] === '1' ? 'failed' : 'succeeded'),
    reconcilers: () => [jobReconciler()],
    acts: [
      ({ client }) =>
        client.create(Job, {
          metadata: named('sum'),
          spec: {
            ...{ completions: 2, parallelism: 1, template: task },
            ...{ completionMode: 'Indexed', backoffLimitPerIndex: 0, maxFailedIndexes: 2 },
          },
        }),
    ],
  },
  {
    name: 'a Job is suspended and goes on',
    about: ['job'],
    reconcilers: () => [jobReconciler()],
    acts: [
      ({ client }) => client.create(Job, { metadata: named('sum'), spec: { parallelism: 1, template: task } }),
      ({ patch }) => patch(Job, 'sum', { spec: { suspend: true } }),
      ({ patch }) => patch(Job, 'sum', { spec: { suspend: false } }),
    ],
  },
  {
    name: 'a CronJob starts a Job each five minutes and keeps one',
    about: ['cron-job'],
    fate: () => 'succeeded',
    reconcilers: () => [cronJobReconciler(), jobReconciler()],
    acts: [
      ({ client }) =>
        client.create(CronJob, {
          metadata: named('tick'),
          spec: {
            ...{ schedule: '*/5 * * * *', successfulJobsHistoryLimit: 1 },
            jobTemplate: { spec: { template: task } },
          },
        }),
      async ({ clock }) => clock.advance(periodMs),
      async ({ clock }) => clock.advance(periodMs),
    ],
  },
  {
    name: 'a CronJob replaces the Job that runs',
    about: ['cron-job'],
    reconcilers: () => [cronJobReconciler(), jobReconciler()],
    garbageCollector: true,
    acts: [
      ({ client }) =>
        client.create(CronJob, {
          metadata: named('tick'),
          spec: {
            ...{ schedule: '*/5 * * * *', concurrencyPolicy: 'Replace' },
            jobTemplate: { spec: { template: task } },
          },
        }),
      async ({ clock }) => clock.advance(periodMs),
      async ({ clock }) => clock.advance(periodMs),
    ],
  },
  {
    name: 'a Workload becomes an app that is reached from outside, and no longer is',
    about: ['workload'],
    reconcilers: () => [workloadReconciler(), deploymentReconciler(), replicaSetReconciler()],
    acts: [
      ({ client }) =>
        client.create(Workload, {
          metadata: named('web'),
          spec: { image: 'app:1', replicas: 1, ports: [{ port: 80 }], expose: { host: 'web.test' } },
        }),
      ({ patch }) => patch(Workload, 'web', { spec: { image: 'app:2', expose: null } }),
    ],
  },
  {
    name: 'a Workload follows its configuration, and goes back when an update is not ready',
    about: ['workload'],
    fate: p => (p.spec.containers[0]!.image === 'bad:1' ? 'running' : 'ready'),
    reconcilers: () => [workloadReconciler(), deploymentReconciler(), replicaSetReconciler()],
    acts: [
      async ({ client }) => {
        await client.create(ConfigMap, { metadata: named('config'), data: { a: '1' } })
        await client.create(Workload, {
          metadata: named('web'),
          spec: {
            ...{ image: 'app:1', replicas: 1, envFrom: [{ configMapRef: { name: 'config' } }] },
            update: { autoRollback: true, readyWithinSeconds: 60 },
            volumes: [{ name: 'data', mountPath: '/data', size: '1Gi' }],
            autoscale: { maxReplicas: 1 },
          },
        })
      },
      ({ patch }) => patch(ConfigMap, 'config', { data: { a: '2' } }),
      async ({ patch, pass }) => {
        await patch(Workload, 'web', { spec: { image: 'bad:1' } })
        await pass(150_000)
      },
    ],
  },
  {
    name: 'a Workload tries an update on one pod, and is promoted',
    about: ['workload'],
    reconcilers: () => [workloadReconciler(), deploymentReconciler(), replicaSetReconciler()],
    garbageCollector: true,
    acts: [
      ({ client }) =>
        client.create(Workload, {
          metadata: named('web'),
          spec: {
            ...{ image: 'app:1', replicas: 1, healthCheck: { exec: { command: ['true'] } } },
            update: { autoRollback: true, watchSeconds: 5, canary: { steps: [{ replicas: 1 }] } },
          },
        }),
      ({ patch }) => patch(Workload, 'web', { spec: { image: 'app:2' } }),
      async ({ client, patch, pass }) => {
        const { status } = await client.get(Workload, named('web'))
        await patch(Workload, 'web', { metadata: { annotations: { [promoteAnnotation]: status!.rollout!.revision } } })
        await pass(15_000)
      },
    ],
  },
  {
    name: 'a Workload runs once, and once more in another form',
    about: ['workload'],
    fate: () => 'succeeded',
    reconcilers: () => [workloadReconciler(), jobReconciler()],
    garbageCollector: true,
    acts: [
      ({ client }) => client.create(Workload, { metadata: named('sum'), spec: { image: 'app:1', job: {} } }),
      async ({ client }) => {
        const { items } = await client.list(Job, { namespace: 'default' })
        await client.delete(Job, named(items[0]!.metadata.name))
      },
      ({ patch }) => patch(Workload, 'sum', { spec: { image: 'app:2' } }),
    ],
  },
  {
    name: 'a Workload runs by a schedule, and then for ever',
    about: ['workload'],
    fate: p => (p.metadata.labels!['batch.kubernetes.io/job-name'] ? 'succeeded' : 'ready'),
    reconcilers: () => [
      ...[workloadReconciler(), cronJobReconciler(), jobReconciler()],
      ...[deploymentReconciler(), replicaSetReconciler()],
    ],
    garbageCollector: true,
    acts: [
      ({ client }) =>
        client.create(Workload, { metadata: named('tick'), spec: { image: 'app:1', schedule: '*/5 * * * *' } }),
      async ({ clock }) => clock.advance(periodMs),
      ({ patch }) => patch(Workload, 'tick', { spec: { schedule: null } }),
    ],
  },
]
