import type { MessagePort } from 'node:worker_threads'
import { failureOf } from './failure.ts'
import { movable } from './packing.ts'
import type { CommitGroup, Committed, Written } from './protocol.ts'
import { failed } from './syncer.ts'
import type { Writer } from './writer.ts'

/** A transaction of so many commits is worth a wake-up of the syncer, even if nothing waits for the writer yet. */
const manyCommits = 8

/** Writes groups of commits and has them made durable: by itself, or by the syncer while the next ones are written. */
export class GroupWriter {
  readonly #writer: Writer
  readonly #tell: (committed: Committed, moved: ArrayBuffer[]) => void
  #syncer: MessagePort | undefined
  #groups = 0

  /** @param tell to the main thread: durable, or failed */
  constructor(writer: Writer, tell: (committed: Committed, moved: ArrayBuffer[]) => void) {
    this.#writer = writer
    this.#tell = tell
  }

  /** From now on the syncer, at the other end of `port`, makes durable what is worth it. */
  handOverTo(port: MessagePort): void {
    this.#syncer = port
  }

  /**
   * All in one transaction.
   * @param waits whether more has come meanwhile
   */
  write(groups: CommitGroup[], waits: () => boolean): void {
    this.#write(groups, waits)
    this.#writer.upkeep()
  }

  #write(groups: CommitGroup[], waits: () => boolean): void {
    const results = this.#writer.commit(groups)
    const committed: Committed = { type: 'committed', first: this.#groups, results }
    this.#groups += groups.length
    const commits = results.reduce((sum, r) => sum + r.commits, 0)
    const { revision } = this.#writer
    if (this.#syncer && (commits >= manyCommits || waits())) {
      this.#syncer.postMessage({ committed, revision } satisfies Written, numbersOf(committed))
      return
    }
    const told = this.#synced(committed)
    this.#tell(told, numbersOf(told))
  }

  #synced(committed: Committed): Committed {
    try {
      this.#writer.sync()
      return committed
    } catch (error) {
      return failed(committed, failureOf(error))
    }
  }
}

export function numbersOf({ results }: Committed): ArrayBuffer[] {
  return results.flatMap(r => movable(r.numbers))
}
