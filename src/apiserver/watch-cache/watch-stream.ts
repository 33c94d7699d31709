import type { ReadyIterator, ValueStream } from '../../models/value-stream.ts'
import type { Frame } from './frame.ts'

/** Where the bytes of a stream go. */
export interface Sink {
  /** Never blocks; what cannot go out yet is kept by the sink. @returns bytes that wait in it */
  write(chunk: Uint8Array): number
  end(): void
}

/** More than this waiting for one slow watcher, in bytes, ends its watch; it may come back and resume. */
const maxBacklogBytes = 16 * 1024 * 1024

/**
 * The body of a watch: frames are pushed in, and go out through an iterator, as bytes or values, or, without its cost per
 * frame, straight into a sink.
 */
export class WatchStream implements ValueStream {
  #frames: Frame[] = []
  #bytes = 0
  #ended = false
  #sink: Sink | undefined
  #wake: (() => void) | undefined
  readonly #onClose: () => void
  readonly #count: (bytes: number) => void
  #onEnd: (() => void) | undefined

  /**
   * @param onClose called once, when nobody reads any more or `end` was called
   * @param count is told the size of each frame, about
   */
  constructor(onClose: () => void, count: (bytes: number) => void = () => {}) {
    this.#onClose = onClose
    this.#count = count
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Calls back once it has ended, whoever ended it. */
  onEnd(then: () => void): void {
    if (this.#ended) then()
    else this.#onEnd = then
  }

  push(frame: Frame): void {
    if (this.#ended) return
    this.#count(frame.size)
    if (this.#sink) {
      if (this.#sink.write(frame.bytes) > maxBacklogBytes) this.end()
      return
    }
    this.#frames.push(frame)
    this.#bytes += frame.size
    if (this.#bytes > maxBacklogBytes) this.end()
    else this.#awake()
  }

  /** What was pushed still goes out. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#onClose()
    this.#onEnd?.()
    this.#sink?.end()
    this.#awake()
  }

  /** Sends everything into `sink` from now on. */
  attach(sink: Sink): void {
    for (const { bytes } of this.#frames) sink.write(bytes)
    this.#frames = []
    this.#bytes = 0
    this.#sink = sink
    if (this.#ended) sink.end()
  }

  [Symbol.asyncIterator](): ReadyIterator<Uint8Array> {
    return this.#read(frame => frame.bytes)
  }

  jsonValues(): ReadyIterator<unknown> {
    return this.#read(frame => frame.value())
  }

  /** No generator, since every event of every informer comes through here. */
  #read<T>(of: (frame: Frame) => T): ReadyIterator<T> {
    let taken: Frame[] = []
    let at = 0
    const ready = (): IteratorYieldResult<T> | undefined => {
      if (at === taken.length) {
        if (this.#frames.length === 0) return undefined
        taken = this.#frames
        at = 0
        this.#frames = []
        this.#bytes = 0
      }
      return { done: false, value: of(taken[at++]!) }
    }
    const next = async (): Promise<IteratorResult<T, undefined>> => {
      for (;;) {
        const frame = ready()
        if (frame) return frame
        if (this.#ended) return { done: true, value: undefined }
        await new Promise<void>(resolve => {
          this.#wake = resolve
        })
      }
    }
    const stop = async (): Promise<IteratorResult<T, undefined>> => {
      this.end()
      return { done: true, value: undefined }
    }
    return { next, ready, return: stop }
  }

  #awake(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
}
