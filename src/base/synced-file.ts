import { closeSync, fdatasyncSync, openSync } from 'node:fs'

/** A file that somebody else writes and that we make durable. For threads that may wait for the disk. */
export class SyncedFile {
  readonly #descriptor: number

  /** @throws if it is not there or may not be written */
  constructor(path: string) {
    this.#descriptor = openSync(path, 'r+')
  }

  /** What was written to it before this call is on the disk when it returns. @throws if the disk did not take it: then nobody knows what it has */
  sync(): void {
    fdatasyncSync(this.#descriptor)
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}
