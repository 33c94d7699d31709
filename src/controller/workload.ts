import { timestamp } from '../base/clock.ts'
import { sameMeaning } from '../base/equality.ts'
import { type Cache, ownerWatch, type Reconciler, type World } from '../client/reconciler.ts'
import { isNotFound } from '../models/api-error.ts'
import { conditionOf } from '../models/conditions.ts'
import {
  ConfigMap,
  CronJob,
  Deployment,
  HorizontalPodAutoscaler,
  Ingress,
  Job,
  Node,
  PersistentVolumeClaim,
  Pod,
  ReplicaSet,
  Secret,
  Service,
  Workload,
} from '../models/kinds/index.ts'
import { type KubeObject, keyOf, type ObjectKey } from '../models/object.ts'
import type { WorkloadStatus } from '../models/types/optiflow-v1.ts'
import { lookAtApp } from './workload-app.ts'
import { configOf } from './workload-config.ts'
import { dependentsOf } from './workload-order.ts'
import { canaryName, workloadLabel } from './workload-parts.ts'
import { workloadStatus } from './workload-status.ts'
import { endOtherRuns, lookAtTask } from './workload-task.ts'
import { isTask } from './workload-task-parts.ts'
import { taskStatus, untilNextRun } from './workload-task-status.ts'
import { beginRound, ensure, type Round } from './workload-write.ts'

/**
 * Makes of a Workload what runs: a Deployment, or a Job or CronJob of what runs to its end, with a Service and, for a host name, an
 * Ingress; and one readable status of theirs and their pods'.
 */
export function workloadReconciler(): Reconciler {
  return {
    name: 'workload',
    primary: Workload,
    watches: [
      ownerWatch(Deployment, Workload),
      ownerWatch(CronJob, Workload),
      ownerWatch(Service, Workload),
      ownerWatch(Ingress, Workload),
      { kind: Job, keys: labelled },
      { kind: Pod, keys: labelled },
      { kind: Node, keys: exposedOnNodes },
      { kind: ReplicaSet, keys: () => [] },
      ownerWatch(HorizontalPodAutoscaler, Workload),
      { kind: PersistentVolumeClaim, keys: () => [] },
      { kind: Workload, keys: dependentsOf },
      { kind: ConfigMap, keys: readersOf },
      { kind: Secret, keys: readersOf },
    ],
    writes: [
      { kind: Deployment, part: 'owned' },
      { kind: Job, part: 'owned' },
      { kind: CronJob, part: 'owned' },
      { kind: Service, part: 'owned' },
      { kind: Ingress, part: 'owned' },
      { kind: HorizontalPodAutoscaler, part: 'owned' },
      { kind: PersistentVolumeClaim, part: 'owned' },
      { kind: Workload, part: 'status' },
    ],
    async reconcile(key, world) {
      const workload = world.cache.get(Workload, key)
      if (!workload || workload.metadata.deletionTimestamp) return
      const round = beginRound(world, workload)
      return isTask(workload) ? reconcileTask(round) : reconcileApp(round)
    },
  }
}

async function reconcileApp(round: Round): Promise<void | { afterMs: number }> {
  const { clock } = round.world
  const { facts, verdict } = await lookAtApp(round, clock.now())
  await ensure(round, CronJob, undefined)
  await endOtherRuns(round, undefined)
  await writeStatus(round, workloadStatus(round.workload, facts, timestamp(clock)))
  return verdict.afterMs === undefined ? undefined : { afterMs: verdict.afterMs }
}

async function reconcileTask(round: Round): Promise<void | { afterMs: number }> {
  const { workload, world } = round
  const nowMs = world.clock.now()
  for (const name of [workload.metadata.name, canaryName(workload)]) await ensure(round, Deployment, undefined, name)
  await ensure(round, Service, undefined, canaryName(workload))
  await ensure(round, Ingress, undefined)
  await ensure(round, HorizontalPodAutoscaler, undefined)
  const look = await lookAtTask(round)
  await writeStatus(round, taskStatus(workload, look, nowMs, timestamp(world.clock)))
  const afterMs = untilNextRun(look, nowMs)
  return afterMs === undefined ? undefined : { afterMs }
}

async function writeStatus({ world, workload }: Round, status: WorkloadStatus): Promise<void> {
  if (sameMeaning(workload.status, status)) return
  try {
    await world.client.updateStatus(Workload, { ...structuredClone(workload), status })
  } catch (error) {
    if (isNotFound(error)) return
    throw error
  }
  tell(world, workload, status)
}

/** What people want to hear of who do not look all the time. */
function tell({ events }: World, workload: Workload, status: WorkloadStatus): void {
  const failed = conditionOf(status.conditions, 'RolledBack')
  if (failed?.status === 'True' && status.failedRevision !== workload.status?.failedRevision)
    events.warning(workload, 'RolledBack', failed.message ?? '')
  const [before, now] = [workload.status?.rollout, status.rollout]
  if (now && before?.revision === now.revision && before.step !== now.step)
    events.normal(workload, 'CanaryAdvanced', `Canary of ${workload.spec.image} has passed step ${before.step}`)
}

/** Whoever reads a ConfigMap or Secret. */
function readersOf({ metadata, kind }: KubeObject, cache: Cache): ObjectKey[] {
  const reads = (workload: Workload) => configOf(workload).some(r => r.name === metadata.name && r.kind.kind === kind)
  return cache.list(Workload, metadata.namespace).filter(reads).map(keyOf)
}

function labelled({ metadata }: KubeObject): ObjectKey[] {
  const name = metadata.labels?.[workloadLabel]
  return name ? [{ namespace: metadata.namespace!, name }] : []
}

/** Their URL names a node. */
function exposedOnNodes(_node: Node, cache: Cache): ObjectKey[] {
  return cache
    .list(Workload)
    .filter(w => w.spec.expose?.type === 'NodePort' || w.spec.expose?.nodePort)
    .map(keyOf)
}
