import { explain } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { StoreFull } from '../store.ts'
import type { Backfill } from './protocol.ts'
import type { Thread } from './thread.ts'

export interface CheckpointerOptions {
  log: Logger
  /** Starts the thread that does it: when it is first needed, which a store that is written seldom or lives shortly never comes to. */
  start(): Promise<Pick<Thread, 'ask' | 'close'>>
  writer: Pick<Thread, 'ask'>
  /** Pages in the write-ahead log from which on they are moved. */
  pages: number
}

const pageBytes = 4096
/** So few left are moved by the writer, between two commits: only then does the log begin anew. A few milliseconds. */
const fewPages = 256

/**
 * Moves the write-ahead log into the file beside the commits, on a thread and a connection of its own. SQLite would do it inside
 * the commit that makes the log too long, which then waits for the writing of thousands of pages and an fsync of the file.
 */
export class Checkpointer {
  readonly #options: CheckpointerOptions
  #thread: ReturnType<CheckpointerOptions['start']> | undefined
  /** About so many are in the log: what each commit writes is reckoned, and known again after each round. */
  #pages = 0
  #moving: Promise<void> | undefined
  #stopped = false

  constructor(options: CheckpointerOptions) {
    this.#options = options
  }

  /** So many `bytes` are appended to the log of revisions, and so many other `pages` change. */
  grow(pages: number, bytes: number): void {
    // The end of the log's tree is a page that is written whenever something is appended.
    this.#pages += 1 + bytes / pageBytes + pages
    if (this.#pages < this.#options.pages || this.#moving || this.#stopped) return
    this.#moving = this.#move()
      .catch(cause => this.#failed(cause))
      .finally(() => {
        this.#moving = undefined
      })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#moving
    const thread = await this.#thread?.catch(() => undefined)
    await thread?.close().catch(() => {})
  }

  /** In rounds, each of what came during the one before, until few are left or commits come faster than they are moved. */
  async #move(): Promise<void> {
    const { start, writer, pages } = this.#options
    const thread = await (this.#thread ??= start())
    for (let before = Number.POSITIVE_INFINITY; !this.#stopped; ) {
      const { logged, moved } = await thread.ask<Backfill>({ type: 'backfill' })
      const left = logged - moved
      if (left <= fewPages) {
        this.#pages = 0
        await writer.ask({ type: 'backfill' })
        return
      }
      this.#pages = Math.min(left, pages / 2)
      if (left > before / 2) return
      before = left
    }
  }

  async #failed(cause: Error): Promise<void> {
    if (this.#stopped) return
    const { log, writer } = this.#options
    const error = explain(cause)
    log.warn({ error }, 'the write-ahead log was not moved into the file')
    // A full disk may have room for the next round. After anything else nobody knows what the file has: the log must stay as it is.
    if (!(cause instanceof StoreFull)) await writer.ask({ type: 'refuse', message: error }).catch(() => {})
  }
}
