import { setMaxListeners } from 'node:events'
import { timestamp } from '../base/clock.ts'
import { explain, OptiFlowError } from '../base/errors.ts'
import { Namespace, Node, Pod, PodDisruptionBudget, SchedulerPlugin } from '../models/kinds/index.ts'
import { type KubeObject, keyOf } from '../models/object.ts'
import { Attempts } from './attempts.ts'
import { Binder } from './binder.ts'
import { ClusterFeed } from './cluster-feed.ts'
import { watchedKinds } from './cluster-objects.ts'
import { ClusterState } from './cluster-state.ts'
import { Decider, type Unfit } from './decider.ts'
import { awaitsClaims, claimOwner } from './dra/claims-to-come.ts'
import { asQueued, withLatest } from './explain/beyond-nodes.ts'
import { explainPod } from './explain/explain.ts'
import { Hints } from './explain/hints.ts'
import { ExtenderScheduler } from './extenders/extender-scheduler.ts'
import { Extensions } from './extensions/extensions.ts'
import { failureMessage } from './fit-failure.ts'
import { evictTogether } from './gangs/evict-together.ts'
import { coscheduling, GangScheduler } from './gangs/gang-scheduler.ts'
import { Gangs, gangKey } from './gangs/gangs.ts'
import { Nominations } from './nominations.ts'
import { defaultProfile } from './plugins/index.ts'
import type { PodInfo } from './pod-class.ts'
import { PodWriter } from './pod-writer.ts'
import { type Eviction, findEviction, waitsForVictims } from './preemption.ts'
import { Preemptor } from './preemptor.ts'
import { QueueKeeper } from './queues/queue-keeper.ts'
import { QueueReporter } from './queues/queue-reporter.ts'
import { heldBack, placeInQueue } from './queues/standing.ts'
import { planRebalance } from './rebalance/rebalance.ts'
import type { Scheduler, SchedulerMetrics, SchedulerOptions } from './scheduler-options.ts'
import { type QueuedPod, SchedulingQueue } from './scheduling-queue.ts'
import { type SimulatedWorld, simulate } from './simulate/simulate.ts'

/** The event loop is given back after deciding for so long. */
const sliceMs = 8
/** Deciding waits while so many bindings are under way. */
const mostBindings = 2_000
/** Pods about to be decided or bound. */
const busyFrom = 16

