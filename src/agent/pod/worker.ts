import type { Cancel } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import type { Pod, PodStatus } from '../../models/types/core-v1.ts'
import { isRuntimeAway } from '../../runtime/runtime.ts'
import { PodTimes } from '../metrics/pod-times.ts'
import { usedVolumes } from '../volume/used-volumes.ts'
import { ActionRunner, type ActionSubject } from './action-runner.ts'
import { tellBackOff } from './back-off-events.ts'
import { type Action, decide, graceOf, operationKey } from './decision.ts'
import type { PodFacts } from './downward.ts'
import { tellFailure } from './failing-steps.ts'
import type { NodeContext } from './node-context.ts'
import { PodProbes } from './pod-probes.ts'
import { newestSandbox, newRecords, type Situation } from './records.ts'
import type { Rejection } from './rejection.ts'
import { allocatedBefore, allocatedPod, wantsResize } from './resize.ts'
import { podStatus } from './status.ts'
import { StepFailed } from './step-failed.ts'

/** Why and how the node ends a pod that the API still wants. */
export interface Eviction {
  reason: string
  message: string
  graceMs: number
  /** It is told as a disruption, which does not count as the pod's own failure. */
  disrupted: boolean
  /** Of the condition that tells it; `message` unless said otherwise. */
  disruption?: string
}

/** Steps after which the runtime looks different. */
const changesRuntime = new Set<Action['type']>([
  'runSandbox',
  'stopSandbox',
  'start',
  'kill',
  'removeContainer',
  'removeSandbox',
])

/** Brings one pod to what its specification says, and keeps it there. */
export class PodWorker {
  readonly uid: string
  readonly #node: NodeContext
  readonly #runner: ActionRunner
  readonly #records
  readonly #aborts = new Map<string, AbortController>()
  readonly #probes: PodProbes
  readonly #onFinished: () => void
  readonly #times: PodTimes | undefined
  #pod: Pod
  #gone: boolean
  /** What was last handed to the status writer. */
  #reported: PodStatus | undefined
  #timer: { atMonoMs: number; cancel: Cancel } | undefined
  #poked = false
  #stopped = false

