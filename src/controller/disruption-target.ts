import type { Client } from '../client/client.ts'
import { withLatestCondition } from '../models/conditions.ts'
import { Pod } from '../models/kinds/index.ts'
import type { PodStatus } from '../models/types/core-v1.ts'

/** Says on a pod why it is about to be deleted by the cluster, before it is: Jobs and people read it. */
export async function markDisrupted(
  client: Client,
  pod: Pod,
  reason: string,
  message: string,
  now: string,
  more: Partial<PodStatus> = {},
): Promise<Pod> {
  const known = pod.status?.conditions?.find(c => c.type === 'DisruptionTarget')
  if (known?.status === 'True' && known.reason === reason && Object.keys(more).length === 0) return pod
  const condition = { type: 'DisruptionTarget', status: 'True', reason, message, lastTransitionTime: now }
  const next = structuredClone(pod)
  next.status = { ...next.status, ...more, conditions: withLatestCondition(next.status?.conditions, condition) }
  return client.updateStatus(Pod, next)
}
