import { type Cancel, type Clock, sleep } from '../base/clock.ts'
import { explain } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { ObservedPod, Runtime } from '../runtime/runtime.ts'

export interface RuntimeViewOptions {
  runtime: Runtime
  clock: Clock
  log: Logger
  /** How often everything is looked at even if the runtime reports nothing. */
  relistMs: number
  /** One pod, or all of them, may have changed. Called after the view has. */
  onChange: (podUid: string) => void
}

const retryMs = 1_000

/**
 * What the runtime has, as of the last look. Looks are made when the runtime reports a change, when somebody needs to see
 * the effect of what he did, and now and then; one at a time, so that many changes share one.
 */
export class RuntimeView {
  readonly #options: RuntimeViewOptions
  #pods = new Map<string, ObservedPod>()
  #texts = new Map<string, string>()
  /** Resolves when a look that began after the call is done. */
  #next: { promise: Promise<void>; resolve(): void } | undefined
  #looking = false
  #stop = new AbortController()
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
    this.#unsubscribe = this.#options.runtime.onChange(() => void this.refresh())
    void this.refresh()
    await this.#first
  }

  stop(): void {
    this.#stop.abort(new DOMException('the agent stops', 'AbortError'))
    this.#unsubscribe?.()
    this.#timer?.()
    this.#firstDone()
    this.#next?.resolve()
  }

  get(uid: string): ObservedPod | undefined {
    return this.#pods.get(uid)
  }

  all(): ObservedPod[] {
    return [...this.#pods.values()]
  }

  /** Resolves when the view shows at least all that was so at the time of the call. Never rejects. */
  refresh(): Promise<void> {
    if (this.#stop.signal.aborted) return Promise.resolve()
    if (!this.#next) {
      let resolve!: () => void
      const promise = new Promise<void>(done => {
        resolve = done
      })
      this.#next = { promise, resolve }
    }
    const { promise } = this.#next
    if (!this.#looking) void this.#look()
    return promise
  }

  async #look(): Promise<void> {
    this.#looking = true
    const { signal } = this.#stop
    while (this.#next && !signal.aborted) {
      const waiting = this.#next
      this.#next = undefined
      while (!signal.aborted) {
        try {
          const pods = await this.#options.runtime.observe()
          this.problem = undefined
          this.seenAtMonoMs = this.#options.clock.monotonicMs()
          this.#take(pods)
          break
        } catch (error) {
          if (!this.problem) this.#options.log.warn({ error: explain(error) }, 'runtime cannot be seen')
          this.problem = explain(error)
          await sleep(this.#options.clock, retryMs, signal).catch(() => {})
        }
      }
      waiting.resolve()
      this.#firstDone()
    }
    this.#looking = false
    this.#timer?.()
    if (!signal.aborted) this.#timer = this.#options.clock.schedule(this.#options.relistMs, () => void this.refresh())
  }

  #take(list: ObservedPod[]): void {
    const pods = new Map(list.map(pod => [pod.uid, pod]))
    const texts = new Map<string, string>()
    const changed: string[] = []
    for (const pod of list) {
      const text = stateText(pod)
      texts.set(pod.uid, text)
      if (this.#texts.get(pod.uid) !== text) changed.push(pod.uid)
    }
    for (const uid of this.#pods.keys()) if (!pods.has(uid)) changed.push(uid)
    this.#pods = pods
    this.#texts = texts
    for (const uid of changed) this.#options.onChange(uid)
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
