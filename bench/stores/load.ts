import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Author, Revision } from '../../src/db/index.ts'

/** What the whole run writes into. */
export const folder = mkdtempSync(join(process.env['BENCH_FOLDER'] ?? tmpdir(), 'optiflow-bench-'))

const valueBytes = 1600
const noise = randomBytes(1 << 20)
let cut = 0
/** Values that have nothing in common, so that keeping only differences saves nothing. */
export function nextValue(): Uint8Array {
  cut = (cut + 613) % (noise.length - valueBytes)
  return new Uint8Array(noise.subarray(cut, cut + valueBytes))
}

export const keyCount = 5000
export const keys = Array.from(
  { length: keyCount },
  (_, i) => `/registry/pods/namespace-${i % 50}/web-${i}-7c9d8f6b5-x${i}`,
)
export const author: Author = {
  user: 'system:serviceaccount:kube-system:deployment-controller',
  request: randomUUID(),
}

/** Something that commits, slice by slice. */
export interface Contender {
  /** @returns commits per second */
  slice(seconds: number): Promise<number>
}

/** Commits with so many in flight, each with a check of the revision that it has seen. */
export class Concurrent implements Contender {
  readonly latencies: number[] = []
  readonly #commit: (key: string, seen: Revision) => Promise<Revision>
  readonly #inFlight: number
  readonly #seen = new Map<string, Revision>()
  #next = 0

  constructor(inFlight: number, commit: (key: string, seen: Revision) => Promise<Revision>) {
    this.#inFlight = inFlight
    this.#commit = commit
  }

  async slice(seconds: number): Promise<number> {
    const before = this.latencies.length
    const start = performance.now()
    const end = start + seconds * 1000
    await Promise.all(Array.from({ length: this.#inFlight }, () => this.#until(end)))
    return ((this.latencies.length - before) / (performance.now() - start)) * 1000
  }

  async #until(end: number): Promise<void> {
    for (let now = performance.now(); now < end; ) {
      const key = keys[this.#next++ % keyCount]!
      this.#seen.set(key, await this.#commit(key, this.#seen.get(key) ?? 0n))
      const after = performance.now()
      this.latencies.push(after - now)
      now = after
    }
  }
}

export const text = (n: number, digits = 0) => Number(n.toFixed(digits)).toLocaleString('en')

export async function timed(work: () => unknown): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}
