import type { PodInfo } from '../pod-class.ts'
import type { Job, Jobs } from './jobs.ts'
import type { Wait } from './ledger.ts'
import { planQueues, type QueueWorld } from './plan.ts'
import { predictStarts } from './prediction.ts'
import type { QueueKeeper } from './queue-keeper.ts'
import { waitText } from './queue-text.ts'

/** Where a job stands. */
export interface Standing {
  position: number
  /** RFC 3339, in whole minutes. */
  predictedStartTime?: string
}

/** Where a job stands in its queue, and what it waits for. */
export interface QueuePlace extends Partial<Standing> {
  name: string
  /** `the quota of the queue is short of 2 nvidia.com/gpu`. */
  waitsFor: string
}

/** Those further back in their queue are told only that they wait. */
const mostPositions = 100

/** By key of the job. @param wallMs the wall clock at the world's time */
export function standingsOf(world: QueueWorld, wallMs: number): Map<string, Standing> {
  const predicted = predictStarts(world)
  const order = (key: string) => predicted.get(key) ?? Number.POSITIVE_INFINITY
  const standings = new Map<string, Standing>()
  const places = new Map<string, number>()
  const inOrder = world.waiting
    .slice()
    .sort((a, b) => order(a.key) - order(b.key) || b.priority - a.priority || a.order - b.order)
  for (const { key, queue } of inOrder) {
    const position = (places.get(queue) ?? 0) + 1
    places.set(queue, position)
    if (position > mostPositions) continue
    const startMs = predicted.get(key)
    const at = startMs === undefined ? undefined : toMinute(wallMs + startMs - world.nowMs)
    standings.set(key, { position, ...(at === undefined ? {} : { predictedStartTime: at }) })
  }
  return standings
}

/** What a job that waits waits for. @param wait as planned, if it was looked at */
export function reasonOf(job: Job, wait: Wait | undefined, jobs: Jobs, resources: readonly string[]): string {
  return missingText(job, jobs) ?? (wait ? waitText(job.queue, wait, resources) : 'others are before it')
}

/** Worked out anew. @returns undefined if the pod does not wait in a queue */
export function placeInQueue(
  uid: string,
  keeper: QueueKeeper,
  resources: readonly string[],
  wallMs: number,
): QueuePlace | undefined {
  const job = keeper.jobs.of(uid)
  if (!job || job.sinceMs !== undefined) return undefined
  const world = keeper.world()
  const { waits } = planQueues(world)
  const waitsFor = reasonOf(job, waits.get(job.key), keeper.jobs, resources)
  return { name: job.queue, ...standingsOf(world, wallMs).get(job.key), waitsFor }
}

/**
 * Which of these pods their queues would keep back if all of them came now, and why, by uid. Whether nodes have room is no
 * matter of queues here.
 */
export function heldBack(
  pods: readonly PodInfo[],
  keeper: QueueKeeper,
  resources: readonly string[],
): ReadonlyMap<string, string> {
  const { jobs, world } = keeper.ifTheseCame(pods)
  const free = new Map(resources.map((_, column) => [column, Number.POSITIVE_INFINITY]))
  const { waits } = planQueues({ ...world, free, waiting: world.waiting.map(unit => ({ ...unit, blocked: false })) })
  const held = new Map<string, string>()
  for (const [key, wait] of waits) {
    const job = jobs.get(key)!
    for (const uid of job.waiting.keys()) held.set(uid, `queue ${job.queue}: ${reasonOf(job, wait, jobs, resources)}`)
  }
  return held
}

function missingText(job: Job, jobs: Jobs): string | undefined {
  const missing = jobs.missing(job)
  if (missing <= 0) return undefined
  return missing === Number.POSITIVE_INFINITY
    ? `pod group ${job.key} not found`
    : `pod group ${job.key} lacks ${missing} of its pods`
}

/** Nearer than a minute is not told: it would be out of date when it is read. */
function toMinute(ms: number): string {
  return new Date(Math.ceil(ms / 60_000) * 60_000).toISOString().replace('.000Z', 'Z')
}
