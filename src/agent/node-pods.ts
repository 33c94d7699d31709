import { type Clock, sleep } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Pod } from '../models/kinds/core/pod.ts'
import type { ObservedPod } from '../runtime/runtime.ts'
import type { AgentMetrics } from './metrics/agent-metrics.ts'
import { admit, type NodeFacts, resizeProblem } from './pod/admission.ts'
import { isCritical } from './pod/critical.ts'
import { ghostOf } from './pod/ghost.ts'
import type { NodeContext } from './pod/node-context.ts'
import { podsToPreempt } from './pod/preemption.ts'
import type { Rejection, ResizeVerdict } from './pod/rejection.ts'
import { Steps } from './pod/steps.ts'
import { PodWorker } from './pod/worker.ts'
import type { PodMemory } from './pod-memory.ts'
import type { PodSource } from './pod-source.ts'
import type { RuntimeView } from './runtime-view.ts'
import type { WorkedPod } from './serving/pod-counts.ts'
import { isMirror, type Mirrors } from './static/mirrors.ts'

export interface NodePodsOptions {
  nodeName: string
  clock: Clock
  log: Logger
  view: RuntimeView
  memory: PodMemory | undefined
  metrics?: AgentMetrics | undefined
  /** Records in the API of pods that are defined on the node itself. */
  mirrors: Mirrors
  facts(): NodeFacts
  /** Nothing of the pod is left on the node. */
  finished(uid: string): void
}

/** How often it is looked whether the pods that make room are gone. */
const roomLookMs = 100
/** How long a start waits for the server before it goes on without. */
const patienceMs = 3_000

/** The pods of one node and their workers: from the API, from the node's own folder, and what runs here and is in neither. */
export class NodePods {
  readonly workers = new Map<string, PodWorker>()
  readonly #options: NodePodsOptions
  /** Pods that the API told of, by uid. */
  readonly #seen = new Set<string>()
  /** Pods defined on the node itself, by uid. */
  readonly #static = new Set<string>()
  /** Pods of the node's own folder that wait until an older one of the same name is gone, by namespace/name. */
  readonly #waiting = new Map<string, Pod>()
  /** Critical pods that wait until others are gone for them, by uid, as last known. */
  readonly #makingRoom = new Map<string, Pod>()
  readonly #stop = new AbortController()
  #context: NodeContext | undefined
  #complete = false

  constructor(options: NodePodsOptions) {
    this.#options = options
  }

  /** All that the API knows has been heard. */
  get complete(): boolean {
    return this.#complete
  }

  /** Pods that take room on the node. */
  get active(): Pod[] {
    return [...this.workers.values()].filter(worker => worker.active).map(worker => worker.accounted)
  }

  /** What the node is at with each pod. */
  get worked(): WorkedPod[] {
    return [...this.workers.values()].map(({ uid, gone, lifecycle, active }) => {
      const isStatic = this.#static.has(uid)
      const config = !gone ? 'desired' : isStatic || this.#seen.has(uid) ? 'orphan' : 'runtime_only'
      return { lifecycle, config, static: isStatic, active }
    })
  }

