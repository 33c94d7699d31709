import { type Clock, sleep, timestamp } from '../base/clock.ts'
import { explain, OptiFlowError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Client, EventRecorder } from '../client/index.ts'
import { ApiError } from '../models/api-error.ts'
import { Pod } from '../models/kinds/index.ts'
import type { Attempts } from './attempts.ts'
import type { ClusterFeed } from './cluster-feed.ts'
import type { ClusterState } from './cluster-state.ts'
import type { Fit } from './decider.ts'
import type { Bound } from './gangs/gang-scheduler.ts'
import type { Gang } from './gangs/gangs.ts'
import type { Nominations } from './nominations.ts'
import type { Reservation } from './plugin.ts'
import type { PodInfo } from './pod-class.ts'
import type { PodWriter } from './pod-writer.ts'
import type { SchedulerMetrics } from './scheduler-options.ts'
import type { QueuedPod, SchedulingQueue } from './scheduling-queue.ts'

/** Trying again would change nothing. */
const isSettled = (error: unknown) => error instanceof ApiError && (error.code === 404 || error.code === 409)

/** Between two tries to bind a member of a gang. */
const bindAgainMs = 1_000

export interface BinderOptions {
  client: Client
  clock: Clock
  log: Logger
  events: EventRecorder
  state: ClusterState
  feed: ClusterFeed
  queue: SchedulingQueue
  writer: PodWriter
  attempts: Attempts
  nominations: Nominations
  metrics?: SchedulerMetrics
  /** Aborts when the scheduler stops. */
  signal: AbortSignal
  isOurs(pod: Pod): boolean
  /** A binding is through, one way or the other. */
  done(): void
  /** Set if somebody else binds the pod. */
  binderOf(info: PodInfo): ((node: string) => Promise<void>) | undefined
  /** Follows work that nobody waits for. */
  track(work: Promise<unknown>): void
}

/** Brings decisions into the API, in the background: the next pod is decided while this one is bound. */
export class Binder {
  readonly #options: BinderOptions
  /** `failedBindings`: the API refused them, or they never arrived. */
  readonly counts = { scheduled: 0, failedBindings: 0 }
  /** By uid, pods of which something must be written, and perhaps waited for, before they are bound. */
  readonly #preparing = new Map<string, AbortController>()

  constructor(options: BinderOptions) {
    this.#options = options
  }

  /** The pod counts as placed from here on; should its binding fail, it goes back to the queue. */
  place(
    entry: QueuedPod,
    { node, fitting, score }: Fit,
    reservations: readonly Reservation[],
    gang?: Gang,
  ): Promise<Bound> {
    const { attempts, clock, state, nominations, feed, track } = this.#options
    const { info } = entry
    const message = `Successfully assigned ${info.keyText} to ${node.name}`
    attempts.set(info.uid, {
      at: timestamp(clock),
      number: entry.attempts,
      node: node.name,
      fitting,
      nodes: state.nodes.length,
      score,
      refusals: [],
      message,
    })
    nominations.delete(info.uid)
    feed.assume(info, node.name, gang !== undefined)
    const bound = this.#bind(entry, node.name, message, reservations, gang)
    track(bound)
    return bound
  }

  /** The pod is gone: nobody waits for its volumes any more. */
  cancel(uid: string): void {
    this.#preparing.get(uid)?.abort(new OptiFlowError('the pod does not exist any more'))
  }

  async #bind(
    entry: QueuedPod,
    node: string,
    message: string,
    reservations: readonly Reservation[],
    gang?: Gang,
  ): Promise<Bound> {
    const { clock, log, events, queue, metrics, done } = this.#options
    const { info } = entry
    try {
      await this.#prepare(info, reservations)
      await this.#write(entry, node, Object.assign({}, ...reservations.map(r => r.annotations)), gang)
    } catch (error) {
      return this.#failed(entry, node, error, gang)
    } finally {
      for (const reservation of reservations) reservation.release()
    }
    this.counts.scheduled++
    metrics?.bound?.(clock.monotonicMs() - entry.sinceMs, entry.attempts)
    log.debug({ pod: info.keyText, node }, 'pod bound')
    events.normal(info.pod, 'Scheduled', message, 'Binding')
    if (entry.place === 'flying') queue.remove(info.uid)
    done()
    return 'bound'
  }

  async #prepare({ uid }: PodInfo, reservations: readonly Reservation[]): Promise<void> {
    const writing = reservations.filter(r => r.write)
    if (!writing.length) return
    const { client, clock, signal } = this.#options
    signal.throwIfAborted()
    // Held on to until the end, which a signal made of two would not be.
    const over = new AbortController()
    const stop = () => over.abort(signal.reason)
    signal.addEventListener('abort', stop)
    this.#preparing.set(uid, over)
    try {
      // Not while others wait to be decided.
      await Promise.resolve()
      for (const reservation of writing) await reservation.write!({ client, clock, signal: over.signal })
    } finally {
      signal.removeEventListener('abort', stop)
      this.#preparing.delete(uid)
    }
  }

  /** Of a gang it is tried until its time is over, and the place is kept: it is not to fall apart for a hiccup. */
  async #write(entry: QueuedPod, node: string, annotations: Record<string, string>, gang?: Gang): Promise<void> {
    const { clock, writer, signal, binderOf } = this.#options
    const giveUpMs = clock.monotonicMs() + (gang?.timeoutMs ?? 0)
    for (;;) {
      try {
        const other = binderOf(entry.info)
        await (other ? other(node) : writer.bind(entry.info, node, annotations))
        return
      } catch (error) {
        if (isSettled(error) || clock.monotonicMs() >= giveUpMs || entry.place !== 'flying') throw error
      }
      await sleep(clock, bindAgainMs, signal)
    }
  }

  #failed(entry: QueuedPod, node: string, error: unknown, gang?: Gang): Bound {
    const { state, feed, log, queue, events, track, done } = this.#options
    const { info } = entry
    this.counts.failedBindings++
    // Held before it is let go, or its class might be forgotten in between.
    const again = state.classes.admit(info.pod)
    const forgotten = feed.forget(info)
    const settled = isSettled(error)
    log.warn({ pod: info.keyText, node, error: explain(error) }, 'binding failed')
    if (!forgotten || settled || entry.place !== 'flying') {
      // Deleted, or somebody else has bound it: the informer brings what there is to know.
      if (entry.place === 'flying') queue.remove(info.uid)
      state.classes.release(again)
      if (forgotten && settled) track(this.#lookAgain(info))
    } else {
      entry.info = again
      events.warning(info.pod, 'FailedScheduling', `binding to ${node} failed: ${explain(error)}`, 'Scheduling')
      // What becomes of a gang is for all of it to decide.
      if (!gang) queue.retry(entry)
    }
    done()
    return settled || !forgotten ? 'lost' : 'failed'
  }

  /** After a conflict the cache may be behind: if the pod is still there without a node, nobody else would tell us. */
  async #lookAgain({ key, uid }: PodInfo): Promise<void> {
    const { client, signal, isOurs, queue, state, log } = this.#options
    try {
      const pod = await client.get(Pod, key, { signal })
      const ours = pod.metadata.uid === uid && !pod.spec.nodeName && !pod.metadata.deletionTimestamp
      if (ours && isOurs(pod) && !queue.get(uid)) queue.add(state.classes.admit(pod))
    } catch (error) {
      log.debug({ pod: key, error: explain(error) }, 'pod not there after its binding failed')
    }
  }
}
