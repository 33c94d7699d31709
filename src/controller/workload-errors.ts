import type { World } from '../client/reconciler.ts'
import { Event } from '../models/kinds/index.ts'
import type { Pod } from '../models/types/core-v1.ts'
import type { Workload, WorkloadRollout } from '../models/types/optiflow-v1.ts'

/** How often new pods have failed, since they exist. */
export interface Tally {
  /** Health checks that failed, as the agents' events count them. */
  failedChecks: number
  /** Containers that were started again. */
  restarts: number
}

const defaultErrorPercent = 10
/** Fewer failed checks than this are no evidence. */
const fewestChecks = 3
/** Each interval asks whether the container is ready and whether it lives. */
const checksPerInterval = 2

/**
 * Counts what went wrong with pods. Each failed check is a Warning `Unhealthy` of the agent, equal ones with a count, whether or not
 * there were enough of them to take the pod's traffic away.
 */
export async function tallyOf({ client }: World, workload: Workload, pods: readonly Pod[]): Promise<Tally> {
  const restarts = pods
    .flatMap(pod => pod.status?.containerStatuses ?? [])
    .reduce((sum, status) => sum + status.restartCount, 0)
  if (!workload.spec.healthCheck || !pods.length) return { failedChecks: 0, restarts }
  const uids = new Set(pods.map(pod => pod.metadata.uid))
  const { items } = await client.list(Event, {
    namespace: workload.metadata.namespace!,
    fieldSelector: 'reason=Unhealthy,involvedObject.kind=Pod',
  })
  const failedChecks = items
    .filter(event => uids.has(event.involvedObject.uid ?? ''))
    .reduce((sum, event) => sum + (event.count ?? 1), 0)
  return { failedChecks, restarts }
}

/** What is wrong with new pods. */
export interface Errors {
  reason: 'HealthCheckFailing' | 'Restarting'
  /** `5 of 40 health checks failed`. */
  message: string
}

/**
 * Whether more went wrong since the watch began than the Workload puts up with.
 * @param rollout with the tally of that time
 */
export function errorsSince(
  { spec }: Workload,
  rollout: WorkloadRollout,
  tally: Tally,
  pods: number,
  nowMs: number,
): Errors | undefined {
  const most = spec.update?.maxErrorPercent ?? defaultErrorPercent
  if (!rollout.since || !pods) return undefined
  const restarts = tally.restarts - (rollout.restarts ?? 0)
  if (restarts * 100 > most * pods)
    return {
      reason: 'Restarting',
      message: `${restarts} ${restarts === 1 ? 'restart' : 'restarts'} of ${pods} new pods`,
    }
  const failed = tally.failedChecks - (rollout.failedChecks ?? 0)
  const intervalMs = (spec.healthCheck?.intervalSeconds ?? 10) * 1000
  const intervals = Math.max(Math.ceil((nowMs - Date.parse(rollout.since)) / intervalMs), 1)
  const asked = Math.max(intervals * checksPerInterval * pods, failed)
  if (failed < fewestChecks || failed * 100 <= most * asked) return undefined
  return { reason: 'HealthCheckFailing', message: `${failed} of ${asked} health checks of new pods failed` }
}
