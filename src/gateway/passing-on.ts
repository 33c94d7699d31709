import type { Dispatcher } from 'undici'
import type { WebHeaders, WebResponse } from '../base/web-server.ts'

export interface PassingOnOptions {
  /** Begins the answer to the client; what the backend sends on is written there. */
  begin(status: number, headers: WebHeaders): WebResponse
  /** Undefined: nobody ends it early. */
  signal: AbortSignal | undefined
  done(): void
  failed(error: unknown): void
}

/**
 * Passes a backend's answer on, piece by piece, at the pace of the client. One object a request that listens for little: undici's
 * `stream` does the same with a chain of listeners and promises, which costs as much as the rest of the proxy.
 */
export class PassingOn implements Dispatcher.DispatchHandler {
  readonly #options: PassingOnOptions
  #controller: Dispatcher.DispatchController | undefined
  #response: WebResponse | undefined

  constructor(options: PassingOnOptions) {
    this.#options = options
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    const { signal } = this.#options
    this.#controller = controller
    if (signal?.aborted) controller.abort(signal.reason)
    else signal?.addEventListener('abort', this.#abort, { once: true })
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: WebHeaders): void {
    // What comes before the answer, such as 103, is for the hop alone.
    if (status < 200) return
    const response = this.#options.begin(status, headers)
    this.#response = response
    if (response.destroyed) controller.abort(clientGone)
    response.on('drain', this.#resume)
    response.once('close', this.#closed)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#response!.write(chunk)) controller.pause()
  }

  onResponseEnd(): void {
    this.#leave()
    this.#response!.end()
    this.#options.done()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#leave()
    this.#options.failed(error)
  }

  readonly #abort = (): void => this.#controller?.abort(this.#options.signal!.reason)
  readonly #resume = (): void => this.#controller?.resume()
  readonly #closed = (): void => this.#controller?.abort(clientGone)

  /** Nobody is listened to any more. */
  #leave(): void {
    this.#options.signal?.removeEventListener('abort', this.#abort)
    this.#response?.off('drain', this.#resume)
    this.#response?.off('close', this.#closed)
  }
}

const clientGone = new Error('the client went away')
