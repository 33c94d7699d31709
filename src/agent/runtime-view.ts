import { type Cancel, type Clock, sleep } from '../base/clock.ts'
import { explain } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { ObservedPod, Runtime } from '../runtime/runtime.ts'
import type { AgentMetrics } from './metrics/agent-metrics.ts'

export interface RuntimeViewOptions {
  runtime: Runtime
  clock: Clock
  log: Logger
  /** How often everything is looked at even if the runtime reports nothing. */
  relistMs: number
  metrics?: AgentMetrics | undefined
  /** One pod, or all of them, may have changed. Called after the view has. */
  onChange: (podUid: string) => void
}

const retryMs = 250

/** Looks at one thing: one at a time; who asks while one is made waits for the next, so that many changes share one. */
interface Lane {
  looking: boolean
  /** Resolves when a look that began after the call is done. */
  next: { promise: Promise<void>; resolve(): void } | undefined
}

/**
 * What the runtime has, as of the last look. One pod is looked at when the runtime reports a change of it or when somebody
 * needs to see the effect of what he did; everything now and then, and when a change could be anywhere.
 */
export class RuntimeView {
  readonly #options: RuntimeViewOptions
  readonly #pods = new Map<string, ObservedPod>()
  readonly #texts = new Map<string, string>()
  readonly #all: Lane = { looking: false, next: undefined }
  readonly #lanes = new Map<string, Lane>()
  /** Pods that are looked at by themselves while everything is: what the larger look says of them may be older. */
  #overlapping: Set<string> | undefined
  readonly #stop = new AbortController()
  #unsubscribe: (() => void) | undefined
  #timer: Cancel | undefined
  #first: Promise<void>
  #firstDone!: () => void
  /** Why the runtime cannot be seen; undefined when it can. */
  problem: string | undefined
  /** Monotonic time of the last successful look. */
  seenAtMonoMs = Number.NEGATIVE_INFINITY

  constructor(options: RuntimeViewOptions) {
    this.#options = options
    this.#first = new Promise(resolve => {
      this.#firstDone = resolve
    })
  }

  /** Resolves after the first successful look. */
  async start(): Promise<void> {
    this.#unsubscribe = this.#options.runtime.onChange(uid => void this.refresh(uid))
    void this.refresh()
    await this.#first
  }

  stop(): void {
    this.#stop.abort(new DOMException('the agent stops', 'AbortError'))
    this.#unsubscribe?.()
    this.#timer?.()
    this.#firstDone()
    for (const lane of [this.#all, ...this.#lanes.values()]) lane.next?.resolve()
  }

  get(uid: string): ObservedPod | undefined {
    return this.#pods.get(uid)
  }

  all(): ObservedPod[] {
    return [...this.#pods.values()]
  }

  /** Resolves when the view shows at least all that was so at the time of the call, of one pod or of all. Never rejects. */
  refresh(podUid?: string): Promise<void> {
    if (this.#stop.signal.aborted) return Promise.resolve()
    const lane = this.#lane(podUid)
    if (!lane.next) {
      let resolve!: () => void
      const promise = new Promise<void>(done => {
        resolve = done
      })
      lane.next = { promise, resolve }
    }
    const { promise } = lane.next
    if (!lane.looking) void this.#run(lane, podUid)
    return promise
  }

  #lane(podUid: string | undefined): Lane {
    if (podUid === undefined) return this.#all
    let lane = this.#lanes.get(podUid)
    if (!lane) this.#lanes.set(podUid, (lane = { looking: false, next: undefined }))
    return lane
  }

  async #run(lane: Lane, podUid: string | undefined): Promise<void> {
    lane.looking = true
    const { signal } = this.#stop
    while (lane.next && !signal.aborted) {
      const waiting = lane.next
      lane.next = undefined
      if (podUid === undefined) await this.#lookAtAll()
      else await this.#lookAt(podUid)
      waiting.resolve()
    }
    lane.looking = false
    if (podUid !== undefined) this.#lanes.delete(podUid)
    else this.#lookAgain()
  }

  #lookAgain(): void {
    this.#timer?.()
    const { clock, relistMs } = this.#options
    if (!this.#stop.signal.aborted) this.#timer = clock.schedule(relistMs, () => void this.refresh())
  }

  async #lookAt(podUid: string): Promise<void> {
    this.#overlapping?.add(podUid)
    const found = await this.#observe(podUid)
    if (found) this.#take(podUid, found[0])
  }

  async #lookAtAll(): Promise<void> {
    const overlapping = new Set(this.#lanes.keys())
    this.#overlapping = overlapping
    const { clock, metrics } = this.#options
    const began = clock.monotonicMs()
    const found = await this.#observe()
    this.#overlapping = undefined
    if (!found) return
    metrics?.relisted(began, clock.monotonicMs())
    const pods = new Map(found.map(pod => [pod.uid, pod]))
    for (const uid of new Set([...pods.keys(), ...this.#pods.keys()]))
      if (!overlapping.has(uid)) this.#take(uid, pods.get(uid))
    this.#firstDone()
    await Promise.all([...overlapping].map(uid => this.refresh(uid)))
  }

  /** Again until the runtime answers. @returns undefined when the agent stops */
  async #observe(podUid?: string): Promise<ObservedPod[] | undefined> {
    const { runtime, clock, log } = this.#options
    const { signal } = this.#stop
    while (!signal.aborted)
      try {
        const pods = await runtime.observe(podUid)
        this.problem = undefined
        this.seenAtMonoMs = clock.monotonicMs()
        return pods
      } catch (error) {
        if (!this.problem) log.warn({ error: explain(error) }, 'runtime cannot be seen')
        this.problem = explain(error)
        await sleep(clock, retryMs, signal).catch(() => {})
      }
    return undefined
  }

  #take(uid: string, pod: ObservedPod | undefined): void {
    const text = pod && stateText(pod)
    const changed = this.#texts.get(uid) !== text
    if (pod) this.#pods.set(uid, pod)
    else this.#pods.delete(uid)
    if (text === undefined) this.#texts.delete(uid)
    else this.#texts.set(uid, text)
    if (changed) this.#options.onChange(uid)
  }
}

/** All of a pod that decisions rest on, to see whether it changed. */
function stateText(pod: ObservedPod): string {
  let text = ''
  for (const s of pod.sandboxes) text += `${s.id} ${s.state} ${s.ips.join(',')};`
  for (const c of pod.containers)
    text += `${c.id} ${c.state} ${c.startedAtMs ?? ''} ${c.finishedAtMs ?? ''} ${c.exitCode ?? ''};`
  return text
}