  /** @param takeOver the pod may already run here: it is not asked whether it fits, and its probes go on */
  constructor(
    node: NodeContext,
    pod: Pod,
    options: { gone: boolean; takeOver: boolean; rejection?: Rejection | undefined; onFinished: () => void },
  ) {
    this.uid = pod.metadata.uid!
    this.#node = node
    this.#pod = pod
    this.#gone = options.gone
    this.#onFinished = options.onFinished
    const known = options.takeOver || options.gone || pod.status?.startTime !== undefined
    this.#times = node.metrics && new PodTimes(node.metrics, node.clock, known)
    this.#times?.seen(pod.spec)
    const started = pod.status?.startTime ? Date.parse(pod.status.startTime) : node.clock.now()
    const agoMs = Math.max(node.clock.now() - started, 0)
    this.#records = newRecords(started, node.clock.monotonicMs() - agoMs, node.mostCrashDelayMs)
    this.#records.rejection = options.rejection
    this.#records.allocated = allocatedBefore(pod)
    if (options.rejection) node.events.warning(pod, options.rejection.reason, options.rejection.message)
    this.#runner = new ActionRunner(node, this.#records, this.#subject())
    const probed = { pod: () => this.#pod, podIp: () => this.#facts().podIps[0] ?? '', poke: () => this.poke() }
    this.#probes = new PodProbes(node, this.#records, probed, options.takeOver)
    this.poke()
  }

  get pod(): Pod {
    return this.#pod
  }

  /** The pod with the resources that the node has agreed to. */
  get accounted(): Pod {
    return allocatedPod(this.#pod, this.#records)
  }

  /** Takes room on the node: it is neither refused nor over. */
  get active(): boolean {
    const phase = this.#reported?.phase ?? this.#pod.status?.phase
    return !this.#gone && !this.#records.rejection && phase !== 'Failed' && phase !== 'Succeeded'
  }

  /** Whoever defined it wants it no more. */
  get gone(): boolean {
    return this.#gone
  }

  /** It runs or is to run, it is being ended, or nothing of it runs any more. */
  get lifecycle(): 'sync' | 'terminating' | 'terminated' {
    if (!this.ending && (this.active || this.#gone)) return 'sync'
    const runs = this.#node.view.get(this.uid)?.containers.some(({ state }) => state === 'running')
    return runs ? 'terminating' : 'terminated'
  }

  /** It has been told to end. */
  get ending(): boolean {
    return this.#gone || this.#records.ending !== undefined || this.#pod.metadata.deletionTimestamp !== undefined
  }

  update(pod: Pod): void {
    const before = this.#pod
    this.#pod = pod
    if (pod.metadata.deletionTimestamp) this.#beginEnding(pod)
    // An ephemeral container may be the first to use a volume.
    if (usedVolumes(pod).length > usedVolumes(before).length) this.#records.volumesReady = false
    const { labels, annotations } = pod.metadata
    if (
      this.#records.volumesReady &&
      (JSON.stringify(labels) !== JSON.stringify(before.metadata.labels) ||
        JSON.stringify(annotations) !== JSON.stringify(before.metadata.annotations))
    )
      void this.#node.volumes.refresh(this.#facts())
    this.poke()
  }

  /** The pod is no longer in the API. @param last its last state, which says how much time it was given */
  remove(last: Pod = this.#pod): void {
    this.#gone = true
    this.#beginEnding(last)
    // Taken away by force: still a moment to end by itself, since nobody can be asked any more.
    const ending = this.#records.ending!
    ending.graceMs = Math.max(ending.graceMs, forcedGraceMs)
    this.poke()
  }

  /** The node itself ends the pod: eviction, shutdown. It goes to phase Failed. */
  evict({ disrupted, ...about }: Eviction): void {
    const { clock } = this.#node
    this.#records.ending ??= {
      ...about,
      sinceMonoMs: clock.monotonicMs(),
      ...(disrupted ? { disruptedAtMs: clock.now() } : {}),
    }
    this.poke()
  }

  /** The node needs its room for a pod that matters more. */
  preempt(): void {
    const message = 'Preempted in order to admit critical pod'
    this.#node.events.warning(this.#pod, 'Preempting', message)
    const disruption = 'Pod was preempted by Kubelet to accommodate a critical pod.'
    this.evict({ reason: 'Preempting', message, graceMs: graceOf(this.#pod), disrupted: true, disruption })
  }

  /** What was waiting for its turn after a failure is tried at once: something it missed may be there now. */
  retryNow(): void {
    for (const [key, failure] of this.#records.failures)
      if ((key === 'volumes' && !failure.volume) || failure.reason === 'CreateContainerConfigError')
        this.#records.failures.delete(key)
    this.poke()
  }

  /** Files of the pod's volumes are looked over: tokens near their end are renewed. */
  async refreshVolumes(): Promise<void> {
    if (this.#records.volumesReady && !this.#stopped) await this.#node.volumes.refresh(this.#facts())
  }

  /** Decides again soon; many calls make one decision. */
  poke(): void {
    if (this.#poked || this.#stopped) return
    this.#poked = true
    queueMicrotask(() => {
      this.#poked = false
      if (!this.#stopped) this.#decide()
    })
  }

  /** Forgets the pod without touching it: the agent stops, the containers go on. */
  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#probes.stop()
    for (const abort of this.#aborts.values()) abort.abort(new DOMException('the agent stops', 'AbortError'))
  }

  #beginEnding(pod: Pod): void {
    const graceMs = graceOf(pod)
    const now = this.#node.clock.monotonicMs()
    const ending = this.#records.ending
    if (!ending) this.#records.ending = { sinceMonoMs: now, graceMs }
    // A second deletion may shorten the time, never lengthen it.
    else ending.graceMs = Math.min(ending.graceMs, Math.max(graceMs, 0))
  }

  #situation(): Situation {
    const { clock, view } = this.#node
    return {
      pod: this.#withReported(),
      gone: this.#gone,
      observed: view.get(this.uid),
      records: this.#records,
      nowMs: clock.now(),
      monoMs: clock.monotonicMs(),
    }
  }

  /** The pod with the status that we last reported, which the API may not have yet, and other writers' conditions. */
  #withReported(): Pod {
    const reported = this.#reported
    if (!reported) return this.#pod
    const foreign = (this.#pod.status?.conditions ?? []).filter(c => !ownConditions.has(c.type))
    const own = (reported.conditions ?? []).filter(c => ownConditions.has(c.type))
    return { ...this.#pod, status: { ...this.#pod.status, ...reported, conditions: [...own, ...foreign] } }
  }

  #decide(): void {
    const { view } = this.#node
    if (this.#records.cleaned && this.#gone) {
      this.#finished()
      return
    }
    if (this.#pod.metadata.deletionTimestamp && !this.#records.ending) this.#beginEnding(this.#pod)
    const containers = view.get(this.uid)?.containers ?? []
    this.#probes.look(containers)
    const { ended, applied, hooked, replaced, resized } = this.#records
    for (const known of [ended, applied, hooked, replaced, resized])
      for (const id of known.keys()) if (!containers.some(c => c.id === id)) known.delete(id)
    this.#considerResize()
    const situation = this.#situation()
    const { actions, wakeAtMonoMs } = decide(situation)
    for (const action of actions) this.#perform(action)
    this.#times?.look(this.#records.operations.size > 0, this.ending)
    this.#report(situation)
    this.#wakeAt(Math.min(wakeAtMonoMs, this.#nextStatusChange(situation)))
  }

  #report(situation: Situation): void {
    if (this.#gone) return
    const { observed, records } = situation
    // How a container ended is told with its last words or not at all.
    if (observed?.containers.some(c => c.state === 'exited' && !records.ended.has(c.id))) return
    if (records.cleaned) return
    const { runtime, hostIps, canRecurse, report } = this.#node
    const status = podStatus(situation, { hostIps: hostIps(), runtimeName: runtime.name, canRecurse: canRecurse() })
    tellBackOff(this.#node.events, this.#pod, this.#reported ?? this.#pod.status, status)
    this.#reported = status
    report(this.#pod, status)
    this.#times?.reported(this.#pod, status)
  }

  #nextStatusChange({ records, monoMs }: Situation): number {
    // Others may have made room meanwhile.
    let next = records.resize === 'Deferred' ? monoMs + deferredLookMs : Number.POSITIVE_INFINITY
    for (const { reason, atMonoMs } of records.failures.values())
      if (reason === 'ErrImagePull' && atMonoMs + 2_000 > monoMs) next = Math.min(next, atMonoMs + 2_000)
    return next
  }

  #wakeAt(atMonoMs: number): void {
    if (this.#timer?.atMonoMs === atMonoMs) return
    this.#timer?.cancel()
    this.#timer = undefined
    if (atMonoMs === Number.POSITIVE_INFINITY || this.#stopped) return
    const { clock } = this.#node
    const cancel = clock.schedule(Math.max(atMonoMs - clock.monotonicMs(), 0), () => {
      this.#timer = undefined
      this.poke()
    })
    this.#timer = { atMonoMs, cancel }
  }

  #perform(action: Action): void {
    if (action.type === 'cancel') {
      this.#aborts.get(action.key)?.abort(new DOMException('the pod ends', 'AbortError'))
      return
    }
    const key = operationKey(action)
    const { clock, view, log } = this.#node
    const abort = new AbortController()
    this.#aborts.set(key, abort)
    const now = clock.monotonicMs()
    this.#records.operations.set(key, {
      sinceMonoMs: now,
      ...(action.type === 'kill' ? { dueMonoMs: now + action.graceMs } : {}),
    })
    if (action.type === 'getImage') this.#times?.pullBegins()
    this.#runner
      .run(action, abort.signal)
      .then(
        () => void this.#records.failures.delete(key),
        error => {
          if (abort.signal.aborted) return
          if (!(error instanceof StepFailed))
            log.warn({ pod: this.uid, step: key, error: explain(error) }, 'step failed')
          const { count = 0 } = this.#records.failures.get(key) ?? {}
          tellFailure(this.#node, this.#pod, action, error, count + 1)
          const reason = error instanceof StepFailed ? error.reason : 'Error'
          this.#records.failures.set(key, {
            count: count + 1,
            atMonoMs: clock.monotonicMs(),
            reason,
            message: explain(error),
            ...(error instanceof StepFailed && error.volume !== undefined ? { volume: error.volume } : {}),
            ...(isRuntimeAway(error) ? { runtimeAway: true } : {}),
          })
        },
      )
      .then(() => (changesRuntime.has(action.type) ? view.refresh(this.uid) : undefined))
      .finally(() => {
        this.#records.operations.delete(key)
        if (action.type === 'getImage') this.#times?.pullEnds()
        this.#aborts.delete(key)
        this.poke()
      })
  }

  /** Asks the node for what the pod's definition now says; what was agreed before goes on until it agrees. */
  #considerResize(): void {
    const { allocated } = this.#records
    if (!wantsResize(this.#pod, this.#records)) {
      this.#records.resize = undefined
      return
    }
    this.#records.resize = this.#node.resizeProblem(this.#pod)
    if (this.#records.resize) return
    for (const { name, resources = {} } of this.#pod.spec.containers) allocated.set(name, resources)
  }

  #subject(): ActionSubject {
    const worker = this
    return {
      uid: this.uid,
      get pod() {
        return worker.#pod
      },
      get accounted() {
        return worker.accounted
      },
      get gone() {
        return worker.#gone
      },
      get facts() {
        return worker.#facts()
      },
      interrupt: (key, why) => this.#aborts.get(key)?.abort(new DOMException(why, 'AbortError')),
    }
  }

  #finished(): void {
    this.stop()
    this.#onFinished()
  }

  #facts(): PodFacts {
    const { view, hostIps, allocatable } = this.#node
    const ips = hostIps()
    const sandbox = newestSandbox(view.get(this.uid))
    return {
      pod: this.#pod,
      hostIps: ips,
      podIps: this.#pod.spec.hostNetwork ? ips : (sandbox?.ips ?? []),
      allocatable: allocatable(),
    }
  }
}

/** How often it is asked again for room that others have. */
const deferredLookMs = 5_000

/** What a pod gets whose record was taken away by force. */
const forcedGraceMs = 1_000

const ownConditions = new Set(['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'])
