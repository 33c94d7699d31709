import { closeSync, fstatSync, mkdirSync, openSync, renameSync, write, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { isMainThread } from 'node:worker_threads'
import { codeOf } from './errors.ts'

/** So many characters wait for a disk or a reader that is slow or full; lines beyond them are lost. */
const mostWaiting = 1 << 20

const mode = 0o640

/** How long the end of a process waits for what is under way: a fifth of a second. */
const [mostLooks, lookMs] = [100, 2]

/**
 * Where lines of a log go: a file, or standard error. Nobody waits for it, and what cannot be written is lost: on a full disk the
 * process goes on, keeps no more than a megabyte, and ends when it is asked to.
 */
export class LogOutput {
  readonly #file: string | undefined
  readonly #maxBytes: number
  #descriptor: number
  #bytes = 0
  #waiting: string[] = []
  #waitingLength = 0
  /** What is not written yet of what was handed to the system last. */
  #rest: Uint8Array | undefined
  /** Bytes that were handed to the system and are not told as written; 0: none. */
  #underWay = 0
  /** A line was written in part, so that the next one begins anew. */
  #torn = false

  /**
   * @param file standard error where there is none; put aside as `FILE.old` when it has `maxBytes`, in the place of the one before
   * @throws Error if the file cannot be opened
   */
  constructor(file: string | undefined, maxBytes: number) {
    this.#file = file
    this.#maxBytes = maxBytes
    // Opened at once: a program that ends before its log is open would end without its last words.
    this.#descriptor = file ? openAppending(file) : 2
    if (file) this.#bytes = fstatSync(this.#descriptor).size
    if (!isMainThread) return
    if (outputs.size === 0)
      process.on('exit', () => {
        for (const output of outputs) output.#end()
      })
    outputs.add(this)
  }

  write(line: string): void {
    if (this.#waitingLength + line.length > mostWaiting) return
    this.#waiting.push(line)
    this.#waitingLength += line.length
    this.#next()
  }

  #next(): void {
    if (this.#underWay) return
    const bytes = this.#rest ?? this.#taken()
    if (bytes.length === 0) return
    this.#underWay = bytes.length
    write(this.#descriptor, bytes, (error, written) => {
      this.#underWay = 0
      this.#settle(bytes, error, written)
      // After a failure the next line tries again.
      if (!error) this.#next()
    })
  }

  #settle(bytes: Uint8Array, error: unknown, written: number): void {
    // A reader that is slow gets the rest later.
    const later = error && (codeOf(error) === 'EAGAIN' || codeOf(error) === 'EBUSY')
    this.#rest = error && !later ? undefined : bytes.subarray(later ? 0 : written)
    if (this.#rest?.length === 0) this.#rest = undefined
    if (error) return
    this.#torn = this.#rest !== undefined
    this.#bytes += written
    if (!this.#rest) this.#putAside()
  }

  #taken(): Uint8Array {
    const text = this.#waiting.join('')
    this.#waiting = []
    this.#waitingLength = 0
    return Buffer.from(this.#torn && text ? `\n${text}` : text)
  }

  #putAside(): void {
    if (!this.#file || this.#bytes < this.#maxBytes) return
    // If that fails it goes on as it is, and is tried again when it has become twice as large.
    this.#bytes = 0
    try {
      renameSync(this.#file, `${this.#file}.old`)
      const before = this.#descriptor
      this.#descriptor = openAppending(this.#file)
      closeSync(before)
    } catch {}
  }

  /** The last words, without waiting: the process ends now. */
  #end(): void {
    try {
      this.#awaitUnderWay()
      for (let bytes = this.#underWay ? this.#taken() : this.#last(); bytes.length > 0; )
        bytes = bytes.subarray(writeSync(this.#descriptor, bytes))
    } catch {}
  }

  /** Nobody tells a process that ends what another thread has written: the file's size does. Else its last lines could stand before. */
  #awaitUnderWay(): void {
    if (!this.#file || !this.#underWay) return
    const size = this.#bytes + this.#underWay
    const cell = new Int32Array(new SharedArrayBuffer(4))
    for (let looks = 0; looks < mostLooks && fstatSync(this.#descriptor).size < size; looks++)
      Atomics.wait(cell, 0, 0, lookMs)
  }

  #last(): Uint8Array {
    const rest = this.#rest ?? new Uint8Array()
    if (this.#rest) this.#torn = false
    return Buffer.concat([rest, this.#taken()])
  }
}

/** All of this process: they live as long as it does. */
const outputs = new Set<LogOutput>()

function openAppending(file: string): number {
  mkdirSync(dirname(file), { recursive: true })
  return openSync(file, 'a', mode)
}
