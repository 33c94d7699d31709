import { timeText } from '../../base/clock.ts'
import type { RecommendationHistogram } from '../../models/types/optiflow-v1.ts'

/** Into which buckets values are sorted: the first ends at `firstBucket`, each is 5 % wider than the one before. */
export interface Scale {
  /** Width of the first bucket, in the unit of the values. */
  firstBucket: number
  /** Values above it count as it. */
  most: number
}

/** Cores: from a hundredth to a thousand. */
export const coreScale: Scale = { firstBucket: 0.01, most: 1_000 }
/** Bytes: from ten million to a million million. */
export const byteScale: Scale = { firstBucket: 1e7, most: 1e12 }

const growth = 1.05
/** A sample weighs half as much after so long. */
const halfLifeMs = 24 * 3_600_000
/** Weights grow by so many halvings at most before they are counted from a later moment. */
const mostHalvings = 100
/** What the heaviest bucket of a checkpoint is scaled to, in whole numbers. */
const checkpointWeight = 10_000
/** Below this nothing is left of a bucket. */
const lightest = 0.0001

/**
 * A distribution that forgets: a sample weighs 2^((its time − reference) / 24 h). Buckets and decay are those of
 * Kubernetes' VerticalPodAutoscaler.
 * @see https://github.com/kubernetes/autoscaler/blob/master/vertical-pod-autoscaler/docs/faq.md
 */
export class DecayingHistogram {
  readonly #scale: Scale
  readonly #weights: Float64Array
  #total = 0
  /** Wall time. */
  #referenceMs = 0

  constructor(scale: Scale) {
    this.#scale = scale
    this.#weights = new Float64Array(bucketOf(scale, scale.most) + 1)
  }

  get empty(): boolean {
    return this.#total < lightest
  }

  /** @param atMs wall time */
  add(value: number, weight: number, atMs: number): void {
    const bucket = bucketOf(this.#scale, value)
    const decayed = weight * this.#factor(atMs)
    this.#weights[bucket]! += decayed
    this.#total += decayed
  }

  /** Takes back a sample that was added with the same weight and time. */
  subtract(value: number, weight: number, atMs: number): void {
    const bucket = bucketOf(this.#scale, value)
    const decayed = Math.min(weight * this.#factor(atMs), this.#weights[bucket]!)
    this.#weights[bucket]! -= decayed
    this.#total = Math.max(0, this.#total - decayed)
  }

  /** @param share from 0 to 1. @returns the upper end of the bucket in which that share of the weight is reached; 0 without samples */
  percentile(share: number): number {
    if (this.empty) return 0
    const wanted = share * this.#total
    let seen = 0
    let last = 0
    for (const [bucket, weight] of this.#weights.entries()) {
      if (weight < lightest * this.#total) continue
      last = bucket
      seen += weight
      if (seen >= wanted) break
    }
    return endOf(this.#scale, last)
  }

  save(): RecommendationHistogram {
    const heaviest = Math.max(...this.#weights)
    const bucketWeights: Record<string, number> = {}
    for (const [bucket, weight] of this.#weights.entries()) {
      const scaled = heaviest > 0 ? Math.round((weight / heaviest) * checkpointWeight) : 0
      if (scaled > 0) bucketWeights[bucket] = scaled
    }
    return { bucketWeights, referenceTimestamp: timeText(this.#referenceMs), totalWeight: this.#total }
  }

  /** The distribution that was saved, as exactly as whole weights tell. */
  static restore(scale: Scale, saved: RecommendationHistogram | undefined): DecayingHistogram {
    const histogram = new DecayingHistogram(scale)
    const entries = Object.entries(saved?.bucketWeights ?? {})
    const sum = entries.reduce((total, [, weight]) => total + weight, 0)
    const { totalWeight = 0, referenceTimestamp = '' } = saved ?? {}
    const referenceMs = Date.parse(referenceTimestamp)
    if (!(sum > 0) || !(totalWeight > 0) || Number.isNaN(referenceMs)) return histogram
    histogram.#referenceMs = referenceMs
    for (const [bucket, weight] of entries) {
      if (!(Number(bucket) < histogram.#weights.length)) continue
      histogram.#weights[Number(bucket)] = (weight / sum) * totalWeight
      histogram.#total += (weight / sum) * totalWeight
    }
    return histogram
  }

  /** What a sample of that time weighs; moves the reference when weights would grow too large. */
  #factor(atMs: number): number {
    this.#referenceMs ||= wholeSeconds(atMs)
    if (atMs > this.#referenceMs + mostHalvings * halfLifeMs) {
      const halvings = Math.round((atMs - this.#referenceMs) / halfLifeMs)
      for (let i = 0; i < this.#weights.length; i++) this.#weights[i]! *= 2 ** -halvings
      this.#total *= 2 ** -halvings
      this.#referenceMs += halvings * halfLifeMs
    }
    return 2 ** ((atMs - this.#referenceMs) / halfLifeMs)
  }
}

/** As precise as a checkpoint says it. */
const wholeSeconds = (ms: number) => Math.floor(ms / 1_000) * 1_000

function bucketOf({ firstBucket, most }: Scale, value: number): number {
  if (!(value >= firstBucket)) return 0
  return Math.floor(Math.log((Math.min(value, most) * (growth - 1)) / firstBucket + 1) / Math.log(growth))
}

/** Upper end of a bucket: the widths 1, 1.05, 1.05², … of it and those before it. */
const endOf = ({ firstBucket }: Scale, bucket: number) => (firstBucket * (growth ** (bucket + 1) - 1)) / (growth - 1)
