import { Job, Pod } from '../../models/kinds/index.ts'
import type { JobSpec, JobStatus } from '../../models/types/batch-v1.ts'
import { jobReconciler } from '../job.ts'
import { indexKey, trackingFinalizer } from '../job-pods.ts'
import { meta, template } from './fixtures.ts'
import { stillWorld } from './still-world.ts'

/** One look at a Job, said and told in few words. */

export const nowMs = Date.parse('2026-01-01T01:00:00Z')
export const now = '2026-01-01T01:00:00Z'
export const key = { namespace: 'default', name: 'sum' }
export const owner = { apiVersion: 'batch/v1', kind: 'Job', name: 'sum', uid: 'uid-sum', controller: true }

const phases = { p: 'Pending', r: 'Running', R: 'Running', s: 'Succeeded', f: 'Failed', t: 'Running' } as const

/**
 * `r`: a pod that runs, `R`: and is ready, `t`: and is being deleted, `p`, `s`, `f`: one that waits, has succeeded, has failed.
 * `f0`: of index 0, `f0#2`: after two failures, `f!`: just now, `f:D`: with the condition D, `f=3`: with that exit code.
 */
export function podOf(word: string, i: number): Pod {
  const [, letter, index, failures, justNow, condition, code] =
    /^([prRsft])(\d+|x)?(?:#(\d+))?(!)?(?::(\w+))?(?:=(\d+))?$/.exec(word)! as unknown as [
      string,
      keyof typeof phases,
      ...(string | undefined)[],
    ]
  const ready = { type: 'Ready', status: 'True' }
  const ended = { exitCode: Number(code ?? 1), finishedAt: justNow ? now : '2026-01-01T00:30:00Z' }
  const status = { name: 'main', image: 'i', imageID: '', ready: false, restartCount: 0 }
  return {
    ...{ apiVersion: 'v1', kind: 'Pod', spec: { containers: [{ name: 'main', image: 'i' }] } },
    metadata: {
      ...meta(`p-${i}`),
      ...{ labels: { app: 'web' }, finalizers: [trackingFinalizer], ownerReferences: [owner] },
      annotations: {
        ...(index ? { [indexKey]: index } : {}),
        ...(failures ? { 'batch.kubernetes.io/job-index-failure-count': failures } : {}),
      },
      ...(letter === 't' ? { deletionTimestamp: '2026-01-01T00:30:00Z' } : {}),
    },
    status: {
      phase: phases[letter],
      conditions: [...(letter === 'R' ? [ready] : []), ...(condition ? [{ type: condition, status: 'True' }] : [])],
      ...('sf'.includes(letter) ? { containerStatuses: [{ ...status, state: { terminated: ended } }] } : {}),
    },
  } as Pod
}
const podsOf = (text: string) => text.split(' ').filter(Boolean).map(podOf)

export const jobOf = (spec: Partial<JobSpec>, status?: JobStatus, going?: boolean): Job => ({
  ...{ apiVersion: 'batch/v1', kind: 'Job' },
  metadata: { ...meta('sum'), ...(going ? { deletionTimestamp: now } : {}) },
  spec: { selector: { matchLabels: { app: 'web' } }, template: template(), backoffLimit: 6, ...spec },
  ...(status ? { status } : {}),
})

export interface Case {
  spec: Partial<JobSpec>
  pods?: string
  status?: JobStatus
  going?: boolean
}

export interface Outcome {
  creates: number
  /** Of the pods that were made. */
  indexes: number[]
  deletes: number
  patches: number
  active: number
  ready: number
  terminating: number
  /** Those that wait in the status to be counted included. */
  succeeded: number
  failed: number
  conditions: string[]
}

export async function look({ spec, pods = '', status, going }: Case, reconciler = jobReconciler()): Promise<Outcome> {
  const job = jobOf(spec, status, going)
  const world = stillWorld({
    cached: [
      [Job, [job]],
      [Pod, podsOf(pods)],
    ],
    nowMs,
  })
  await reconciler.reconcile(key, world)
  const of = (verb: string) => world.bodies.filter((_, i) => world.writes[i]!.startsWith(`${verb} Pod`))
  const next: JobStatus =
    world.bodies[world.writes.findLastIndex(w => w.startsWith('status Job'))]?.status ?? status ?? {}
  const { succeeded = [], failed = [] } = next.uncountedTerminatedPods ?? {}
  return {
    creates: of('create').length,
    indexes: of('create').flatMap(p =>
      p.metadata.annotations?.[indexKey] ? [Number(p.metadata.annotations[indexKey])] : [],
    ),
    deletes: of('delete').length,
    patches: of('patch').length,
    ...{ active: next.active ?? 0, ready: next.ready ?? 0, terminating: next.terminating ?? 0 },
    succeeded: (next.succeeded ?? 0) + succeeded.length,
    failed: (next.failed ?? 0) + failed.length,
    conditions: (next.conditions ?? []).map(c => `${c.type}=${c.status} ${c.reason}`),
  }
}

export const nothing: Outcome = {
  ...{ creates: 0, indexes: [], deletes: 0, patches: 0, active: 0, ready: 0, terminating: 0, succeeded: 0, failed: 0 },
  conditions: [],
}
export const queue = (parallelism: number): Partial<JobSpec> => ({ parallelism })
export const fixed = (parallelism: number, completions: number, more: Partial<JobSpec> = {}): Partial<JobSpec> => ({
  ...{ parallelism, completions },
  ...more,
})
export const indexed = (parallelism: number, completions: number, more: Partial<JobSpec> = {}) =>
  fixed(parallelism, completions, { completionMode: 'Indexed', ...more })
export const perIndex = { backoffLimit: 2 ** 31 - 1, backoffLimitPerIndex: 1 }
export const onlyFailed = { podReplacementPolicy: 'Failed' } as const
export const condition = (type: string, status = 'True', reason = 'x'): JobStatus => ({
  startTime: '2026-01-01T00:30:00Z',
  conditions: [{ type, status, reason, message: 'm' }],
})

export type Row = [string, Case, Partial<Outcome>]
