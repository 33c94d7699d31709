import type { Cancel, Clock } from '../../base/clock.ts'
import type { Net } from '../../base/net.ts'
import type { Random } from '../../base/random.ts'
import type { Container, Pod, Probe } from '../../models/types/core-v1.ts'
import type { ContainerId, Runtime } from '../../runtime/runtime.ts'
import type { Answer } from './answer.ts'
import { ask, questionText } from './handlers.ts'
import type { ProbeMoments } from './probe-moments.ts'
import { newProbeState, nextLookMs, type ProbeState, type Purpose, settingsOf, takeAnswer } from './probe-state.ts'
import type { ProbeTally } from './probe-tally.ts'

export interface ProberOptions {
  runtime: Runtime
  net: Net
  clock: Clock
  random: Random
  /** Told of every answer. */
  tally: ProbeTally
  /** When it asks, with all others of the node. */
  moments: ProbeMoments
}

/** What the worker is told. */
export interface ProbeListener {
  /** A verdict changed. */
  changed(): void
  /** A startup or liveness probe says that the container must be ended. */
  kill(purpose: Purpose, probe: Probe): void
  /** One regular probe failed. */
  unhealthy(purpose: Purpose, output: string): void
  /** One passed, with something to tell. */
  warned(purpose: Purpose, warning: string): void
}

export interface ProbedContainer {
  pod: Pod
  container: Container
  id: ContainerId
  podIp: string
  /** What was last reported of this very container, when the agent takes over a running one. */
  before?: { started: boolean; ready: boolean } | undefined
}

/** Probes one container, from its start until `stop`. */
export class ContainerProber {
  readonly #options: ProberOptions
  readonly #about: ProbedContainer
  readonly #listener: ProbeListener
  readonly #timers = new Map<Purpose, Cancel>()
  readonly #states = new Map<Purpose, ProbeState>()
  #stopped = false

  constructor(options: ProberOptions, about: ProbedContainer, listener: ProbeListener) {
    this.#options = options
    this.#about = about
    this.#listener = listener
    const { startupProbe, readinessProbe, livenessProbe } = about.container
    const { before } = about
    if (startupProbe) this.#states.set('startup', newProbeState('startup'))
    if (readinessProbe) this.#states.set('readiness', newProbeState('readiness'))
    if (livenessProbe) this.#states.set('liveness', newProbeState('liveness'))
    if (before?.started) this.#setPassed('startup')
    if (before?.ready) this.#setPassed('readiness')
    if (startupProbe && !before?.started) this.#begin('startup', startupProbe)
    else this.#beginOthers()
  }

  get started(): boolean {
    const state = this.#states.get('startup')
    return !state || state.passed === true
  }

  get ready(): boolean {
    const state = this.#states.get('readiness')
    return this.started && (!state || state.passed === true)
  }

  stop() {
    this.#stopped = true
    for (const cancel of this.#timers.values()) cancel()
    this.#timers.clear()
  }

  #setPassed(purpose: Purpose) {
    const state = this.#states.get(purpose)
    if (state) state.passed = true
  }

  #beginOthers() {
    const { readinessProbe, livenessProbe } = this.#about.container
    if (readinessProbe) this.#begin('readiness', readinessProbe)
    if (livenessProbe) this.#begin('liveness', livenessProbe)
  }

  #begin(purpose: Purpose, probe: Probe) {
    const { initialDelayMs, periodMs } = settingsOf(probe)
    // Containers taken over after a restart of the agent are not all asked at the same moment.
    const spread = this.#about.before ? this.#options.random.next() * periodMs : 0
    const { moments } = this.#options
    if (this.#stopped) return
    this.#timers.set(
      purpose,
      moments.after(initialDelayMs + spread, () => void this.#run(purpose, probe)),
    )
  }

  #plan(purpose: Purpose, probe: Probe, delayMs: number) {
    if (this.#stopped) return
    const { moments } = this.#options
    this.#timers.set(
      purpose,
      moments.before(delayMs, () => void this.#run(purpose, probe)),
    )
  }

  async #run(purpose: Purpose, probe: Probe) {
    const state = this.#states.get(purpose)!
    const settings = settingsOf(probe)
    const { clock, tally } = this.#options
    const begunMs = clock.monotonicMs()
    const { ok, output, warning } = await this.#ask(purpose, probe, settings.timeoutMs)
    if (this.#stopped) return
    const { pod, container } = this.#about
    tally.note(pod, container.name, purpose, ok, (clock.monotonicMs() - begunMs) / 1000)
    const look = ok ? undefined : nextLookMs(state, settings, probe.exec === undefined)
    if (look !== undefined) {
      state.looks++
      this.#plan(purpose, probe, look)
      return
    }
    const wasReady = this.ready
    const verdict = takeAnswer(state, settings, ok)
    if (!ok) this.#listener.unhealthy(purpose, output)
    else if (warning !== undefined) this.#listener.warned(purpose, warning)
    if (verdict === 'failed' && purpose !== 'readiness') {
      this.stop()
      this.#listener.kill(purpose, probe)
      return
    }
    if (purpose === 'startup' && verdict === 'passed') {
      this.#beginOthers()
      this.#listener.changed()
      return
    }
    this.#plan(purpose, probe, settings.periodMs)
    if (this.ready !== wasReady) this.#listener.changed()
  }

  async #ask(purpose: Purpose, probe: Probe, timeoutMs: number): Promise<Answer> {
    const { runtime } = this.#options
    const { id, container, podIp } = this.#about
    // A runtime without a network answers for its containers.
    if (runtime.probe)
      return runtime
        .probe(id, { purpose, ...questionText(probe) })
        .catch((error: Error) => ({ ok: false, output: error.message }))
    return ask(this.#options, probe, { id, container, podIp }, timeoutMs)
  }
}
