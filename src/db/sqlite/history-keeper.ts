import { type Cancel, type Clock, every } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { type Revision, StoreFull } from '../store.ts'
import type { SweepReply, Usage } from './protocol.ts'
import type { Reserve } from './reserve.ts'
import type { Thread } from './thread.ts'

/** Whichever is reached first ends the past. The newest state of each key is always kept. */
export interface HistoryLimits {
  /** Changes older than this are forgotten; 7 days unless given. */
  ageMs: number
  /** The file's pages in use should not exceed this; 2 GiB unless given. */
  bytes: number
  /** How often to look; 60 s unless given. */
  checkMs: number
}

export interface HistoryKeeperOptions {
  clock: Clock
  log: Logger
  writer: Thread
  limits: Partial<HistoryLimits>
  /** The oldest revision that a reader of history still needs. */
  pinned(): Revision | undefined
  /** The writer has changed so many rows or pages, at most: they are in the write-ahead log now. */
  onWritten(pages: number): void
  /** While it is spent, history goes half by half to make room. */
  reserve: Reserve
}

/** Rows visited in one transaction: a few milliseconds of the writer's time, and never more than its slice. */
export const sweepRows = 200
/** Pages given back in one transaction. */
export const vacuumPages = 256
/** To give one page back, SQLite writes its content elsewhere, where that is, and what points to it. */
const writtenPerPage = 3
/** Free pages inside the file are kept for what comes next, up to this share of it. */
const freeShare = 0.25
const freeBytesAlways = 16 << 20
/** The keeper rests so many times as long as it worked, so that commits keep most of the writer. */
const restFactor = 3

/** Lets the past go, bit by bit: decides how far, then has the writer sweep in small transactions. */
export class HistoryKeeper {
  readonly #options: HistoryKeeperOptions
  readonly #limits: HistoryLimits
  readonly #stop = new AbortController()
  #checking: Promise<void> | undefined
  #sweeping: Promise<void> | undefined
  #again = false
  #wake: (() => void) | undefined
  #cancelRest: Cancel | undefined

  constructor(options: HistoryKeeperOptions) {
    this.#options = options
    this.#limits = { ageMs: 7 * 24 * 3600_000, bytes: 2 ** 31, checkMs: 60_000, ...options.limits }
    every(options.clock, this.#limits.checkMs, () => this.check(), this.#stop.signal)
  }

  /** Decides how far the past may go, and begins to remove it. */
  check(): Promise<void> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined
    })
    return this.#checking
  }

  /** Removes what is unreadable, in the background. */
  sweep(): void {
    this.#again = true
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined
    })
  }

  /** Resolves when the sweep that is under way is done. */
  async swept(): Promise<void> {
    await this.#sweeping
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    this.#cancelRest?.()
    this.#wake?.()
    await this.#checking
    await this.#sweeping
  }

  async #check(): Promise<void> {
    const { writer, log, reserve } = this.#options
    try {
      await reserve.make()
      const target = await this.#target()
      if (target !== undefined) await writer.ask({ type: 'compact', revision: target })
      this.sweep()
    } catch (error) {
      if (!this.#stop.signal.aborted) log.warn({ error: explain(error) }, 'history was not shortened')
    }
  }

  /** The revision before which history may go; undefined if none. */
  async #target(): Promise<number | undefined> {
    const { clock, writer } = this.#options
    const usage = await writer.ask<Usage>({ type: 'usage' })
    const byAge = await writer.ask<number>({ type: 'momentAt', at: clock.now() - this.#limits.ageMs })
    const target = Math.max(byAge, this.#bySize(usage), this.#whenFull(usage))
    const pinned = this.#options.pinned()
    const allowed = pinned === undefined ? target : Math.min(target, Number(pinned))
    return allowed > usage.oldest ? allowed : undefined
  }

  /** Too large by a tenth: let a tenth of the past go, at least a twentieth; the next look tells whether that was enough. */
  #bySize({ usedBytes, oldest, revision }: Usage): number {
    if (usedBytes <= this.#limits.bytes) return 0
    const share = Math.min(Math.max(1 - this.#limits.bytes / usedBytes, 0.05), 1)
    return oldest + Math.ceil((revision - oldest) * share)
  }

  #whenFull({ oldest, revision }: Usage): number {
    return this.#options.reserve.spent ? oldest + Math.ceil((revision - oldest) / 2) : 0
  }

  async #sweep(): Promise<void> {
    const { writer, log } = this.#options
    try {
      while (this.#again && !this.#stop.signal.aborted) {
        this.#again = false
        let removed = 0
        for (let done = false; !done && !this.#stop.signal.aborted; ) {
          const reply = await this.#rested(() => writer.ask<SweepReply>({ type: 'sweep', rows: sweepRows }))
          removed += reply.removed
          this.#options.onWritten(reply.removed)
          done = reply.done
        }
        if (removed) await this.#sweepAuthors()
        await this.#vacuum()
        if (removed) log.debug({ removed }, 'history swept')
      }
    } catch (error) {
      if (error instanceof StoreFull) await this.#options.reserve.spend()
      if (!this.#stop.signal.aborted) log.warn({ error: explain(error) }, 'history was not swept')
    }
  }

  async #sweepAuthors(): Promise<void> {
    const { writer } = this.#options
    while (!this.#stop.signal.aborted && !(await this.#rested(() => writer.ask<boolean>({ type: 'sweepAuthors' })))) {
      // One part after another.
    }
  }

  async #vacuum(): Promise<void> {
    const { writer } = this.#options
    for (;;) {
      const { usedBytes, freeBytes } = await writer.ask<Usage>({ type: 'usage' })
      const { spent } = this.#options.reserve
      const mayStay = spent ? 0 : Math.max(usedBytes * freeShare, freeBytesAlways)
      if (this.#stop.signal.aborted) return
      if (freeBytes <= mayStay) {
        // Nobody writes now, so nothing else would move the log into the file and shorten both.
        if (spent) await writer.ask({ type: 'checkpoint' })
        return
      }
      const given = await this.#rested(() => writer.ask<number>({ type: 'vacuum', pages: vacuumPages }))
      this.#options.onWritten(given * writtenPerPage)
    }
  }

  async #rested<T>(work: () => Promise<T>): Promise<T> {
    const { clock } = this.#options
    const start = clock.monotonicMs()
    const result = await work()
    const restMs = (clock.monotonicMs() - start) * restFactor
    if (!this.#stop.signal.aborted && restMs > 0)
      await new Promise<void>(resolve => {
        this.#wake = resolve
        this.#cancelRest = clock.schedule(restMs, resolve)
      })
    return result
  }
}
