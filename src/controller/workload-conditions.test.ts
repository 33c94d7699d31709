import { afterEach, expect, it } from 'vitest'
import type { Reconciler } from '../client/index.ts'
import { controllerOf } from '../client/owner.ts'
import type { Kind } from '../models/kind.ts'
import {
  ControllerRevision,
  DaemonSet,
  Deployment,
  Job,
  Node,
  PodDisruptionBudget,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
} from '../models/kinds/index.ts'
import { daemonSetReconciler } from './daemon-set.ts'
import { deploymentReconciler } from './deployment.ts'
import { disruptionReconciler } from './disruption.ts'
import { jobReconciler } from './job.ts'
import { replicaSetReconciler, replicationControllerReconciler } from './replica-set.ts'
import { statefulSetReconciler } from './stateful-set.ts'
import { startTestCluster, type TestCluster } from './testing/cluster.ts'

/** What others write into the status and the history of workloads, as the conformance suite does. */

let cluster: TestCluster
afterEach(() => cluster?.[Symbol.asyncDispose]())

const start = async (...reconcilers: Reconciler[]) => {
  cluster = await startTestCluster({ reconcilers })
}

const key = { namespace: 'default', name: 'web' }
const labels = { app: 'web' }
const selector = { matchLabels: labels }
const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'app:1' }] } }
const task = { ...template, spec: { ...template.spec, restartPolicy: 'Never' } }
const set = { replicas: 1, selector, template }

it.each<[string, Kind<any>, Reconciler[], object, object]>([
  ['Deployment', Deployment, [deploymentReconciler(), replicaSetReconciler()], set, { replicas: 2 }],
  ['ReplicaSet', ReplicaSet, [replicaSetReconciler()], set, { replicas: 2 }],
  [
    'ReplicationController',
    ReplicationController,
    [replicationControllerReconciler()],
    { replicas: 1, selector: labels, template },
    { replicas: 2 },
  ],
  ['StatefulSet', StatefulSet, [statefulSetReconciler()], { ...set, serviceName: 'web' }, { replicas: 2 }],
  ['DaemonSet', DaemonSet, [daemonSetReconciler()], { selector, template }, { minReadySeconds: 1 }],
  ['Job', Job, [jobReconciler()], { parallelism: 1, completions: 3, template: task }, { parallelism: 2 }],
  [
    'PodDisruptionBudget',
    PodDisruptionBudget,
    [disruptionReconciler()],
    { selector, minAvailable: 1 },
    { minAvailable: 2 },
  ],
])('the controller of a %s keeps conditions of others, and goes on', async (_, kind, reconcilers, spec, change) => {
  await start(...reconcilers)
  await cluster.client.create(kind, { metadata: key, spec })
  const get = () => cluster.client.get(kind, key)
  await cluster.pass(1_000)
  const theirs = { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Set from e2e test' }
  const before = await get()
  const conditions = [...(before.status?.conditions ?? []), { ...theirs, lastTransitionTime: '2026-01-01T00:00:00Z' }]
  await cluster.client.updateStatus(kind, { ...before, status: { ...before.status, conditions } })
  const changed = await cluster.client.patch(kind, key, { type: 'merge', body: { spec: change } })
  // A Job tells no generation.
  if (kind !== Job)
    await cluster.until(
      async () => (await get()).status.observedGeneration === changed.metadata.generation,
      20_000,
      get,
    )
  await cluster.pass(5_000)
  expect((await get()).status.conditions).toContainEqual(expect.objectContaining(theirs))
})

it('a DaemonSet takes over a revision that somebody made of the one it had, and has one again', async () => {
  await start(daemonSetReconciler())
  await cluster.client.create(Node, { metadata: { name: 'n1' }, spec: {} })
  await cluster.client.create(DaemonSet, { metadata: key, spec: { selector, template } })
  const revisions = async () => (await cluster.client.list(ControllerRevision, { namespace: 'default' })).items
  await cluster.until(async () => (await revisions()).length === 1)
  const [first] = await revisions()
  await cluster.client.patch(
    ControllerRevision,
    { namespace: 'default', name: first!.metadata.name },
    { type: 'merge', body: { metadata: { labels: { mine: 'yes' } } } },
  )
  const { labels: theirs, ownerReferences } = first!.metadata
  await cluster.client.create(ControllerRevision, {
    metadata: { namespace: 'default', name: 'made-by-hand', labels: theirs!, ownerReferences: ownerReferences! },
    data: first!.data!,
    revision: first!.revision + 1,
  })
  await cluster.client.delete(ControllerRevision, { namespace: 'default', name: first!.metadata.name })
  await cluster.pass(5_000)
  expect((await revisions()).map(r => r.metadata.name)).toEqual(['made-by-hand'])
  expect(controllerOf((await revisions())[0]!)!.kind).toBe('DaemonSet')
  await cluster.client.patch(DaemonSet, key, {
    type: 'merge',
    body: { spec: { template: { spec: { terminationGracePeriodSeconds: 0 } } } },
  })
  await cluster.until(async () => (await revisions()).length === 2)
  expect((await revisions()).map(r => r.revision).sort()).toEqual([2, 3])
})
