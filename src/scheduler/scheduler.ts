import { setMaxListeners } from 'node:events'
import { type Clock, timestamp } from '../base/clock.ts'
import { explain, OptiFlowError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import type { Client, EventRecorder, InformerSet } from '../client/index.ts'
import { ApiError } from '../models/api-error.ts'
import { Namespace, Node, Pod, PodDisruptionBudget } from '../models/kinds/index.ts'
import { type Attempt, Attempts } from './attempts.ts'
import { ClusterFeed } from './cluster-feed.ts'
import { watchedKinds } from './cluster-objects.ts'
import { ClusterState } from './cluster-state.ts'
import { Decider, type Fit, type Unfit } from './decider.ts'
import { explainPod, findChanges } from './explain/explain.ts'
import type { Explanation } from './explain/explanation.ts'
import { askAll } from './explain/refusals.ts'
import { failureMessage } from './fit-failure.ts'
import { Nominations } from './nominations.ts'
import type { Reservation } from './plugin.ts'
import { defaultProfile, type Profile } from './plugins/index.ts'
import type { PodInfo } from './pod-class.ts'
import { PodWriter } from './pod-writer.ts'
import { type Eviction, findEviction } from './preemption.ts'
import { planRebalance, type RebalanceOptions, type RebalancePlan } from './rebalance/rebalance.ts'
import { type QueuedPod, SchedulingQueue } from './scheduling-queue.ts'
import { type Scenario, type SimulatedWorld, type Simulation, simulate } from './simulate/simulate.ts'

export interface SchedulerOptions {
  client: Client
  informers: InformerSet
  clock: Clock
  random: Random
  log: Logger
  events: EventRecorder
  /** Kubernetes' default rules unless given; one for each schedulerName. */
  profile?: Profile | readonly Profile[]
  metrics?: SchedulerMetrics
}

export interface SchedulerMetrics {
  /** One try to place a pod, and how long deciding took. */
  attempted?(result: 'scheduled' | 'unschedulable' | 'error', decisionMs: number): void
  /** From its first sight to its binding, in milliseconds. */
  bound?(sinceSeenMs: number): void
  preempted?(victims: number): void
}

export interface SchedulerStats {
  scheduled: number
  unschedulable: number
  /** Bindings that the API refused or that never arrived. */
  failedBindings: number
  victims: number
  /** Pods without a node, by where they wait. */
  waiting: ReturnType<SchedulingQueue['counts']>
}

export interface Scheduler extends AsyncDisposable {
  /** Waits for the caches, then places pods; with `watchOnly` it only knows the cluster, and can explain. */
  start(options?: { watchOnly?: boolean }): Promise<void>
  /** Takes no more pods; resolves when what is being written is written. */
  stop(): Promise<void>
  stats(): SchedulerStats
  /** Many pods wait for their turn or their binding: what can wait should. */
  busy(): boolean
  /** What came of the latest try to place the pod with this uid. */
  attempt(uid: string): Attempt | undefined
  /** Asks every node anew about a pod, which need not exist: who refuses it and why, what would let it in, how nodes score. */
  explain(pod: Pod): Explanation
  /** What would happen, in a fork of the cluster as it is known now. */
  simulate(scenario: Scenario): Simulation
  /** Which moves would let in pods that wait. Nothing is moved. */
  planRebalance(options: RebalanceOptions): RebalancePlan
}

/** The event loop is given back after deciding for so long. */
const sliceMs = 8
/** Deciding waits while so many bindings are under way. */
const mostBindings = 2_000
/** One part in so many of the time goes into hints. */
const hintShare = 50
/** Pods about to be decided or bound. */
const busyFrom = 16

export function createScheduler(options: SchedulerOptions): Scheduler {
  const { client, informers, clock, log, events } = options
  const profiles = [options.profile ?? defaultProfile].flat()
  const state = new ClusterState()
  const nominations = new Nominations()
  const deciders = new Map(profiles.map(p => [p.schedulerName, new Decider(p, state, nominations.on)]))
  if (deciders.size < profiles.length) throw new OptiFlowError('two scheduler profiles have one schedulerName')
  const plugins = new Map(profiles.flatMap(p => p.plugins.map(w => [w.plugin.name, w.plugin])))
  const attempts = new Attempts()
  const writer = new PodWriter(client, clock)
  const underWay = new Set<Promise<void>>()
  const stop = new AbortController()
  // Every binding that waits for a volume listens to it.
  setMaxListeners(0, stop.signal)
  const counts = { scheduled: 0, unschedulable: 0, failedBindings: 0, victims: 0 }
  let subscriptions: (() => void)[] = []
  let running = false
  let turnPlanned = false
  let nextHintMs = 0

  const queue = new SchedulingQueue({
    clock,
    wakes: (plugin, event, info) => plugins.get(plugin)?.wakes?.(event, info) ?? true,
    onReady: () => planTurn(),
  })

  const feed = new ClusterFeed(state, {
    pending(pod) {
      const known = queue.get(pod.metadata.uid)
      const info = state.classes.admit(pod)
      nominations.set(info, pod.status?.nominatedNodeName)
      if (!known) return queue.add(info)
      const old = known.info
      queue.update(info)
      state.classes.release(old)
    },
    gone: uid => attempts.delete(uid),
    settled(uid) {
      nominations.delete(uid)
      // While its binding flies, the pod belongs to the state.
      const owned = queue.get(uid)?.place !== 'flying'
      const entry = queue.remove(uid)
      if (entry && owned) state.classes.release(entry.info)
    },
    event: event => queue.wake(event),
  })

  const deciderOf = (pod: Pod) => deciders.get(pod.spec.schedulerName || defaultProfile.schedulerName)

  function planTurn(): void {
    if (turnPlanned || !running) return
    turnPlanned = true
    queueMicrotask(turn)
  }

  function turn(): void {
    turnPlanned = false
    const endMs = clock.monotonicMs() + sliceMs
    while (running && writer.binding < mostBindings) {
      const entry = queue.take()
      if (!entry) return
      attempt(entry)
      if (clock.monotonicMs() < endMs) continue
      turnPlanned = true
      clock.schedule(0, turn)
      return
    }
  }

  function attempt(entry: QueuedPod): void {
    const { info } = entry
    const beganMs = clock.monotonicMs()
    const decider = deciderOf(info.pod)!
    if (entry.attempts === 1) state.see(info)
    try {
      const decision = decider.decide(info)
      if (decision.node) place(entry, decision)
      else refuse(entry, decision, decider)
      const result = decision.node ? 'scheduled' : 'unschedulable'
      options.metrics?.attempted?.(result, clock.monotonicMs() - beganMs)
    } catch (error) {
      // A plugin's mistake costs one pod its turn, never the scheduler its life.
      log.error({ pod: info.keyText, error: explain(error) }, 'decision failed')
      events.warning(info.pod, 'FailedScheduling', `the scheduler failed: ${explain(error)}`)
      options.metrics?.attempted?.('error', clock.monotonicMs() - beganMs)
      queue.retry(entry)
    }
  }

  function place(entry: QueuedPod, { node, fitting, score }: Fit): void {
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
    const reservations = deciderOf(info.pod)!.reserve(info, node)
    feed.assume(info, node.name)
    track(bind(entry, node.name, message, reservations))
  }

  async function bind(
    entry: QueuedPod,
    node: string,
    message: string,
    reservations: readonly Reservation[],
  ): Promise<void> {
    const { info } = entry
    try {
      for (const { write } of reservations) await write?.({ client, clock, signal: stop.signal })
      await writer.bind(info, node, Object.assign({}, ...reservations.map(r => r.annotations)))
    } catch (error) {
      return bindingFailed(entry, node, error)
    } finally {
      for (const reservation of reservations) reservation.release()
    }
    counts.scheduled++
    options.metrics?.bound?.(clock.monotonicMs() - entry.sinceMs)
    log.debug({ pod: info.keyText, node }, 'pod bound')
    events.normal(info.pod, 'Scheduled', message)
    if (entry.place === 'flying') queue.remove(info.uid)
    planTurn()
  }

  function bindingFailed(entry: QueuedPod, node: string, error: unknown): void {
    const { info } = entry
    counts.failedBindings++
    // Held before it is let go, or its class might be forgotten in between.
    const again = state.classes.admit(info.pod)
    const forgotten = feed.forget(info)
    const settled = error instanceof ApiError && (error.code === 404 || error.code === 409)
    log.warn({ pod: info.keyText, node, error: explain(error) }, 'binding failed')
    if (!forgotten || settled || entry.place !== 'flying') {
      // Deleted, or somebody else has bound it: the informer brings what there is to know.
      if (entry.place === 'flying') queue.remove(info.uid)
      state.classes.release(again)
      if (forgotten && settled) track(lookAgain(info))
    } else {
      entry.info = again
      events.warning(info.pod, 'FailedScheduling', `binding to ${node} failed: ${explain(error)}`)
      queue.retry(entry)
    }
    planTurn()
  }

  /** After a conflict the cache may be behind: if the pod is still there without a node, nobody else would tell us. */
  async function lookAgain({ key, uid }: PodInfo): Promise<void> {
    try {
      const pod = await client.get(Pod, key, { signal: stop.signal })
      const ours = pod.metadata.uid === uid && !pod.spec.nodeName && !pod.metadata.deletionTimestamp
      if (ours && deciderOf(pod) && !queue.get(uid)) queue.add(state.classes.admit(pod))
    } catch (error) {
      log.debug({ pod: key, error: explain(error) }, 'pod not there after its binding failed')
    }
  }

  function refuse(entry: QueuedPod, unfit: Unfit, decider: Decider): void {
    const { info } = entry
    counts.unschedulable++
    const budgets = informers.for(PodDisruptionBudget).list()
    const preemption = findEviction(info, unfit, state, decider, budgets)
    const { eviction } = preemption
    const text = eviction ? '' : preemption.message
    const summary = failureMessage(unfit.failure)
    const message = text ? `${summary} preemption: ${text}` : summary
    attempts.set(info.uid, {
      at: timestamp(clock),
      number: entry.attempts,
      fitting: 0,
      nodes: unfit.failure.nodes,
      refusals: unfit.failure.groups,
      message,
      ...(text ? { preemption: text } : {}),
    })
    log.debug({ pod: info.keyText, message }, 'pod does not fit')
    events.warning(info.pod, 'FailedScheduling', message + hint(info, eviction, decider, budgets))
    const nominated =
      eviction?.node.name ?? (text.startsWith('not eligible due to a term') ? nominations.nodeOf(info.uid) : undefined)
    nominations.set(info, nominated)
    // Parked before anything is written: what the victims' end brings must find it waiting.
    queue.park(entry, unfit.failure.plugins)
    track(writer.reportUnschedulable(info, message, nominated ?? ''))
    if (eviction) track(preempt(info, eviction, decider))
  }

  /** The smallest change that would let the pod in, for its event, as long as looking for it takes little of the time. */
  function hint(
    info: PodInfo,
    eviction: Eviction | undefined,
    decider: Decider,
    budgets: PodDisruptionBudget[],
  ): string {
    const beganMs = clock.monotonicMs()
    if (eviction || beganMs < nextHintMs) return ''
    const { refused } = askAll(decider.actives(info), state)
    const [smallest] = findChanges(info, refused, { state, decider, budgets })
    const nowMs = clock.monotonicMs()
    nextHintMs = nowMs + hintShare * (nowMs - beganMs)
    return smallest ? ` Smallest change: ${smallest.text}.` : ''
  }

  async function preempt(info: PodInfo, { node, victims }: Eviction, decider: Decider): Promise<void> {
    const { schedulerName } = decider.profile
    // Whoever matters less and was promised the same node has to look for another one.
    for (const other of [...nominations.on(node.name)])
      if (other.priority < info.priority) {
        nominations.delete(other.uid)
        track(writer.clearNomination(other))
      }
    const chosen = victims.filter(v => !v.class.terminating)
    counts.victims += chosen.length
    options.metrics?.preempted?.(chosen.length)
    await Promise.all(
      chosen.map(async victim => {
        log.info({ victim: victim.keyText, pod: info.keyText, node: node.name }, 'pod preempted')
        await writer.evict(victim, schedulerName)
        events.normal(victim.pod, 'Preempted', `Preempted by pod ${info.uid} on node ${node.name}`)
      }),
    )
  }

  /** Writes that nobody waits for, until the scheduler stops. */
  function track(work: Promise<void>): void {
    const one = work
      .catch(error => log.warn({ error: explain(error) }, 'write failed'))
      .finally(() => underWay.delete(one))
    underWay.add(one)
  }

  async function end(): Promise<void> {
    running = false
    stop.abort(new DOMException('the scheduler was stopped', 'AbortError'))
    for (const unsubscribe of subscriptions) unsubscribe()
    subscriptions = []
    queue.close()
    while (underWay.size) await Promise.all(underWay)
  }

  function worldNow(): SimulatedWorld {
    const pending = informers
      .for(Pod)
      .list()
      .filter(p => waits(p) && deciderOf(p))
    const budgets = informers.for(PodDisruptionBudget).list()
    const seen = (uid: string) => (queue.get(uid)?.attempts ?? 0) > 0
    return { state, profiles, budgets, pending, seen, nominated: nominations.on }
  }

  return {
    async start({ watchOnly = false } = {}) {
      const kinds = [Node, Pod, Namespace, PodDisruptionBudget, ...watchedKinds]
      const needed = kinds.map(kind => informers.for<any>(kind))
      await Promise.all(needed.map(informer => informer.ready(stop.signal)))
      if (stop.signal.aborted) return
      subscriptions = feed.subscribe(informers, pod => deciderOf(pod) !== undefined)
      running = !watchOnly
      planTurn()
    },
    stop: end,
    [Symbol.asyncDispose]: end,
    simulate: scenario => simulate(worldNow(), scenario),
    planRebalance: moves => planRebalance(worldNow(), moves),
    busy: () => queue.counts().active + writer.binding > busyFrom,
    stats: () => ({ ...counts, waiting: queue.counts() }),
    attempt: uid => attempts.get(uid),
    explain(pod) {
      const decider = deciderOf(pod) ?? deciders.values().next().value!
      const said = explainPod(pod, { state, decider, budgets: informers.for(PodDisruptionBudget).list() })
      const latest = attempts.get(pod.metadata.uid)
      if (latest) said.latest = { at: latest.at, attempts: latest.number, message: latest.message }
      return said
    },
  }
}

const waits = ({ spec, status, metadata }: Pod) =>
  !spec.nodeName && !metadata.deletionTimestamp && status?.phase !== 'Succeeded' && status?.phase !== 'Failed'
