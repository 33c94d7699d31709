import { seededRandom } from '../../base/random.ts'
import type { PodClass } from '../pod-class.ts'
import { cpu, memory } from '../resource-table.ts'
import type { ExpectedShares } from './gap-values.ts'
import { deviceMilli } from './gpu-request.ts'

/** A kind of pod as far as packing is concerned. */
export interface PodKind {
  cpuMillis: number
  memoryBytes: number
  devices: number
  milliEach: number
  /** Models that will do; undefined: any. */
  models: readonly string[] | undefined
  /** How many were seen; old ones fade. */
  count: number
}

/** Pods drawn from the distribution, in columns: `length` arrivals for each of `runs` futures, one after the other. */
export interface Sample {
  runs: number
  length: number
  kinds: readonly PodKind[]
}

const runs = 32
const length = 16
/** Learned anew when so many times as many pods were seen: rarely, for every memory of scores is void then. */
const growth = 1.5
const firstPods = 8
/** Beyond this many, all counts are halved: what comes now matters more than what came last year. */
const memoryPods = 32_768

/** Which pods arrive, learned from those seen so far. Nothing is known beforehand, and nothing of what is to come. */
export class Demand {
  #kinds = new Map<string, PodKind>()
  #seen = 0
  #next = firstPods
  /** Grows whenever `sample` and `large` are learned anew; 0: nothing is known yet. */
  version = 0
  sample: Sample = { runs: 0, length: 0, kinds: [] }
  /** Kinds that ask for several devices, with the part of all requested device capacity that is theirs. */
  large: readonly { kind: PodKind; part: number }[] = []
  /** Shares of one device by size, as numbers for each thousandth that is asked for in all. */
  shares: readonly ExpectedShares[] = []
  /** What is asked of certain models only, as parts of all requested device capacity. */
  bound: readonly { models: readonly string[]; part: number }[] = []

  /** A pod was seen for the first time; those that want no devices are none of ours. @returns true if the distribution was learned anew */
  see(c: PodClass): boolean {
    const { gpu } = c
    if (!gpu || gpu.invalid) return false
    const amount = (column: number) => c.requests.amounts[c.requests.columns.indexOf(column)] ?? 0
    const key = `${amount(cpu)} ${amount(memory)} ${gpu.devices} ${gpu.milliEach} ${gpu.models?.join('|')}`
    const known = this.#kinds.get(key)
    if (known) known.count++
    else
      this.#kinds.set(key, {
        cpuMillis: amount(cpu),
        memoryBytes: amount(memory),
        devices: gpu.devices,
        milliEach: gpu.milliEach,
        models: gpu.models,
        count: 1,
      })
    if (++this.#seen < this.#next) return false
    if (this.#seen > memoryPods) this.#fade()
    this.#next = Math.ceil(this.#seen * growth)
    return this.#learn()
  }

  fork(): Demand {
    const copy = new Demand()
    copy.#kinds = new Map([...this.#kinds].map(([key, kind]) => [key, { ...kind }]))
    copy.#seen = this.#seen
    copy.#next = this.#next
    copy.version = this.version
    copy.sample = this.sample
    copy.large = this.large
    copy.shares = this.shares
    copy.bound = this.bound
    return copy
  }

  #fade(): void {
    this.#seen = 0
    for (const [key, kind] of this.#kinds) {
      kind.count /= 2
      if (kind.count < 0.5) this.#kinds.delete(key)
      else this.#seen += kind.count
    }
  }

  #learn(): boolean {
    const kinds = [...this.#kinds.values()]
    const total = kinds.reduce((sum, k) => sum + k.count * milliOf(k), 0)
    const part = (k: PodKind) => (k.count * milliOf(k)) / total
    this.sample = { runs, length, kinds: draw(kinds, runs * length) }
    this.large = [
      ...kinds.filter(k => k.devices > 1).map(kind => ({ kind, part: part(kind) })),
      ...unseen(kinds, total),
    ]
    this.shares = kinds
      .filter(k => k.milliEach < deviceMilli)
      .map(({ milliEach, count }) => ({ milli: milliEach, count: count / total }))
    const bound = new Map<string, { models: readonly string[]; part: number }>()
    for (const kind of kinds) {
      if (!kind.models) continue
      const key = kind.models.join('|')
      bound.set(key, { models: kind.models, part: (bound.get(key)?.part ?? 0) + part(kind) })
    }
    this.bound = [...bound.values()].sort((a, b) => a.models.length - b.models.length)
    this.version++
    return true
  }
}

/** Devices that one pod may ask for, though none has yet. */
const roomsOf = [2, 4, 8]

/**
 * Larger pods than any so far: what has never come may come next, the less likely the more has come (Laplace's rule). One of
 * each size counts as if it had been seen once, or the first pods would begin every empty node.
 */
function unseen(kinds: readonly PodKind[], total: number): Demand['large'] {
  const largest = kinds.reduce((most, k) => Math.max(most, k.devices), 0)
  const larger = roomsOf.filter(devices => devices > largest)
  return larger.map(devices => {
    const kind = { cpuMillis: 0, memoryBytes: 0, devices, milliEach: deviceMilli, models: undefined, count: 1 }
    return { kind, part: milliOf(kind) / (total + milliOf(kind)) / larger.length }
  })
}

export const milliOf = ({ devices, milliEach }: PodKind) => devices * milliEach

/** Each kind as often as its count says, to within one, in random order; the same for the same counts. */
function draw(kinds: readonly PodKind[], amount: number): PodKind[] {
  const total = kinds.reduce((sum, k) => sum + k.count, 0)
  const out: PodKind[] = []
  let upTo = 0
  for (const kind of kinds) {
    upTo += kind.count
    while (out.length < amount && (out.length + 0.5) / amount < upTo / total) out.push(kind)
  }
  while (out.length < amount) out.push(kinds.at(-1)!)
  const random = seededRandom(7)
  for (let i = amount - 1; i > 0; i--) {
    const j = Math.floor(random.next() * (i + 1))
    ;[out[i], out[j]] = [out[j]!, out[i]!]
  }
  return out
}
