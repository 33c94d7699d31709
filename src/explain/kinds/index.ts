import type { Explainer } from '../explanation.ts'
import { cronJob } from './cron-job.ts'
import { daemonSet } from './daemon-set.ts'
import { deployment } from './deployment.ts'
import { horizontalPodAutoscaler } from './horizontal-pod-autoscaler.ts'
import { ingress } from './ingress.ts'
import { job } from './job.ts'
import { namespace } from './namespace.ts'
import { node } from './node.ts'
import { persistentVolume } from './persistent-volume.ts'
import { persistentVolumeClaim } from './persistent-volume-claim.ts'
import { podDisruptionBudget } from './pod-disruption-budget.ts'
import { replicaSet } from './replica-set.ts'
import { resourceQuota } from './resource-quota.ts'
import { service } from './service.ts'
import { statefulSet } from './stateful-set.ts'
import { workload } from './workload.ts'

/** Kinds of which more can be said than their conditions do. One file each; a new one is one line here. */
export const explainers: readonly Explainer[] = [
  cronJob,
  daemonSet,
  deployment,
  horizontalPodAutoscaler,
  ingress,
  job,
  namespace,
  node,
  persistentVolume,
  persistentVolumeClaim,
  podDisruptionBudget,
  replicaSet,
  resourceQuota,
  service,
  statefulSet,
  workload,
]
