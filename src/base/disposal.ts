import { type Clock, sleep } from './clock.ts'

/** Keeps one thing that does not end from holding up all others. */
export interface Patience {
  clock: Clock
  /** Each part has so long, in milliseconds. */
  limitMs: number
  /** Told which part did not end in time; it is left alone then. */
  late(part: string): void
}

/** What must be undone, last first. Node 20 has no AsyncDisposableStack. */
export class Disposal implements AsyncDisposable {
  #undo: { part: string; undo: () => unknown }[] = []
  readonly #patience: Patience | undefined

  constructor(patience?: Patience) {
    this.#patience = patience
  }

  /** Disposes of `resource` in its turn; returns it. */
  use<T extends AsyncDisposable>(resource: T, part = 'a part'): T {
    this.defer(() => resource[Symbol.asyncDispose](), part)
    return resource
  }

  defer(undo: () => unknown, part = 'a part'): void {
    this.#undo.push({ part, undo })
  }

  /** Undoes everything even if some of it fails or, with patience, does not end; then rejects with the first failure. */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = []
    for (let next = this.#undo.pop(); next; next = this.#undo.pop()) {
      try {
        await this.#inTime(next)
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length) throw failures[0]
  }

  async #inTime({ part, undo }: { part: string; undo: () => unknown }): Promise<void> {
    const patience = this.#patience
    if (!patience) return void (await undo())
    const over = new AbortController()
    const undone = Promise.resolve(undo()).finally(() => over.abort())
    const late = sleep(patience.clock, patience.limitMs, over.signal).then(
      () => patience.late(part),
      () => {},
    )
    await Promise.race([undone, late])
  }
}