export function createScheduler(options: SchedulerOptions): Scheduler {
  const { client, informers, clock, log, events } = options
  const profiles = [options.profile ?? defaultProfile].flat()
  const state = new ClusterState()
  const nominations = new Nominations()
  const promisedNode = (info: PodInfo) => nominations.nodeOf(info.uid) ?? info.pod.status?.nominatedNodeName
  const deciders = new Map(
    profiles.map(p => [p.schedulerName, new Decider(p, state, nominations.on, undefined, promisedNode)]),
  )
  if (deciders.size < profiles.length) throw new OptiFlowError('two scheduler profiles have one schedulerName')
  const plugins = new Map(profiles.flatMap(p => p.plugins.map(w => [w.plugin.name, w.plugin])))
  plugins.set(coscheduling.name, coscheduling)
  const gangs = new Gangs(state.objects)
  const attempts = new Attempts()
  const hints = new Hints(clock)
  const writer = new PodWriter(client, clock)
  const underWay = new Set<Promise<void>>()
  const stop = new AbortController()
  // Every binding that waits for a volume listens to it.
  setMaxListeners(0, stop.signal)
  const counts = { unschedulable: 0, victims: 0 }
  let subscriptions: (() => void)[] = []
  let running = false
  let turnPlanned = false

  const queue: SchedulingQueue = new SchedulingQueue({
    clock,
    wakes: (plugin, event, info) => plugins.get(plugin)?.wakes?.(event, info, state) ?? true,
    held: info => keeper.holds(info) || awaitsClaims(info.pod, state.objects),
    onReady: () => planTurn(),
  })

  const keeper: QueueKeeper = new QueueKeeper({
    clock,
    state,
    gangs,
    active: () => running,
    release: uid => queue.release(uid),
    isQueued: uid => queue.get(uid) !== undefined,
    end(pods, why) {
      for (const info of pods) {
        events.warning(info.pod, 'Reclaimed', why)
        track(writer.evict(info, info.pod.spec.schedulerName || defaultProfile.schedulerName, why))
      }
    },
    planned: waits => reporter.planned(waits),
  })
  const reporter = new QueueReporter({ client, clock, state, keeper, writer, track })

  const feed = new ClusterFeed(state, {
    pending(pod) {
      const known = queue.get(pod.metadata.uid)
      const info = state.classes.admit(pod)
      nominations.set(info, pod.status?.nominatedNodeName)
      keeper.arrive(info)
      if (!known) return queue.add(info)
      const old = known.info
      queue.update(info)
      state.classes.release(old)
    },
    gone(uid) {
      attempts.delete(uid)
      keeper.gone(uid)
    },
    settled(uid) {
      nominations.delete(uid)
      preemptor.forget(uid)
      binder.cancel(uid)
      // While its binding flies, the pod belongs to the state.
      const owned = queue.get(uid)?.place !== 'flying'
      const entry = queue.remove(uid)
      if (entry && owned) state.classes.release(entry.info)
    },
    event(event) {
      if (event.type === 'object-changed' && event.table === 'schedulerPlugins') extend(event)
      gangs.note(event)
      keeper.note(event)
      if (event.type === 'pod-removed') preemptor.gone(event.pod.uid, event.node)
      queue.wake(event)
      const owner = claimOwner(event)
      if (owner) queue.release(owner)
    },
  })

  const extensions = new Extensions({
    clock,
    changed() {
      for (const profile of profiles) {
        const added = extensions.for(profile.schedulerName)
        deciders.get(profile.schedulerName)!.use({ ...profile, plugins: [...profile.plugins, ...added] })
      }
      queue.wakeAll()
    },
    report(plugin, status) {
      log.info({ plugin: plugin.metadata.name, ...status }, 'scheduler plugin')
      const patch = { type: 'merge' as const, body: { status } }
      if (running) track(client.patch(SchedulerPlugin, keyOf(plugin), patch, { subresource: 'status' }))
    },
  })

  function extend({ object, old }: { object: KubeObject; old?: KubeObject }): void {
    // Reported as it was: gone.
    if (object === old) extensions.delete(object.metadata.name)
    else track(extensions.set(object as SchedulerPlugin))
  }

  const preemptor = new Preemptor({
    nominations,
    writer,
    events,
    log,
    counted(victims) {
      counts.victims += victims
      options.metrics?.preempted?.(victims)
    },
    hurry: uid => queue.hurry(uid),
    track,
  })

  const together = new GangScheduler({
    gangs,
    queue,
    state,
    deciderOf: info => deciderOf(info.pod)!,
    place: (...what) => binder.place(...what),
    holdBack,
    track,
    makeRoom(members, need) {
      // Some of its victims are still there: more would be in vain.
      if (members.some(m => preemptor.awaits(m.uid))) return
      const budgets = informers.for(PodDisruptionBudget).list()
      const found = evictTogether(members, need, state, info => deciderOf(info.pod)!, budgets)
      for (const { info, node, eviction } of found ?? []) {
        nominations.set(info, node)
        if (eviction) track(preemptor.preempt(info, eviction, deciderOf(info.pod)!.profile.schedulerName))
      }
    },
    async end(info, message) {
      events.warning(info.pod, 'PodGroupTimeout', message)
      await writer.evict(info, deciderOf(info.pod)!.profile.schedulerName)
    },
  })

  const binder = new Binder({
    ...options,
    state,
    feed,
    queue,
    writer,
    attempts,
    nominations,
    signal: stop.signal,
    isOurs: pod => deciderOf(pod) !== undefined,
    done: planTurn,
    binderOf: info => extenders.binderOf(info),
    track,
  })

  const extenders = new ExtenderScheduler({
    extenders: options.extenders ?? [],
    log,
    signal: stop.signal,
    deciderOf: info => deciderOf(info.pod)!,
    nodes: () => state.nodes.length,
    place(entry, fit) {
      options.metrics?.attempted?.('scheduled', 0, profileOf(entry.info.pod))
      void binder.place(entry, fit, deciderOf(entry.info.pod)!.reserve(entry.info, fit.node))
    },
    refuse: (entry, unfit) => refuse(entry, unfit, deciderOf(entry.info.pod)!),
    retry(entry, why) {
      if (why) events.warning(entry.info.pod, 'FailedScheduling', why, 'Scheduling')
      queue.retry(entry)
    },
    dropped: info => state.classes.release(info),
  })

  const deciderOf = (pod: Pod) => deciders.get(profileOf(pod))

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
    const tell = (result: Parameters<NonNullable<SchedulerMetrics['attempted']>>[0]) =>
      options.metrics?.attempted?.(result, clock.monotonicMs() - beganMs, profileOf(info.pod))
    if (entry.attempts === 1) state.see(info)
    const key = gangKey(info.pod)
    const gang = key === undefined ? undefined : gangs.get(key)
    try {
      // Members of a gang are tried in one step, which cannot wait for others.
      if (key === undefined && extenders.concerns(info)) {
        track(extenders.attempt(entry))
        return
      }
      const alone = key === undefined || (gang && gangs.placed(gang.key) >= gang.minMember)
      const placed = alone ? attemptAlone(entry) : together.attempt(entry, key, gang)
      tell(placed ? 'scheduled' : 'unschedulable')
    } catch (error) {
      // A plugin's mistake costs one pod its turn, never the scheduler its life.
      log.error({ pod: info.keyText, error: explain(error) }, 'decision failed')
      events.warning(info.pod, 'FailedScheduling', `the scheduler failed: ${explain(error)}`, 'Scheduling')
      tell('error')
      queue.retry(entry)
    }
  }

  function attemptAlone(entry: QueuedPod): boolean {
    const { info } = entry
    const decider = deciderOf(info.pod)!
    const decision = decider.decide(info)
    if (decision.node) binder.place(entry, decision, decider.reserve(info, decision.node))
    else refuse(entry, decision, decider)
    return decision.node !== undefined
  }

  function holdBack(entries: readonly QueuedPod[], rejectedBy: ReadonlySet<string>, message: string): void {
    const cleared = entries.some(e => nominations.nodeOf(e.info.uid) !== undefined)
    for (const entry of entries) {
      const { info } = entry
      counts.unschedulable++
      const at = timestamp(clock)
      attempts.set(info.uid, {
        at,
        number: entry.attempts,
        fitting: 0,
        nodes: state.nodes.length,
        refusals: [],
        message,
      })
      events.warning(info.pod, 'FailedScheduling', message, 'Scheduling')
      if (!cleared && keeper.refused(info)) queue.shelve(entry)
      else queue.park(entry, rejectedBy)
      track(writer.reportUnschedulable(info, message, nominations.nodeOf(info.uid) ?? ''))
    }
  }

  function refuse(entry: QueuedPod, unfit: Unfit, decider: Decider): void {
    const { info } = entry
    counts.unschedulable++
    const budgets = informers.for(PodDisruptionBudget).list()
    const preemption = preemptor.awaits(info.uid)
      ? { message: waitsForVictims }
      : decider.profile.preempts === false
        ? { message: '' }
        : findEviction(info, unfit, state, decider, budgets)
    const eviction = 'eviction' in preemption ? preemption.eviction : undefined
    const text = 'message' in preemption ? preemption.message : ''
    const message = failureMessage(unfit.failure) + (text && ` preemption: ${text}`)
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
    const hint = eviction ? '' : hints.for(info, { state, decider, budgets })
    events.warning(info.pod, 'FailedScheduling', message + hint, 'Scheduling')
    const nominated = eviction?.node.name ?? (text === waitsForVictims ? nominations.nodeOf(info.uid) : undefined)
    nominations.set(info, nominated)
    // Parked before anything is written: what the victims' end brings must find it waiting.
    if (!nominated && keeper.refused(info)) queue.shelve(entry)
    else queue.park(entry, unfit.failure.plugins, nominated)
    track(writer.reportUnschedulable(info, message, nominated ?? ''))
    for (const write of decider.relieve(info, unfit)) track(write({ client, clock, signal: stop.signal }))
    if (eviction) track(preempt(info, eviction, decider))
  }

  async function preempt(info: PodInfo, eviction: Eviction, decider: Decider): Promise<void> {
    if (await extenders.mayPreempt(info, eviction)) {
      await preemptor.preempt(info, eviction, decider.profile.schedulerName)
      return
    }
    nominations.delete(info.uid)
    await writer.clearNomination(info)
  }

  /** Writes that nobody waits for, until the scheduler stops. */
  function track(work: Promise<unknown>): void {
    const one: Promise<void> = work
      .then(() => {})
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
    keeper.close()
    reporter.close()
    extensions.close()
    while (underWay.size) await Promise.all(underWay)
  }

  function worldNow(): SimulatedWorld {
    const pending = informers
      .for(Pod)
      .list()
      .filter(p => waits(p) && deciderOf(p))
    const budgets = informers.for(PodDisruptionBudget).list()
    const seen = (uid: string) => (queue.get(uid)?.attempts ?? 0) > 0
    const held = (pods: readonly PodInfo[]) => heldBack(pods, keeper, state.resources.names)
    return { state, profiles, budgets, pending, seen, nominated: nominations.on, heldBack: held }
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
    busy: () => queue.counts().active + writer.binding + writer.reporting > busyFrom,
    stats: () => ({ ...counts, ...binder.counts, waiting: queue.counts() }),
    attempt: uid => attempts.get(uid),
    explain(pod) {
      const decider = deciderOf(pod) ?? deciders.values().next().value!
      const said = explainPod(pod, { state, decider, budgets: informers.for(PodDisruptionBudget).list() })
      const place = placeInQueue(pod.metadata.uid, keeper, state.resources.names, clock.now())
      return withLatest(
        place && said.state === 'Pending' ? asQueued(said, place) : said,
        attempts.get(pod.metadata.uid),
      )
    },
  }
}

const profileOf = ({ spec }: Pod) => spec.schedulerName || defaultProfile.schedulerName
const waits = ({ spec, status, metadata }: Pod) =>
  !spec.nodeName && !metadata.deletionTimestamp && status?.phase !== 'Succeeded' && status?.phase !== 'Failed'
