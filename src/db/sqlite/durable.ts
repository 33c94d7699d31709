/**
 * How far the log is on the disk, as all threads of the store know it. SQLite shows a commit as soon as it is written; readers
 * go no further than this.
 */
export class Durable {
  /** To be handed to another thread. */
  readonly memory: SharedArrayBuffer
  readonly #words: BigInt64Array

  constructor(memory = new SharedArrayBuffer(16)) {
    this.memory = memory
    this.#words = new BigInt64Array(memory)
  }

  /** The newest durable revision. */
  get revision(): number {
    return Number(Atomics.load(this.#words, 0))
  }

  /** Everything up to `revision` is on the disk. Whoever says less than another one did, changes nothing. */
  advance(revision: number): void {
    const next = BigInt(revision)
    for (let now = Atomics.load(this.#words, 0); now < next; ) {
      const found = Atomics.compareExchange(this.#words, 0, now, next)
      if (found === now) return
      now = found
    }
  }

  /** The disk did not take something: nothing more may be written or told as durable. */
  get lost(): boolean {
    return Atomics.load(this.#words, 1) !== 0n
  }

  lose(): void {
    Atomics.store(this.#words, 1, 1n)
  }
}
