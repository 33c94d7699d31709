import { join } from 'node:path'
import { explain } from '../../base/errors.ts'
import type { EventRecorder } from '../../client/index.ts'
import type { Node } from '../../models/types/core-v1.ts'
import type { PodGroups } from '../cgroup/pod-groups.ts'
import type { Reclaimable } from '../chores.ts'
import { inTime } from '../in-time.ts'
import type { AgentOptions } from '../options.ts'
import { isCritical } from '../pod/critical.ts'
import type { PodWorker } from '../pod/worker.ts'
import { type Held, heldBy } from './filesystems.ts'
import { type NodeLook, observeNode, runtimePatienceMs } from './observe.ts'
import { type EvictionReason, hasLocalLimits, localLimitProblem } from './own-limits.ts'
import { assess, isMet, noPressure, type PressureCondition, starvedOf } from './pressure.ts'
import { evictionMessage, rank } from './ranking.ts'
import { parseThresholds, type Threshold, withAllocatable } from './thresholds.ts'
import { localUse, type Measured, usesOf } from './usage.ts'

export interface EvictorOptions extends AgentOptions {
  events: EventRecorder
  groups: PodGroups | undefined
  workers: ReadonlyMap<string, PodWorker>
  /** Frees disk without ending a pod. */
  reclaimDisk(what: Reclaimable): Promise<void>
  node(): Node | undefined
}

/** A pod that must go at once still gets a moment. */
const atOnceMs = 1_000
/** The next pod is ended when this one is gone, or when it took so long. */
const patienceMs = 30_000
const defaultTransitionMs = 300_000

/** Ends pods while the node runs short of memory, disk or processes, one at a time, so that the node survives. */
export class Evictor {
  readonly #options: EvictorOptions
  readonly #thresholds: Threshold[]
  readonly #measured: Measured
  #memory = noPressure
  #under: PodWorker | undefined
  #underSinceMonoMs = 0
  /** What the node is short of now, or was until lately. */
  conditions: readonly PressureCondition[] = []

  /** @throws BadThreshold */
  constructor(options: EvictorOptions) {
    this.#options = options
    const thresholds = parseThresholds(options.eviction ?? {})
    this.#thresholds = options.groups ? withAllocatable(thresholds) : thresholds
    this.#measured = { ...options, logFolder: options.logFolder ?? join(options.folder, 'logs') }
  }

  /** Looks once and does what is to be done. Never rejects. @returns whether the conditions changed */
  async look(): Promise<boolean> {
    const before = this.conditions.join()
    try {
      await this.#look()
    } catch (error) {
      this.#options.log.error({ error: explain(error) }, 'the node’s pressure was not looked at')
    }
    return this.conditions.join() !== before
  }

  async #look(): Promise<void> {
    const { clock, eviction } = this.#options
    const look = await observeNode(this.#options)
    const transitionMs = eviction?.transitionMs ?? defaultTransitionMs
    const { memory, conditions, due } = assess(
      this.#memory,
      this.#thresholds,
      look.observations,
      clock.monotonicMs(),
      transitionMs,
    )
    this.#memory = memory
    this.conditions = conditions
    if (await this.#endThoseBeyondTheirLimits(look)) return
    if (due.length) await this.#relieve(due[0]!, look)
  }

  /** A pod that uses more local storage than its own limits say ends, however much the node has. */
  async #endThoseBeyondTheirLimits({ filesystems }: NodeLook): Promise<boolean> {
    const limited = this.#candidates().filter(({ pod }) => hasLocalLimits(pod))
    if (!limited.length) return false
    // What is elsewhere takes nothing of what the limits are about.
    const held = heldBy('nodefs.available', filesystems)
    const { clock, runtime } = this.#options
    const stats = (await inTime(clock, runtimePatienceMs, runtime.stats())) ?? []
    let ended = false
    for (const worker of limited) {
      const { pod } = worker
      const usage = stats.find(s => s.uid === pod.metadata.uid)
      const problem = localLimitProblem(pod, await localUse(pod, usage, this.#measured, held))
      if (problem === undefined) continue
      this.#evict(worker, problem, atOnceMs, false)
      ended = true
    }
    return ended
  }

  async #relieve(threshold: Threshold, { observations, filesystems }: NodeLook): Promise<void> {
    const { events, node, log } = this.#options
    const starved = starvedOf[threshold.signal]
    const about = node()
    if (about) events.warning(about, 'EvictionThresholdMet', `Attempting to reclaim ${starved}`)
    const held = heldBy(threshold.signal, filesystems)
    if ((starved === 'ephemeral-storage' || starved === 'inodes') && (await this.#reclaimed(held))) return
    if (this.#isWaiting()) return
    const workers = this.#candidates()
    const ranked = rank(
      starved,
      await usesOf(
        workers.map(w => w.pod),
        this.#measured,
        held,
      ),
    )
    const [first] = ranked
    if (!first) {
      log.warn({ starved }, 'the node runs short and has no pod that may be ended')
      return
    }
    const worker = workers.find(w => w.pod === first.pod)!
    const graceMs = threshold.hard ? atOnceMs : this.#softGraceMs(worker)
    const { signal } = threshold
    this.#evict(worker, { signal, message: evictionMessage(threshold, observations, first) }, graceMs, true)
    this.#under = worker
    this.#underSinceMonoMs = this.#options.clock.monotonicMs()
  }

  /** Frees what nobody uses. @returns true when that was enough */
  async #reclaimed({ layers: containers, images }: Held): Promise<boolean> {
    if (!containers && !images) return false
    await this.#options.reclaimDisk({ containers, images })
    const { observations } = await observeNode(this.#options)
    return !this.#thresholds.some(threshold => isMet(threshold, observations, true))
  }

  #softGraceMs({ pod }: PodWorker): number {
    const own = (pod.spec.terminationGracePeriodSeconds ?? 30) * 1000
    return Math.min(own, this.#options.eviction?.maxPodGraceMs ?? own)
  }

  #candidates(): PodWorker[] {
    return [...this.#options.workers.values()].filter(w => w.active && !w.ending && !isCritical(w.pod))
  }

  /** What the last one frees shows only when it is gone. */
  #isWaiting(): boolean {
    const { clock, workers } = this.#options
    const under = this.#under
    if (!under?.active || !workers.has(under.uid)) return false
    return clock.monotonicMs() - this.#underSinceMonoMs < patienceMs
  }

  #evict(worker: PodWorker, why: EvictionReason, graceMs: number, disrupted: boolean): void {
    const { events, log, metrics } = this.#options
    const { signal, message } = why
    metrics?.evicted(signal)
    const { namespace, name } = worker.pod.metadata
    log.warn({ pod: `${namespace}/${name}`, message }, 'pod evicted')
    events.warning(worker.pod, 'Evicted', message)
    worker.evict({ reason: 'Evicted', message, graceMs, disrupted })
  }
}
