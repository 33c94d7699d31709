import type { ApiHandler, ApiRequest, UserInfo } from '../models/rest.ts'
import { isValueStream, type ReadyIterator, type ValueStream } from '../models/value-stream.ts'
import type { Transport } from './transport.ts'

const never = new AbortController().signal

/** Calls the API server's handler in this process, as `user`: no socket, no TLS, no HTTP parsing. */
export function inProcessTransport(handler: ApiHandler, user: UserInfo): Transport {
  // Names the manager of the fields that it writes.
  const agent = { 'user-agent': user.username.replace(/^system:/, '').replace(/^node:.*/, 'kubelet') }
  return {
    async send({ method, url, headers, body, signal }) {
      signal?.throwIfAborted()
      const request: ApiRequest = { method, url, headers: { ...agent, ...headers }, user, signal: signal ?? never }
      if (body !== undefined) request.body = typeof body === 'string' ? Buffer.from(body) : body
      const reply = await handler(request)
      if (!signal || reply.body instanceof Uint8Array) return reply
      return { ...reply, body: abortable(reply.body, signal) }
    },
    async [Symbol.asyncDispose]() {},
  }
}

/**
 * The stream until the signal aborts, whether its source listens to the signal or not: what a closed socket would do. No
 * generator, since every event of every informer comes through here.
 */
function abortable(source: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const chunks = { [Symbol.asyncIterator]: () => new AbortableIterator(source[Symbol.asyncIterator](), signal) }
  if (!isValueStream(source)) return chunks
  const both: ValueStream = { ...chunks, jsonValues: () => new AbortableIterator(source.jsonValues(), signal) }
  return both
}

const ended: IteratorReturnResult<undefined> = { done: true, value: undefined }

class AbortableIterator<T> implements ReadyIterator<T> {
  readonly #source: ReadyIterator<T>
  readonly #signal: AbortSignal
  #interrupt: ((reason: unknown) => void) | undefined
  #over = false

  constructor(source: ReadyIterator<T>, signal: AbortSignal) {
    this.#source = source
    this.#signal = signal
    signal.addEventListener('abort', this.#onAbort)
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#over) return Promise.resolve(ended)
    try {
      // Commits come in groups: mostly the next value has come with the one before.
      const ready = this.ready()
      if (ready) return Promise.resolve(ready)
    } catch (error) {
      this.#end()
      return Promise.reject(error)
    }
    return new Promise((resolve, reject) => {
      this.#interrupt = error => {
        this.#end()
        reject(error)
      }
      if (this.#signal.aborted) return this.#onAbort()
      this.#source.next().then(next => {
        this.#interrupt = undefined
        if (next.done) this.#end()
        resolve(next.done ? ended : next)
      }, this.#interrupt)
    })
  }

  ready(): IteratorYieldResult<T> | undefined {
    return this.#over || this.#signal.aborted ? undefined : this.#source.ready?.()
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#end()
    return ended
  }

  /** Whoever waits for the next piece is told; whoever does not, when he asks for it. */
  readonly #onAbort = () => this.#interrupt?.(this.#signal.reason)

  #end(): void {
    if (this.#over) return
    this.#over = true
    this.#signal.removeEventListener('abort', this.#onAbort)
    // Not awaited: a source that is waiting for its next event would answer only after it.
    this.#source.return?.()?.catch(() => {})
  }
}
