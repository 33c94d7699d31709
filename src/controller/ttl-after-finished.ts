import type { Reconciler } from '../client/reconciler.ts'
import { isConflict, isNotFound } from '../models/api-error.ts'
import { Job } from '../models/kinds/index.ts'
import { keyOf } from '../models/object.ts'

export interface TtlMonitor {
  /** A Job was deleted. @param lateMs after its time was over */
  deleted(lateMs: number): void
}

/** Deletes finished Jobs, and with them their pods, once their time to live is over. */
export function ttlAfterFinishedReconciler({ monitor }: { monitor?: TtlMonitor } = {}): Reconciler {
  return {
    name: 'ttl-after-finished',
    primary: Job,
    writes: [{ kind: Job, part: 'owned' }],
    async reconcile(key, { cache, client, clock }) {
      const job = cache.get(Job, key)
      const left = job && msLeft(job, clock.now())
      if (left === undefined) return
      if (left > 0) return { afterMs: left }
      // The cache may be behind a longer time to live.
      try {
        const live = await client.get(Job, key)
        const still = msLeft(live, clock.now())
        if (still === undefined || live.metadata.uid !== job!.metadata.uid) return
        if (still > 0) return { afterMs: still }
        const { uid, resourceVersion } = live.metadata
        await client.delete(Job, keyOf(live), { uid, resourceVersion, propagationPolicy: 'Foreground' })
        monitor?.deleted(-still)
      } catch (error) {
        if (isConflict(error)) throw error
        if (!isNotFound(error)) throw error
      }
    },
  }
}

/** Until a Job may go, in milliseconds, 0 or less when it is time; undefined when it never will. */
export function msLeft(job: Job, nowMs: number): number | undefined {
  const { ttlSecondsAfterFinished: seconds } = job.spec ?? {}
  if (seconds === undefined || job.metadata.deletionTimestamp) return undefined
  const finished = job.status?.conditions?.find(
    c => (c.type === 'Complete' || c.type === 'Failed') && c.status === 'True',
  )
  if (!finished?.lastTransitionTime) return undefined
  return Date.parse(finished.lastTransitionTime) + seconds * 1000 - nowMs
}
