import type { Cancel, Clock } from '../base/clock.ts'
import { explain } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { type Client, ServerUnreachable } from '../client/index.ts'
import { ApiError, isConflict, isNotFound } from '../models/api-error.ts'
import { Pod } from '../models/kinds/core/pod.ts'
import type { PodStatus } from '../models/types/core-v1.ts'
import type { AgentMetrics } from './metrics/agent-metrics.ts'

export interface StatusWriterOptions {
  client: Client
  clock: Clock
  log: Logger
  /** So many starts are under way: while they are many, what nobody waits for waits longer. */
  starting?(): number
  /** Nothing is being written any more, after something was. */
  onRest?(): void
  metrics?: AgentMetrics | undefined
}

interface Entry {
  pod: Pod
  wanted: PodStatus
  /** What the server has, as far as we know, and its revision. */
  known: { status: PodStatus; revision: number }
  busy: Promise<void> | undefined
  dirty: boolean
  urgent: boolean
  sinceMonoMs: number
  /** The first change that no request has carried; Infinity: there is none. */
  changedMonoMs: number
}

const writersAtOnce = 16
const retryMs = 1_000
/** A status on a pod's way to its containers waits this long: mostly a better one comes before. */
const patienceMs = 500
/** So many starts at once are more than the usual two or three of a change. */
const crowd = 4
/** As long as many are on their way: each such status would keep the others from coming sooner. */
const crowdedPatienceMs = 5_000

/** Brings pod statuses to the API: only what changed, the newest wins, and while the server is away nothing is lost. */
export class StatusWriter {
  readonly #options: StatusWriterOptions
  readonly #entries = new Map<string, Entry>()
  readonly #queue = new Set<string>()
  #active = 0
  #pausedUntil: Cancel | undefined
  #timer: Cancel | undefined
  #stopped = false

  constructor(options: StatusWriterOptions) {
    this.#options = options
  }

  /** @param pod as the API has it, as far as we know */
  set(pod: Pod, status: PodStatus): void {
    const uid = pod.metadata.uid!
    const revision = Number(pod.metadata.resourceVersion ?? 0)
    const { clock } = this.#options
    let entry = this.#entries.get(uid)
    if (!entry) {
      entry = {
        pod,
        wanted: status,
        known: { status: pod.status ?? {}, revision },
        busy: undefined,
        dirty: false,
        urgent: false,
        sinceMonoMs: clock.monotonicMs(),
        changedMonoMs: Number.POSITIVE_INFINITY,
      }
      this.#entries.set(uid, entry)
    }
    entry.pod = pod
    entry.wanted = status
    if (revision > entry.known.revision) entry.known = { status: pod.status ?? {}, revision }
    const changed = changesOf(entry.known.status, status)
    if (!changed) {
      entry.dirty = false
      entry.changedMonoMs = Number.POSITIVE_INFINITY
      this.#queue.delete(uid)
      return
    }
    if (!entry.dirty) entry.sinceMonoMs = clock.monotonicMs()
    entry.dirty = true
    entry.changedMonoMs = Math.min(entry.changedMonoMs, clock.monotonicMs())
    entry.urgent = !isUneventful(status)
    this.#queue.add(uid)
    this.#pump()
  }

  /** Resolves when the newest status of the pod is written, or cannot be. @throws ServerUnreachable */
  async flush(uid: string): Promise<void> {
    for (;;) {
      const entry = this.#entries.get(uid)
      if (!entry) return
      if (entry.busy) await entry.busy
      else if (!entry.dirty) return
      else {
        this.#queue.delete(uid)
        await this.#write(uid, entry, true)
      }
    }
  }

  /** The pod is gone. */
  drop(uid: string): void {
    this.#entries.delete(uid)
    this.#queue.delete(uid)
  }

