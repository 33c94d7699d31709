import { timestamp } from '../base/clock.ts'
import { sameMeaning } from '../base/equality.ts'
import { explain } from '../base/errors.ts'
import { selectingOf } from '../client/label-index.ts'
import { OwnWrites } from '../client/own-writes.ts'
import { controllerOf } from '../client/owner.ts'
import { type Cache, type CacheIndex, ownerWatch, type Reconciler, type World } from '../client/reconciler.ts'
import { isConflict, isNamespaceTerminating, isNotFound } from '../models/api-error.ts'
import { Job, Pod } from '../models/kinds/index.ts'
import { keyOf, keyText, type ObjectKey } from '../models/object.ts'
import { claim } from './claim.ts'
import { backoffLeftMs, countFailures, type Failures, indexBackoffLeftMs, noFailures } from './job-backoff.ts'
import type { JobMonitor, SyncAction } from './job-monitor.ts'
import { type JobFacts, jobFacts, msUntilDeadline, nextHistory, planJob } from './job-plan.ts'
import { isIndexed, isTracked, podOf, trackingFinalizer } from './job-pods.ts'
import { judgeFailure } from './job-policy.ts'
import { account, type Changes, isAnnounced, isFinished, type Look, noChanges } from './job-status.ts'
import { isEmptySelector, lenientSelector, ownSelector, selectorMatches } from './selection.ts'
import { slowStart } from './slow-start.ts'

const controllerName = 'kubernetes.io/job-controller'

interface Memory {
  /** Let go by us; the cache may still show them as held. */
  released: Set<string>
  failures: Failures
  seenFailed: Set<string>
}

/** Runs a Job's pods to completion, and counts each exactly once. */
export function jobReconciler({ monitor }: { monitor?: JobMonitor } = {}): Reconciler {
  const memories = new Map<string, Memory>()
  let own: OwnWrites | undefined
  const toJob = ownerWatch(Pod, Job)
  return {
    name: 'job',
    primary: Job,
    watches: [
      {
        kind: Pod,
        keys: (pod: Pod, cache: Cache) =>
          controllerOf(pod) ? toJob.keys(pod, cache) : [...adopters(pod, cache), ...onceOf(pod)],
      },
    ],
    writes: [
      { kind: Pod, part: 'owned' },
      { kind: Job, part: 'status' },
    ],
    async reconcile(key, world) {
      own ??= new OwnWrites(world.clock)
      const job = world.cache.get(Job, key)
      if (!job) {
        own.forget(key)
        for (const uid of [...memories.keys()]) if (!world.cache.ownedBy(Pod, uid).length) memories.delete(uid)
        return releaseAbandoned(world, key)
      }
      if (job.spec.managedBy && job.spec.managedBy !== controllerName) return
      const strays = podsNamed(world.cache, key).filter(pod => !controllerOf(pod))
      if (isFinished(job)) {
        memories.delete(job.metadata.uid)
        return releaseAll(world, [...world.cache.ownedBy(Pod, job.metadata.uid), ...strays])
      }
      // They were let go on with the Job's deletion, before we could count them: nobody will adopt them.
      if (job.metadata.deletionTimestamp) await releaseAll(world, strays)
      let memory = memories.get(job.metadata.uid)
      if (!memory)
        memories.set(job.metadata.uid, (memory = { released: new Set(), failures: noFailures, seenFailed: new Set() }))
      return new Round(world, job, memory, own, monitor).run()
    },
  }
}

const selecting = selectingOf(Job, ownSelector)
const adopters = (pod: Pod, cache: Cache): ObjectKey[] => selecting(cache, pod).map(keyOf)

const podsByJob: CacheIndex<Pod> = {
  kind: Pod,
  name: 'job',
  values(pod) {
    const ref = controllerOf(pod)
    if (!ref) return onceOf(pod).map(keyText)
    // Another group may have Jobs of its own.
    const ours = ref.kind === Job.kind && ref.apiVersion === 'batch/v1'
    return ours ? [keyText({ namespace: pod.metadata.namespace!, name: ref.name })] : []
  },
}

