import type { Job, JobStatus } from '../models/types/batch-v1.ts'

/** What a look at a Job did: nothing, wait for its own writes to be seen, make pods, or delete some. */
export type SyncAction = 'tracking' | 'reconciling' | 'pods_created' | 'pods_deleted'

/** Told of what becomes of Jobs and their pods. */
export interface JobMonitor {
  synced(job: Job, action: SyncAction, ok: boolean, ms: number): void
  /** A pod was made, or could not be. @param before how many pods had failed, or were ending, by then */
  created(job: Job, before: number, ok: boolean): void
  /** A new status was written. @param judged what the Job's policy said of each failed pod in it */
  counted(job: Job, next: JobStatus, judged: readonly (string | undefined)[]): void
}