  /** Writes what can be written at once, then no more. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.()
    this.#pausedUntil?.()
    await Promise.all([...this.#entries.values()].map(entry => entry.busy))
  }

  #pump(): void {
    if (this.#pausedUntil || this.#stopped) return
    const now = this.#options.clock.monotonicMs()
    const crowded = (this.#options.starting?.() ?? 0) >= crowd
    const patience = crowded ? crowdedPatienceMs : patienceMs
    let next = Number.POSITIVE_INFINITY
    for (const uid of this.#queue) {
      if (this.#active >= writersAtOnce) return
      const entry = this.#entries.get(uid)!
      if (entry.busy) continue
      const due = entry.urgent ? 0 : entry.sinceMonoMs + patience
      if (due > now) {
        next = Math.min(next, due)
        continue
      }
      this.#queue.delete(uid)
      void this.#write(uid, entry, false)
    }
    this.#timer?.()
    this.#timer =
      next === Number.POSITIVE_INFINITY
        ? undefined
        : this.#options.clock.schedule(next - now, () => {
            this.#timer = undefined
            this.#pump()
          })
  }

  #write(uid: string, entry: Entry, rethrow: boolean): Promise<void> {
    this.#active++
    const work = this.#patch(entry)
      .catch(error => {
        if (isNotFound(error) || isConflict(error)) {
          // Gone, or another pod of the same name: the pod source will tell.
          entry.dirty = false
          return
        }
        const away = error instanceof ServerUnreachable || (error instanceof ApiError && error.retriable)
        if (away || error instanceof ApiError) {
          if (this.#entries.get(uid) === entry) this.#queue.add(uid)
          this.#pause()
          if (!away) this.#options.log.warn({ pod: entry.pod.metadata.name, error: explain(error) }, 'status refused')
        } else {
          this.#options.log.error({ pod: entry.pod.metadata.name, error: explain(error) }, 'status not written')
          entry.dirty = false
        }
        if (rethrow) throw error
      })
      .finally(() => {
        this.#active--
        entry.busy = undefined
        this.#pump()
        if (!this.#active) this.#options.onRest?.()
      })
    entry.busy = work.catch(() => {})
    return work
  }

  async #patch(entry: Entry): Promise<void> {
    const { pod, wanted, known } = entry
    const changes = changesOf(known.status, wanted)
    if (!changes) {
      entry.dirty = false
      return
    }
    const { namespace, name, uid } = pod.metadata
    const { changedMonoMs } = entry
    // What changes from here on is not in this request.
    entry.changedMonoMs = Number.POSITIVE_INFINITY
    const written = await this.#options.client
      .patch<Pod>(
        Pod,
        { namespace: namespace!, name },
        { type: 'strategic', body: { metadata: { uid }, status: changes } },
        { subresource: 'status' },
      )
      .catch(error => {
        entry.changedMonoMs = changedMonoMs
        throw error
      })
    const { clock, metrics } = this.#options
    metrics?.statusSynced((clock.monotonicMs() - changedMonoMs) / 1000)
    const revision = Number(written.metadata.resourceVersion ?? 0)
    if (revision >= entry.known.revision) entry.known = { status: written.status ?? {}, revision }
    // What the server made of it is what we compare with, or a field it drops would be sent for ever.
    entry.known.status = { ...entry.known.status, ...wantedAsKnown(wanted) }
    entry.dirty = entry.wanted !== wanted && changesOf(entry.known.status, entry.wanted) !== undefined
    if (entry.dirty) this.#queue.add(uid!)
  }

  /** The server is away: one try a second for all pods, not one for each. */
  #pause(): void {
    this.#pausedUntil ??= this.#options.clock.schedule(retryMs, () => {
      this.#pausedUntil = undefined
      this.#pump()
    })
  }
}

const wantedAsKnown = ({ conditions: _, ...rest }: PodStatus): PodStatus => rest

/** Nothing that somebody waits for: a pod that is being made, and nothing has gone wrong so far. */
function isUneventful(wanted: PodStatus): boolean {
  if (wanted.phase !== 'Pending') return false
  const all = [...(wanted.initContainerStatuses ?? []), ...(wanted.containerStatuses ?? [])]
  return all.every(
    s => s.state?.waiting?.reason === 'ContainerCreating' || s.state?.waiting?.reason === 'PodInitializing',
  )
}

/** A strategic merge patch from one status to the other; undefined when they are equal. */
export function changesOf(known: PodStatus, wanted: PodStatus): object | undefined {
  const changes: Record<string, unknown> = {}
  const from = known as Record<string, unknown>
  const to = wanted as Record<string, unknown>
  for (const field of Object.keys(to)) {
    if (field === 'conditions' || sameJson(from[field], to[field])) continue
    const list = field === 'podIPs' || field === 'hostIPs'
    // These lists merge by their items; old addresses must not stay.
    changes[field] = list && from[field] ? [{ $patch: 'replace' }, ...(to[field] as object[])] : to[field]
  }
  for (const field of ['reason', 'message', 'resize'])
    if (from[field] !== undefined && to[field] === undefined) changes[field] = null
  const conditions = (wanted.conditions ?? []).filter(
    condition =>
      !sameJson(
        known.conditions?.find(c => c.type === condition.type),
        condition,
      ),
  )
  if (conditions.length)
    changes['conditions'] = conditions.map(condition => {
      const old = known.conditions?.find(c => c.type === condition.type)
      return {
        ...condition,
        ...(old?.reason && !condition.reason ? { reason: null } : {}),
        ...(old?.message && !condition.message ? { message: null } : {}),
      }
    })
  return Object.keys(changes).length ? changes : undefined
}

/** Equal as JSON, whatever the order of keys; null and absent are the same. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b || ((a ?? undefined) === undefined && (b ?? undefined) === undefined)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || !a || !b) return false
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((v, i) => sameJson(v, b[i]))
  const left = a as Record<string, unknown>
  const right = b as Record<string, unknown>
  for (const key of Object.keys(left)) if (!sameJson(left[key], right[key])) return false
  for (const key of Object.keys(right)) if (!(key in left) && (right[key] ?? undefined) !== undefined) return false
  return true
}
