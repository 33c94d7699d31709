import { dirname } from 'node:path'
import { type Clock, every } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import { explain } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'

export interface ReserveOptions {
  clock: Clock
  disk: Disk
  log: Logger
  /** Absolute path of the file that only takes up room. */
  path: string
  /** Its size; 0: no reserve. */
  bytes: number
}

/** How often a spent reserve looks for room to be made again. */
const lookMs = 2000

/**
 * Room on the disk kept for deletions: on a full disk they need some too, and so does making room from history. It must hold
 * the write-ahead log, which then has to be moved into the file. While it is spent, nothing else may be written.
 */
export class Reserve {
  readonly #options: ReserveOptions
  readonly #stop = new AbortController()
  #spent = false
  /** Calls of `spend` whose turn has not come: what was looked at before says nothing of the disk any more. */
  #spending = 0
  #busy: Promise<void> = Promise.resolve()

  constructor(options: ReserveOptions) {
    this.#options = options
    every(
      options.clock,
      lookMs,
      () => (this.#spent ? this.#inTurn(() => this.#refill()) : undefined),
      this.#stop.signal,
    )
  }

  /** The disk is full but for what deletions may use. */
  get spent(): boolean {
    return this.#spent
  }

  /** Takes up the room, unless it is taken already or there is too little. */
  make(): Promise<void> {
    return this.#inTurn(() => this.#refill())
  }

  /** Frees the room, if that was not done yet. */
  async spend(): Promise<void> {
    const { bytes, disk, path, log } = this.#options
    if (bytes === 0) return
    if (!this.#spent) log.error({ path }, 'disk is full: only deletions are written until there is room')
    this.#spent = true
    this.#spending++
    await this.#inTurn(() => disk.remove(path)).finally(() => this.#spending--)
  }

  /** Stops looking for room. The file stays, so that the next start need not write it. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#busy
  }

  async #refill(): Promise<void> {
    const { disk, path, bytes, log } = this.#options
    if (bytes === 0 || this.#stop.signal.aborted || this.#spending) return
    try {
      if (!(await disk.exists(path))) {
        // Twice as much: else the room would be gone again with the next write.
        if ((await disk.space(dirname(path))).freeBytes < 2 * bytes) {
          this.#spent = true
          return
        }
        await disk.write(path, new Uint8Array(bytes), { mode: 0o600 })
      }
      if (this.#spending) return
      if (this.#spent) log.info({ path }, 'disk has room again: everything is written')
      this.#spent = false
    } catch (error) {
      this.#spent = true
      log.warn({ path, error: explain(error) }, 'no room for the reserve')
    }
  }

  #inTurn(task: () => Promise<void>): Promise<void> {
    this.#busy = this.#busy.then(task)
    return this.#busy
  }
}