  /** Why a pod that runs here does not get the resources that it now asks for. */
  resizeProblem(pod: Pod): ResizeVerdict | undefined {
    const others = this.active.filter(other => other.metadata.uid !== pod.metadata.uid)
    return resizeProblem(pod, others, this.#options.facts())
  }

  /** Workers are made from here on. */
  begin(context: NodeContext): void {
    this.#context = context
  }

  stop(): void {
    this.#stop.abort(new DOMException('the agent stops', 'AbortError'))
    for (const worker of this.workers.values()) worker.stop()
    this.workers.clear()
  }

  /**
   * Takes what the source tells, once it is complete; while the server is away, what is remembered.
   * @param ready all that pods refer to is known too
   * @returns ends it
   */
  async follow(source: PodSource, ready: Promise<unknown>, signal: AbortSignal): Promise<() => void> {
    let complete = false
    const done = ready.then(
      () => void (complete = true),
      () => {},
    )
    await Promise.race([done, sleep(this.#options.clock, patienceMs, signal).catch(() => {})])
    if (signal.aborted) return () => {}
    if (!complete) await this.#takeRemembered()
    await done
    if (signal.aborted) return () => {}
    const end = source.subscribe(this.#options.nodeName, {
      added: pod => this.#see(pod),
      updated: pod => this.#see(pod),
      deleted: pod => this.#unsee(pod),
    })
    this.#complete = true
    for (const [uid, worker] of this.workers) if (!this.#seen.has(uid) && !this.#static.has(uid)) worker.remove()
    for (const observed of this.#options.view.all()) this.#endOrphan(observed)
    return end
  }

  /** Takes out what is left of a pod that an agent before us looked after. */
  tearDown(uid: string): Promise<void> {
    return new Steps(this.#context!).tearDown(uid)
  }

  /** The runtime has something new of this pod. */
  changed(uid: string): void {
    const worker = this.workers.get(uid)
    if (worker) worker.poke()
    else if (this.#complete) {
      const observed = this.#options.view.get(uid)
      if (observed) this.#endOrphan(observed)
    }
  }

  /** Runs a pod that is defined on the node itself. */
  addStatic(pod: Pod): void {
    const uid = pod.metadata.uid!
    if (this.#static.has(uid)) return
    const older = [...this.workers.values()].some(w => this.#static.has(w.uid) && nameOf(w.pod) === nameOf(pod))
    if (older) {
      this.#waiting.set(nameOf(pod), pod)
      return
    }
    this.#static.add(uid)
    this.#options.mirrors.add(pod)
    this.#take(pod)
  }

  /** Its file is gone, or says something else by now. */
  removeStatic(pod: Pod): void {
    if (this.#waiting.get(nameOf(pod))?.metadata.uid === pod.metadata.uid) this.#waiting.delete(nameOf(pod))
    const uid = pod.metadata.uid!
    const worker = this.workers.get(uid)
    if (worker) this.#options.mirrors.end(pod)
    else this.#options.mirrors.remove(pod)
    if (this.#makingRoom.delete(uid) && this.#static.delete(uid)) this.#startWaiting(nameOf(pod))
    worker?.remove(withItsGrace(pod))
  }

  /** While the server is away, pods that run here are looked after as they were last known. */
  async #takeRemembered(): Promise<void> {
    const { memory, log, nodeName, view } = this.#options
    if (!memory) return
    log.warn({ node: nodeName }, 'the server does not answer; pods go on as last known')
    for (const pod of await memory.pods())
      if (view.get(pod.metadata.uid!) && !this.workers.has(pod.metadata.uid!)) this.#take(pod)
  }

  #see(pod: Pod): void {
    if (isMirror(pod)) {
      this.#options.mirrors.seen(pod)
      return
    }
    const uid = pod.metadata.uid!
    this.#seen.add(uid)
    this.#options.memory?.keep(pod)
    const worker = this.workers.get(uid)
    if (worker) worker.update(pod)
    else if (this.#makingRoom.has(uid)) this.#makingRoom.set(uid, pod)
    else this.#take(pod)
  }

  #unsee(pod: Pod): void {
    if (isMirror(pod)) {
      this.#options.mirrors.gone(pod)
      return
    }
    const uid = pod.metadata.uid!
    if (this.#makingRoom.delete(uid)) this.#seen.delete(uid)
    this.workers.get(uid)?.remove(pod)
  }

  #take(pod: Pod): void {
    const uid = pod.metadata.uid!
    const observed = this.#options.view.get(uid)
    const phase = pod.status?.phase
    const over = phase === 'Failed' || phase === 'Succeeded'
    // What already runs here, or has run, has been admitted before.
    const known = observed !== undefined || over || pod.metadata.deletionTimestamp !== undefined
    let refused = known ? undefined : admit(pod, this.active, this.#options.facts())
    if (refused?.shortage && isCritical(pod)) {
      const lesser = podsToPreempt(pod, this.active, refused.shortage)
      if (lesser) {
        this.#options.metrics?.roomMade([...refused.shortage.keys()][0] ?? '')
        void this.#makeRoom(pod, lesser)
        return
      }
      refused = noRoom(refused.shortage)
    }
    const noShare = over || refused ? undefined : this.#share(pod, known)
    const rejection = refused ?? (known ? undefined : noShare)
    if (rejection) this.#options.metrics?.podRejected(rejection.reason)
    this.#work(pod, { gone: false, takeOver: observed !== undefined, rejection })
  }

  /** Has others end, and takes the pod when they have. */
  async #makeRoom(pod: Pod, lesser: readonly Pod[]): Promise<void> {
    const { clock, log } = this.#options
    const uid = pod.metadata.uid!
    this.#makingRoom.set(uid, pod)
    const workers = lesser.flatMap(({ metadata }) => this.workers.get(metadata.uid!) ?? [])
    for (const worker of workers) {
      log.info({ pod: nameOf(worker.pod), for: nameOf(pod) }, 'ending a pod so that a critical one finds room')
      worker.preempt()
    }
    try {
      while (this.#makingRoom.has(uid) && workers.some(worker => worker.active && this.workers.has(worker.uid)))
        await sleep(clock, roomLookMs, this.#stop.signal)
    } catch {
      return
    }
    const latest = this.#makingRoom.get(uid)
    this.#makingRoom.delete(uid)
    if (latest) this.#take(latest)
  }

  /** Gives the pod what its containers have for themselves. @param known it was placed before */
  #share(pod: Pod, known: boolean): Rejection | undefined {
    return this.#context!.shares()?.admit(pod, known)
  }

  #work(pod: Pod, about: { gone: boolean; takeOver: boolean; rejection?: Rejection | undefined }): void {
    const uid = pod.metadata.uid!
    const onFinished = () => {
      this.workers.delete(uid)
      this.#seen.delete(uid)
      this.#options.finished(uid)
      if (!this.#static.delete(uid)) return
      this.#options.mirrors.remove(pod)
      this.#startWaiting(nameOf(pod))
    }
    this.workers.set(uid, new PodWorker(this.#context!, pod, { ...about, onFinished }))
  }

  #startWaiting(name: string): void {
    const next = this.#waiting.get(name)
    this.#waiting.delete(name)
    if (next) this.addStatic(next)
  }

  /** A pod that runs here although the API does not know it: deleted while we were away. */
  #endOrphan(observed: ObservedPod): void {
    if (this.workers.has(observed.uid)) return
    this.#options.log.info({ pod: `${observed.namespace}/${observed.name}` }, 'ending a pod that was deleted')
    this.#options.metrics?.orphanFound()
    this.#work(ghostOf(observed), { gone: true, takeOver: true })
  }
}

function noRoom(shortage: ReadonlyMap<string, number>): Rejection {
  const missing = [...shortage].map(([name, amount]) => `(res: ${name}, q: ${amount}), `).join('')
  return {
    reason: 'UnexpectedAdmissionError',
    message: `Pod was rejected: Unexpected error while attempting to recover from admission failure: preemption: error finding a set of pods to preempt: no set of running pods found to reclaim resources: [${missing}]`,
  }
}

const nameOf = ({ metadata }: Pod) => `${metadata.namespace}/${metadata.name}`

/** Nobody deleted it in the API, so it has all the time that its definition gives it. */
const withItsGrace = (pod: Pod): Pod => ({
  ...pod,
  metadata: { ...pod.metadata, deletionGracePeriodSeconds: pod.spec.terminationGracePeriodSeconds ?? 30 },
})
