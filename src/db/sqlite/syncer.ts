import type { MessagePort } from 'node:worker_threads'
import type { SyncedFile } from '../../base/synced-file.ts'
import type { Durable } from './durable.ts'
import { failureOf } from './failure.ts'
import type { CommitResult, Committed, Failure, Written } from './protocol.ts'

/** Why nothing more is written once a sync has failed. */
export const notTaken = 'the disk did not take what was written before'

/** Makes durable what the writer has written, on a thread of its own, so that the writer goes on with the next group meanwhile. */
export class Syncer {
  readonly #log: Pick<SyncedFile, 'sync' | 'close'>
  readonly #durable: Durable
  #failure: Failure | undefined

  constructor(log: Pick<SyncedFile, 'sync' | 'close'>, durable: Durable) {
    this.#log = log
    this.#durable = durable
  }

  /** Takes what the writer hands over at `port`; all that waits there shares one sync. */
  serve(port: MessagePort, waiting: () => Written[], tell: (committed: Committed) => void): void {
    port.on('message', (first: Written) => {
      for (const committed of this.make([first, ...waiting()])) tell(committed)
    })
    // The thread ends with its own port.
    port.unref()
  }

  /** What may be told of them now. */
  make(all: readonly Written[]): Committed[] {
    try {
      if (!this.#failure) this.#log.sync()
      if (this.#durable.lost) throw new Error(notTaken)
      this.#durable.advance(all.at(-1)!.revision)
    } catch (error) {
      this.#durable.lose()
      this.#failure ??= failureOf(error)
    }
    const failure = this.#failure
    return all.map(({ committed }) => (failure ? failed(committed, failure) : committed))
  }

  close(): void {
    this.#log.close()
  }
}

/** Nothing of it is known to be written. */
export function failed({ results, ...rest }: Committed, failure: Failure): Committed {
  return { ...rest, results: results.map(result => failedResult(result.commits, failure)) }
}

export function failedResult(commits: number, failure: Failure): CommitResult {
  const failures = Array.from({ length: commits }, () => failure)
  return { commits, numbers: new Float64Array(commits).fill(-1), failures }
}
