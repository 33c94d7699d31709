import { timeText } from '../../base/clock.ts'
import type { RecommendationCheckpoint } from '../../models/types/optiflow-v1.ts'
import { byteScale, coreScale, DecayingHistogram } from './decaying-histogram.ts'

/** Of memory the highest value of so long counts, of each container of each pod. */
const peakWindowMs = 24 * 3_600_000
/** A container that asks for little has a say nevertheless. */
const leastWeight = 0.1

interface Peak {
  bytes: number
  endMs: number
}

/** What the containers of one name of all pods of a workload have used. */
export class ContainerHistory {
  readonly cpu: DecayingHistogram
  readonly memory: DecayingHistogram
  samples: number
  /** Wall time; 0 before the first. */
  firstMs: number
  lastMs: number
  /** By uid of the pod. Not kept over a restart: the day's peak then counts twice at most. */
  readonly #peaks = new Map<string, Peak>()

  constructor(saved?: RecommendationCheckpoint) {
    this.cpu = DecayingHistogram.restore(coreScale, saved?.cpuHistogram)
    this.memory = DecayingHistogram.restore(byteScale, saved?.memoryHistogram)
    this.samples = Number(saved?.totalSamplesCount ?? 0)
    this.firstMs = Date.parse(saved?.firstSampleStart ?? '') || 0
    this.lastMs = Date.parse(saved?.lastSampleStart ?? '') || 0
  }

  /** @param requestedCores what the container asks for: the larger, the more it counts */
  addCpu(cores: number, requestedCores: number, atMs: number): void {
    this.cpu.add(cores, Math.max(requestedCores, leastWeight), atMs)
    this.samples++
    this.firstMs ||= atMs
    this.lastMs = Math.max(this.lastMs, atMs)
  }

  /** Replaces what is known of the pod's day if it is more. */
  addMemory(podUid: string, bytes: number, atMs: number): void {
    const peak = this.#peaks.get(podUid)
    if (!peak || atMs >= peak.endMs) {
      const begun = peak ? Math.floor((atMs - peak.endMs) / peakWindowMs + 1) * peakWindowMs : peakWindowMs
      const endMs = (peak?.endMs ?? atMs) + begun
      this.memory.add(bytes, 1, endMs)
      this.#peaks.set(podUid, { bytes, endMs })
    } else if (bytes > peak.bytes) {
      this.memory.subtract(peak.bytes, 1, peak.endMs)
      this.memory.add(bytes, 1, peak.endMs)
      peak.bytes = bytes
    }
  }

  /** It was ended for want of memory, having had `hadBytes`: it needs a fifth more, 100 MiB at least. */
  outOfMemory(podUid: string, hadBytes: number, atMs: number): void {
    const had = Math.max(hadBytes, this.#peaks.get(podUid)?.bytes ?? 0)
    this.addMemory(podUid, Math.max(had * 1.2, had + 100 * 2 ** 20), atMs)
  }

  /** Pods that are gone have no more peaks. */
  keepPods(uids: ReadonlySet<string>): void {
    for (const uid of this.#peaks.keys()) if (!uids.has(uid)) this.#peaks.delete(uid)
  }

  save(containerName: string): RecommendationCheckpoint {
    return {
      containerName,
      cpuHistogram: this.cpu.save(),
      memoryHistogram: this.memory.save(),
      firstSampleStart: timeText(this.firstMs),
      lastSampleStart: timeText(this.lastMs),
      totalSamplesCount: this.samples,
    }
  }
}
