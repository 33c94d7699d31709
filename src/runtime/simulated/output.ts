import type { Clock } from '../../base/clock.ts'
import type { LogOptions } from '../runtime.ts'

/** What a simulated container wrote. Periodic lines are not kept but computed from the time, so that they cost nothing. */
export class Output {
  readonly #startedAtMs: number
  readonly #lines: { atMs: number; text: string }[]
  readonly #everyMs: number | undefined
  endedAtMs: number | undefined

  constructor(startedAtMs: number, lines: readonly string[], everyMs: number | undefined) {
    this.#startedAtMs = startedAtMs
    this.#lines = lines.map(text => ({ atMs: startedAtMs, text }))
    this.#everyMs = everyMs
  }

  write(atMs: number, text: string): void {
    this.#lines.push({ atMs, text })
    if (this.#lines.length > 2000) this.#lines.splice(0, 1000)
  }

  /** Everything written up to now, oldest first; of periodic lines the last 1,000. */
  until(nowMs: number): { atMs: number; text: string }[] {
    const end = Math.min(nowMs, this.endedAtMs ?? nowMs)
    if (this.#everyMs === undefined) return this.#lines
    const count = Math.floor((end - this.#startedAtMs) / this.#everyMs)
    const ticks = []
    for (let n = Math.max(1, count - 999); n <= count; n++)
      ticks.push({ atMs: this.#startedAtMs + n * this.#everyMs, text: `line ${n}` })
    return [...this.#lines, ...ticks].sort((a, b) => a.atMs - b.atMs)
  }

  /** The text of the last `count` lines, for termination messages. */
  tail(nowMs: number, count: number): string {
    return this.until(nowMs)
      .slice(-count)
      .map(line => `${line.text}\n`)
      .join('')
  }
}

/**
 * @param output looked up at each turn, since it appears only when the container runs
 * @param ended whether nothing more will come
 */
export async function* readOutput(
  clock: Clock,
  output: () => Output | undefined,
  ended: () => boolean,
  options: LogOptions,
  changed: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY
  let lastMs = Number.NEGATIVE_INFINITY
  let seenAtLast = 0
  let first = true
  while (!signal.aborted) {
    const over = ended()
    const all = output()?.until(clock.now()) ?? []
    let lines = all.filter(line => options.sinceMs === undefined || line.atMs >= options.sinceMs)
    // Of the lines of the very last moment, those already given are skipped by their number.
    let skip = seenAtLast
    const fresh = lines.filter(line => line.atMs > lastMs || (line.atMs === lastMs && skip-- <= 0))
    lines =
      first && options.tailLines !== undefined ? fresh.slice(Math.max(0, fresh.length - options.tailLines)) : fresh
    for (const line of fresh) {
      seenAtLast = line.atMs === lastMs ? seenAtLast + 1 : 1
      lastMs = line.atMs
    }
    for (const line of lines) {
      const stamp = options.timestamps ? `${new Date(line.atMs).toISOString().replace('Z', '000000Z')} ` : ''
      const bytes = Buffer.from(`${stamp}${line.text}\n`)
      if (left <= 0) return
      yield bytes.subarray(0, left)
      left -= bytes.length
    }
    first = false
    if (!options.follow || over) return
    await changed(signal)
  }
}
