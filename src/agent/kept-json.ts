import type { Disk } from '../base/disk.ts'
import { codeOf } from '../base/errors.ts'

/** What the agent must know again after a restart: one value in one file, written whole, in the order of the changes. */
export class KeptJson<T> {
  readonly #disk: Disk
  readonly #path: string
  #value: T
  #writing: Promise<void> = Promise.resolve()

  /** @param nothing the value while there is no file */
  constructor(disk: Disk, path: string, nothing: T) {
    this.#disk = disk
    this.#path = path
    this.#value = nothing
  }

  get value(): T {
    return this.#value
  }

  /** @throws the disk's error, and SyntaxError if the file is no JSON; that there is none is no error */
  async read(): Promise<void> {
    try {
      this.#value = JSON.parse(await this.#disk.readText(this.#path))
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
    }
  }

  /** Holds at once; resolves when it is on the disk. */
  set(value: T): Promise<void> {
    this.#value = value
    const write = () => this.#disk.write(this.#path, JSON.stringify(this.#value), { mode: 0o600 })
    const written = this.#writing.then(write, write)
    this.#writing = written.catch(() => {})
    return written
  }

  /** Resolves when nothing is being written. */
  settled(): Promise<void> {
    return this.#writing
  }
}
