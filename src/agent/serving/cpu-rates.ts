/** Processor time of something, counted up from its start. */
export interface CpuCounter {
  id: string
  cpuNanoseconds: number
  /** Wall time. */
  atMs: number
}

/** Cores in use, from two looks at the counters. */
export class CpuRates {
  readonly #last = new Map<string, { nanoseconds: number; atMs: number; nanoCores: number }>()

  /** Takes in fresh counters. @returns billionths of a core by id */
  take(counters: readonly CpuCounter[]): ReadonlyMap<string, number> {
    const rates = new Map<string, number>()
    for (const { id, cpuNanoseconds, atMs } of counters) {
      const before = this.#last.get(id)
      const elapsedMs = before ? atMs - before.atMs : 0
      const nanoCores =
        before && elapsedMs > 0
          ? Math.max(Math.round(((cpuNanoseconds - before.nanoseconds) / elapsedMs) * 1000), 0)
          : (before?.nanoCores ?? 0)
      rates.set(id, nanoCores)
      if (!before || elapsedMs > 1_000) this.#last.set(id, { nanoseconds: cpuNanoseconds, atMs, nanoCores })
    }
    for (const id of this.#last.keys()) if (!rates.has(id)) this.#last.delete(id)
    return rates
  }
}