/** The Job of a pod that is held for it still, but has no owner any more. One that does not say is of a Job that never is. */
function onceOf(pod: Pod): ObjectKey[] {
  if (!isTracked(pod) || controllerOf(pod)) return []
  const { namespace, uid, labels } = pod.metadata
  return [{ namespace: namespace!, name: labels?.['batch.kubernetes.io/job-name'] ?? `of-pod-${uid}` }]
}

/** Pods that are or were of a Job of this name: when it is gone, nobody will count them. */
const podsNamed = (cache: Cache, key: ObjectKey): Pod[] => cache.byIndex(podsByJob, keyText(key))

/** A cache may show a pod before the Job that it is of: only the server knows that there is none. */
async function releaseAbandoned(world: World, key: ObjectKey): Promise<void> {
  const pods = podsNamed(world.cache, key).filter(isTracked)
  if (!pods.length) return
  let alive: string | undefined
  try {
    alive = (await world.client.get(Job, key)).metadata.uid
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
  await releaseAll(
    world,
    pods.filter(pod => alive === undefined || (controllerOf(pod)?.uid ?? alive) !== alive),
  )
}

async function releaseAll(world: World, pods: readonly Pod[]): Promise<void> {
  await Promise.all(pods.filter(isTracked).map(pod => release(world, pod)))
}

async function release({ client }: World, pod: Pod): Promise<Pod | undefined> {
  const { resourceVersion, finalizers = [] } = pod.metadata
  const metadata = { resourceVersion, finalizers: finalizers.filter(f => f !== trackingFinalizer) }
  try {
    return await client.patch(Pod, keyOf(pod), { type: 'merge', body: { metadata } })
  } catch (error) {
    if (!isNotFound(error)) throw error
    return undefined
  }
}

class Round {
  readonly #world: World
  readonly #job: Job
  readonly #memory: Memory
  readonly #own: OwnWrites
  readonly #key: ObjectKey
  readonly #monitor: JobMonitor | undefined
  #action: SyncAction = 'tracking'

  constructor(world: World, job: Job, memory: Memory, own: OwnWrites, monitor: JobMonitor | undefined) {
    this.#world = world
    this.#job = job
    this.#memory = memory
    this.#own = own
    this.#key = keyOf(job)
    this.#monitor = monitor
  }

  async run(): Promise<void | { afterMs: number }> {
    const { clock } = this.#world
    const began = clock.monotonicMs()
    let ok = false
    try {
      const again = await this.#sync()
      ok = true
      return again
    } finally {
      this.#monitor?.synced(this.#job, this.#action, ok, clock.monotonicMs() - began)
    }
  }

  async #sync(): Promise<void | { afterMs: number }> {
    const { clock } = this.#world
    const job = this.#job
    const { pods, trust } = await this.#pods()
    const nowMs = clock.now()
    const facts = jobFacts(job, pods, this.#memory.released, nowMs)
    this.#noteFailures(facts)
    let changes: Changes = noChanges
    let error: unknown
    let again = msUntilDeadline(job, nowMs) ?? Infinity
    let settled = false
    if (!(await this.#isNewest(facts))) return { afterMs: this.#own.patienceMs }
    if (facts.ending && !isAnnounced(job)) {
      // First it is written down: a crash in the midst of stopping pods must not turn success into failure.
    } else if (facts.ending) {
      ;({ error, ...changes } = await this.#remove(facts.active, false))
    } else if (trust === 'wait') {
      this.#action = 'reconciling'
      again = Math.min(again, this.#own.patienceMs)
    } else if (!job.metadata.deletionTimestamp) {
      settled = true
      if (this.#mayCreate()) {
        const outcome = await this.#manage(facts)
        ;({ changes, error } = outcome)
        again = Math.min(again, outcome.afterMs)
      }
    }
    await this.#account(pods, facts, { ...changes, settled })
    if (error !== undefined) throw error
    return Number.isFinite(again) ? { afterMs: again } : undefined
  }

  /**
   * Pods that are counted are let go: by an old status they would be missing. So nothing is made or deleted unless the Job is
   * exactly what the server has; asked only when there is something to do.
   */
  async #isNewest(facts: JobFacts): Promise<boolean> {
    const { create, remove } = planJob(this.#job, facts, () => true)
    const idle = facts.ending ? !facts.active.length : !create.length && !remove.length
    if (idle || this.#job.metadata.deletionTimestamp) return true
    try {
      const { uid, resourceVersion } = (await this.#world.client.get(Job, this.#key)).metadata
      return uid === this.#job.metadata.uid && resourceVersion === this.#job.metadata.resourceVersion
    } catch (error) {
      if (isNotFound(error)) return false
      throw error
    }
  }

  #mayCreate(): boolean {
    return selectorMatches(this.#job.spec.selector, this.#job.spec.template.metadata?.labels)
  }

  /** All pods, the server's own list when this process has not looked at the Job before. */
  async #pods(): Promise<{ pods: Pod[]; trust: 'cache' | 'wait' | 'live' }> {
    const { cache, client } = this.#world
    const { uid, namespace } = this.#job.metadata
    const cached = await this.#claim([...cache.ownedBy(Pod, uid), ...cache.orphans(Pod, namespace)])
    const trust = this.#own.trust(this.#key, k => cache.get(Pod, k))
    if (trust !== 'live') return { pods: cached, trust }
    const labelSelector = lenientSelector(this.#job.spec.selector).toString()
    const { items } = await client.list(Pod, { namespace: namespace!, labelSelector })
    const pods = await this.#claim(items)
    this.#own.listed(this.#key, pods, cached)
    return { pods, trust }
  }

  #claim(candidates: readonly Pod[]): Promise<Pod[]> {
    const selector = isEmptySelector(this.#job.spec.selector) ? undefined : this.#job.spec.selector
    return claim({
      client: this.#world.client,
      kind: Pod,
      owner: this.#job,
      ownerKind: Job,
      selector: lenientSelector(selector),
      candidates,
      finalizer: trackingFinalizer,
    })
  }

  /** Failures in a row since the last success slow the next pod down. */
  #noteFailures({ failures, newSucceeded }: JobFacts): void {
    const memory = this.#memory
    const failed = failures.filter(p => !memory.seenFailed.has(p.metadata.uid))
    for (const pod of failed) memory.seenFailed.add(pod.metadata.uid)
    memory.failures = countFailures(memory.failures, newSucceeded, failed)
  }

  async #manage(facts: JobFacts): Promise<{ changes: Changes; error: unknown; afterMs: number }> {
    const job = this.#job
    const perIndex = isIndexed(job) && job.spec.backoffLimitPerIndex !== undefined
    let afterMs = Infinity
    const ready = (waitMs: number) => {
      if (waitMs > 0) afterMs = Math.min(afterMs, waitMs)
      return waitMs <= 0
    }
    const nowMs = this.#world.clock.now()
    const plan = planJob(job, facts, index => !perIndex || ready(indexBackoffLeftMs(facts.kept.get(index), nowMs)))
    if (plan.remove.length) {
      const { error, ...changes } = await this.#remove(plan.remove, true)
      return { changes, error, afterMs }
    }
    if (plan.create.length && !perIndex && !ready(backoffLeftMs(this.#memory.failures, nowMs)))
      return { changes: noChanges, error: undefined, afterMs }
    const { done, error } = await this.#create(plan.create, facts)
    return { changes: { made: done, removed: [] }, error, afterMs }
  }

  async #create(indexes: (number | undefined)[], facts: JobFacts): Promise<{ done: number; error: unknown }> {
    const { client, events } = this.#world
    const job = this.#job
    if (indexes.length) this.#action = 'pods_created'
    const { done, error } = await slowStart(indexes.length, async i => {
      const index = indexes[i]
      const draft = podOf(job, index, index === undefined ? undefined : nextHistory(job, facts, index))
      try {
        const pod = await client.create(Pod, draft)
        this.#own.created(this.#key, pod)
        this.#monitor?.created(job, facts.terminating.length + facts.failed, true)
        events.normal(job, 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`)
      } catch (cause) {
        if (isNamespaceTerminating(cause)) return
        this.#monitor?.created(job, facts.terminating.length + facts.failed, false)
        events.warning(job, 'FailedCreate', `Error creating: ${explain(cause)}`)
        throw cause
      }
    })
    return { done, error }
  }

  /** @param uncounted let them go first: they were too many, which is no failure of theirs */
  async #remove(pods: readonly Pod[], uncounted: boolean): Promise<Changes & { error: unknown }> {
    const { client, events } = this.#world
    if (pods.length) this.#action = 'pods_deleted'
    const results = await Promise.allSettled(
      pods.map(async pod => {
        try {
          const { uid } = pod.metadata
          let { resourceVersion } = pod.metadata
          if (uncounted && isTracked(pod)) {
            resourceVersion = (await release(this.#world, pod))?.metadata.resourceVersion ?? resourceVersion
            this.#memory.released.add(uid)
          }
          // Just as it was seen: one that has ended since is no surplus, and its end counts.
          await client.delete(Pod, keyOf(pod), { uid, resourceVersion: resourceVersion! })
          this.#own.deleted(this.#key, pod)
          events.normal(this.#job, 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`)
        } catch (cause) {
          if (isNotFound(cause)) return this.#own.deleted(this.#key, pod)
          if (!isConflict(cause)) events.warning(this.#job, 'FailedDelete', `Error deleting: ${explain(cause)}`)
          throw cause
        }
      }),
    )
    return {
      made: 0,
      removed: pods.filter((_, i) => results[i]!.status === 'fulfilled'),
      error: results.find(r => r.status === 'rejected')?.reason,
    }
  }

  async #account(pods: readonly Pod[], facts: JobFacts, look: Look): Promise<void> {
    const { client, clock } = this.#world
    const job = this.#job
    const { status, release: letGo } = account(job, pods, this.#memory.released, facts, look, timestamp(clock))
    if (!sameMeaning(plain(job.status), plain(status))) {
      await client.updateStatus(Job, { ...structuredClone(job), status })
      this.#tell(status)
      const failed = [...facts.newFailed, ...facts.ignored]
      this.#monitor?.counted(
        job,
        status,
        failed.map(pod => judgeFailure(job, pod)?.action),
      )
    }
    // Only now that the status has them. A pod of an index goes first when its successor has come.
    await Promise.all(
      letGo.map(async pod => {
        await release(this.#world, pod)
        this.#memory.released.add(pod.metadata.uid)
      }),
    )
  }

  #tell({ conditions = [], succeeded = 0 }: NonNullable<Job['status']>): void {
    const { events } = this.#world
    const tooMany = succeeded > (this.#job.spec.completions ?? Infinity)
    const had = (type: string, status: string) =>
      (this.#job.status?.conditions ?? []).some(c => c.type === type && c.status === status)
    for (const { type, status, reason = '', message = '' } of conditions) {
      if (had(type, status)) continue
      if (type === 'Complete' && tooMany) {
        const text = 'Too many succeeded pods running after completion count reached'
        events.warning(this.#job, 'TooManySucceededPods', text)
      }
      if (type === 'Complete') events.normal(this.#job, 'Completed', 'Job completed')
      if (type === 'Failed') events.warning(this.#job, reason, message)
      if (type === 'Suspended') events.normal(this.#job, status === 'True' ? 'Suspended' : 'Resumed', message)
    }
  }
}

/** Zero, empty and absent counts say the same. */
function plain(status: Job['status']): object {
  return Object.fromEntries(
    Object.entries(status ?? {}).filter(
      ([, v]) => v !== 0 && v !== '' && !(typeof v === 'object' && v && !Object.keys(v).length),
    ),
  )
}
