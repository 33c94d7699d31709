import type { Clock } from '../../base/clock.ts'
import type { Pod, PodStatus } from '../../models/types/core-v1.ts'
import type { AgentMetrics } from './agent-metrics.ts'

/** How long one pod takes to come up, and each bout of work on it, told to the node's metrics. */
export class PodTimes {
  readonly #metrics: AgentMetrics
  readonly #clock: Clock
  readonly #seenAtMonoMs: number
  #work: { sinceMonoMs: number } | undefined
  #workedBefore: boolean
  #runs: boolean
  #started: boolean
  #pulls: { beganMonoMs: number; endedMonoMs: number } | undefined

  /** @param known the pod was taken care of before, perhaps by another agent: how long it took to start is not known */
  constructor(metrics: AgentMetrics, clock: Clock, known: boolean) {
    this.#metrics = metrics
    this.#clock = clock
    this.#seenAtMonoMs = clock.monotonicMs()
    this.#workedBefore = known
    this.#runs = known
    this.#started = known
  }

  /** @param spec as the pod was seen first */
  seen({ containers }: Pod['spec']): void {
    if (!this.#workedBefore) this.#metrics.podSeen(containers.length)
  }

  /** After each decision. @param busy steps are under way */
  look(busy: boolean, ending: boolean): void {
    if (busy === (this.#work !== undefined)) return
    if (busy) {
      this.#work = { sinceMonoMs: this.#clock.monotonicMs() }
      return
    }
    const kind = ending ? 'kill' : this.#workedBefore ? 'sync' : 'create'
    this.#metrics.worked(kind, this.#secondsSince(this.#work!.sinceMonoMs))
    this.#workedBefore = true
    this.#work = undefined
  }

  pullBegins(): void {
    const now = this.#clock.monotonicMs()
    this.#pulls ??= { beganMonoMs: now, endedMonoMs: now }
  }

  pullEnds(): void {
    if (this.#pulls) this.#pulls.endedMonoMs = this.#clock.monotonicMs()
  }

  /** A status was handed on. */
  reported({ metadata, spec }: Pod, { phase, containerStatuses = [] }: PodStatus): void {
    if (this.#runs && this.#started) return
    // One that is over before it was seen to run says nothing of how long a start takes.
    if (phase === 'Failed' || phase === 'Succeeded') this.#runs = this.#started = true
    if (!this.#runs && phase === 'Running') {
      this.#runs = true
      this.#metrics.podRuns(this.#secondsSince(this.#seenAtMonoMs))
    }
    if (this.#started || !containerStatuses.length || containerStatuses.some(({ state }) => !state?.running)) return
    this.#started = true
    const totalSeconds = (this.#clock.now() - Date.parse(metadata.creationTimestamp ?? '')) / 1000
    if (!Number.isFinite(totalSeconds)) return
    const { beganMonoMs, endedMonoMs } = this.#pulls ?? { beganMonoMs: 0, endedMonoMs: 0 }
    const pullSeconds = (endedMonoMs - beganMonoMs) / 1000
    this.#metrics.podStarted({ hostNetwork: spec.hostNetwork === true, totalSeconds, pullSeconds })
  }

  #secondsSince(monoMs: number): number {
    return (this.#clock.monotonicMs() - monoMs) / 1000
  }
}
