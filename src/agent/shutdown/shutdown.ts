import { type Clock, sleep } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { PodWorker } from '../pod/worker.ts'
import { type ShutdownStep, shutdownOrder } from './plan.ts'

export interface ShutdownOptions {
  clock: Clock
  log: Logger
  steps: readonly ShutdownStep[]
  workers: ReadonlyMap<string, PodWorker>
  /** The node is shown as going down, and takes no more pods. */
  announce(): Promise<void>
}

const lookMs = 100

const message = 'Pod was terminated in response to imminent node shutdown.'

/** Ends the pods of a machine that goes down, the least important first, each group within its time. */
export class NodeShutdown {
  readonly #options: ShutdownOptions
  #begun = false
  #done: Promise<void> | undefined

  constructor(options: ShutdownOptions) {
    this.#options = options
  }

  get begun(): boolean {
    return this.#begun
  }

  /** All the time that pods get. */
  get totalMs(): number {
    return this.#options.steps.reduce((sum, step) => sum + step.graceMs, 0)
  }

  /** Resolves when no pod runs any more, or all the time is used up. */
  begin(): Promise<void> {
    this.#begun = true
    this.#done ??= this.#end()
    return this.#done
  }

  async #end(): Promise<void> {
    const { workers, steps, log, announce } = this.#options
    const active = [...workers.values()].filter(worker => worker.active)
    log.warn({ pods: active.length }, 'the machine goes down, ending its pods')
    const announced = announce()
    for (const { graceMs, those } of shutdownOrder(active, steps)) {
      for (const worker of those) {
        const own = (worker.pod.spec.terminationGracePeriodSeconds ?? 30) * 1000
        worker.evict({ reason: 'Terminated', message, graceMs: Math.min(own, graceMs), disrupted: true })
      }
      await this.#wait(those, graceMs)
    }
    await announced
  }

  async #wait(those: readonly PodWorker[], graceMs: number): Promise<void> {
    const { clock } = this.#options
    const end = clock.monotonicMs() + graceMs
    while (those.some(worker => worker.active) && clock.monotonicMs() < end) await sleep(clock, lookMs)
  }
}
