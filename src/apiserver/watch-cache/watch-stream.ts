/** Where the bytes of a stream go. */
export interface Sink {
  /** Never blocks; what cannot go out yet is kept by the sink. @returns bytes that wait in it */
  write(chunk: Uint8Array): number
  end(): void
}

/** More than this waiting for one slow watcher, in bytes, ends its watch; it may come back and resume. */
const maxBacklogBytes = 16 * 1024 * 1024

/**
 * The body of a watch: chunks are pushed in, and go out through an iterator or, without its cost per chunk, straight
 * into a sink.
 */
export class WatchStream implements AsyncIterable<Uint8Array> {
  #chunks: Uint8Array[] = []
  #bytes = 0
  #ended = false
  #sink: Sink | undefined
  #wake: (() => void) | undefined
  readonly #onClose: () => void
  #onEnd: (() => void) | undefined

  /** @param onClose called once, when nobody reads any more or `end` was called */
  constructor(onClose: () => void) {
    this.#onClose = onClose
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Calls back once it has ended, whoever ended it. */
  onEnd(then: () => void): void {
    if (this.#ended) then()
    else this.#onEnd = then
  }

  push(chunk: Uint8Array): void {
    if (this.#ended) return
    if (this.#sink) {
      if (this.#sink.write(chunk) > maxBacklogBytes) this.end()
      return
    }
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
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
    for (const chunk of this.#chunks) sink.write(chunk)
    this.#chunks = []
    this.#bytes = 0
    this.#sink = sink
    if (this.#ended) sink.end()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        const chunks = this.#chunks
        if (chunks.length) {
          this.#chunks = []
          this.#bytes = 0
          for (const chunk of chunks) yield chunk
          continue
        }
        if (this.#ended) return
        await new Promise<void>(resolve => {
          this.#wake = resolve
        })
      }
    } finally {
      this.end()
    }
  }

  #awake(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
}
