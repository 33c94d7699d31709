import type { Logger } from '../base/logger.ts'
import type { EventRecorder } from '../client/index.ts'
import type { Nominations } from './nominations.ts'
import type { PodInfo } from './pod-class.ts'
import type { PodWriter } from './pod-writer.ts'
import type { Eviction } from './preemption.ts'

export interface PreemptorOptions {
  nominations: Nominations
  writer: PodWriter
  events: EventRecorder
  log: Logger
  /** So many pods are asked to end. */
  counted(victims: number): void
  /** It is this pod's turn at once. */
  hurry(uid: string): void
  /** Follows work that nobody waits for. */
  track(work: Promise<unknown>): void
}

/** Carries out evictions, and knows who waits for whom to end. */
export class Preemptor {
  readonly #options: PreemptorOptions
  /** By pod, those that are ending to make room for it. */
  readonly #awaited = new Map<string, Set<string>>()

  constructor(options: PreemptorOptions) {
    this.#options = options
  }

  /** Room is being made for the pod already. */
  awaits(uid: string): boolean {
    return (this.#awaited.get(uid)?.size ?? 0) > 0
  }

  forget(uid: string): void {
    this.#awaited.delete(uid)
  }

  /** Whoever waited for this one to end, and for nobody else, has its turn. */
  gone(victim: string, node: string): void {
    for (const { uid } of [...this.#options.nominations.on(node)]) {
      const left = this.#awaited.get(uid)
      left?.delete(victim)
      if (left?.size) continue
      this.#awaited.delete(uid)
      this.#options.hurry(uid)
    }
  }

  async preempt(info: PodInfo, { node, victims }: Eviction, schedulerName: string): Promise<void> {
    const { nominations, writer, counted, hurry, track } = this.#options
    // Whoever matters less and was promised the same node has to look for another one.
    for (const other of [...nominations.on(node.name)])
      if (other.priority < info.priority) {
        nominations.delete(other.uid)
        track(writer.clearNomination(other))
      }
    const chosen = victims.filter(v => !v.class.terminating)
    counted(chosen.length)
    this.#awaited.set(info.uid, new Set(victims.map(v => v.uid)))
    try {
      await Promise.all(chosen.map(victim => this.#evict(victim, info, node.name, schedulerName)))
    } catch (error) {
      // Not all of them will end: it looks for room anew.
      this.forget(info.uid)
      hurry(info.uid)
      throw error
    }
  }

  async #evict(victim: PodInfo, info: PodInfo, node: string, schedulerName: string): Promise<void> {
    const { writer, events, log } = this.#options
    log.info({ victim: victim.keyText, pod: info.keyText, node }, 'pod preempted')
    await writer.evict(victim, schedulerName)
    events.normal(victim.pod, 'Preempted', `Preempted by pod ${info.uid} on node ${node}`, 'Preempting')
  }
}
