import { MessageChannel } from 'node:worker_threads'
import { explain } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Committed } from './protocol.ts'
import type { Thread } from './thread.ts'

export interface OverlapOptions {
  log: Logger
  writer: Pick<Thread, 'ask'>
  /** Starts the syncer. */
  start(): Promise<Thread>
  onCommitted(committed: Committed): void
  onFailed(error: Error): void
}

/** Lets the writer write while the log is being synced: starts the thread that syncs, once many commit at once. */
export class Overlap {
  readonly #options: OverlapOptions
  #thread: Promise<Thread | undefined> | undefined
  #on = false

  constructor(options: OverlapOptions) {
    this.#options = options
  }

  /** The writer hands over what it has written. */
  get on(): boolean {
    return this.#on
  }

  begin(): void {
    this.#thread ??= this.#begin().catch(cause => {
      this.#options.log.warn({ error: explain(cause) }, 'the log is synced by its writer only')
      return undefined
    })
  }

  async stop(): Promise<void> {
    const thread = await this.#thread
    await thread?.close().catch(() => {})
  }

  async #begin(): Promise<Thread> {
    const { start, writer, onCommitted, onFailed } = this.#options
    const thread = await start()
    thread.onCommitted = onCommitted
    thread.onFailed = onFailed
    const { port1, port2 } = new MessageChannel()
    await thread.ask({ type: 'sync', port: port2 }, [port2])
    await writer.ask({ type: 'sync', port: port1 }, [port1])
    this.#on = true
    return thread
  }
}
