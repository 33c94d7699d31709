import { setMaxListeners } from 'node:events'
import type { Clock } from '../../base/clock.ts'
import { GrpcClient, type Metadata } from '../../base/grpc/client.ts'
import { GrpcFailed, grpcStatus } from '../../base/grpc/status.ts'
import type { Method } from '../../base/protobuf-protocol.ts'
import { type RuntimeCall, RuntimeFailed, RuntimeUnavailable } from '../runtime.ts'
import { operationOf } from './operation.ts'
import { containerdProtocol, criProtocol } from './protocol.ts'

/** gRPC's own code of a failed call beside the server's words. */
export class CallFailed extends RuntimeFailed {
  readonly code: number
  readonly method: string
  /** What the server said, without gRPC's wrapping. */
  readonly details: string
  constructor(method: string, code: number, details: string) {
    super(details || `${method} failed with gRPC code ${code}`)
    this.code = code
    this.method = method
    this.details = details
  }

  get notFound(): boolean {
    return this.code === grpcStatus.NOT_FOUND
  }

  get unimplemented(): boolean {
    return this.code === grpcStatus.UNIMPLEMENTED
  }

  get deadlineExceeded(): boolean {
    return this.code === grpcStatus.DEADLINE_EXCEEDED
  }
}

export interface CallLimits {
  /** Default 120 000. */
  timeoutMs?: number
  signal?: AbortSignal
  /** Of containerd: keeps what the call makes from its collector. */
  lease?: string
}

/** What containerd's own API is asked about: the containers of CRI. */
const namespace: Metadata = { 'containerd-namespace': 'k8s.io' }

/** One gRPC connection to a CRI endpoint on a unix socket. While the server is away, calls fail at once with RuntimeUnavailable. */
export class Connection implements Disposable {
  readonly socket: string
  readonly #client: GrpcClient
  readonly #clock: Clock
  /** Told of each call to CRI. */
  readonly listeners = new Set<(call: RuntimeCall) => void>()

  /** @param socket path of the unix socket, with or without `unix://` */
  constructor(socket: string, clock: Clock) {
    this.socket = socket.replace(/^unix:(\/\/)?/, '')
    this.#clock = clock
    this.#client = new GrpcClient(this.socket)
  }

  /** @throws RuntimeUnavailable, CallFailed, or the signal's reason */
  runtime<T = object>(method: string, request: object, limits?: CallLimits): Promise<T> {
    return this.#told(method, this.#call(criProtocol.method('runtime.v1.RuntimeService', method), request, limits))
  }

  image<T = object>(method: string, request: object, limits?: CallLimits): Promise<T> {
    return this.#told(method, this.#call(criProtocol.method('runtime.v1.ImageService', method), request, limits))
  }

  /** containerd's own API in the namespace of CRI. @param service such as `tasks.v1.Tasks` */
  containerd<T = object>(service: string, method: string, request: object, limits?: CallLimits): Promise<T> {
    return this.#call(containerdProtocol.method(`containerd.services.${service}`, method), request, limits)
  }

  /** A stream of replies. Ends by an error (as of the calls) or by the signal, then silently. */
  async *containerdStream<T>(
    service: string,
    method: string,
    request: object,
    signal: AbortSignal,
  ): AsyncGenerator<T, void, undefined> {
    const called = containerdProtocol.method(`containerd.services.${service}`, method)
    try {
      yield* this.#client.stream<T>(called, request, namespace, signal)
    } catch (error) {
      throw this.#explain(called.path, error)
    }
  }

  /**
   * Sends all `requests` on one stream, as fast as they are taken, and waits for its end.
   * @param lease that keeps the result from the garbage collector
   * @throws what the requests throw, too
   */
  async containerdUpload(
    service: string,
    method: string,
    requests: AsyncIterable<object>,
    lease: string,
  ): Promise<void> {
    const called = containerdProtocol.method(`containerd.services.${service}`, method)
    try {
      await this.#client.upload(called, requests, { ...namespace, 'containerd-lease': lease })
    } catch (error) {
      throw this.#explain(called.path, error)
    }
  }

  [Symbol.dispose]() {
    this.#client[Symbol.dispose]()
  }

  #told<T>(method: string, reply: Promise<T>): Promise<T> {
    if (!this.listeners.size) return reply
    const began = this.#clock.monotonicMs()
    const tell = (failed: boolean) => {
      const call = { operation: operationOf(method), seconds: (this.#clock.monotonicMs() - began) / 1000, failed }
      for (const listener of this.listeners) listener(call)
    }
    reply.then(
      () => tell(false),
      () => tell(true),
    )
    return reply
  }

  async #call<T>(method: Method, request: object, { signal, lease, timeoutMs = 120_000 }: CallLimits = {}): Promise<T> {
    signal?.throwIfAborted()
    const metadata = lease === undefined ? namespace : { ...namespace, 'containerd-lease': lease }
    const { reply, cancel } = this.#client.unary<T>(method, request, metadata)
    let timedOut = false
    const cancelTimer = this.#clock.schedule(timeoutMs, () => {
      timedOut = true
      cancel()
    })
    // One signal may stand for a whole node: any number of calls is no leak.
    if (signal) setMaxListeners(0, signal)
    signal?.addEventListener('abort', cancel, { once: true })
    try {
      return await reply
    } catch (error) {
      signal?.throwIfAborted()
      if (timedOut)
        throw new CallFailed(
          method.path,
          grpcStatus.DEADLINE_EXCEEDED,
          `${method.path.split('/').at(-1)} had no answer from ${this.socket} within ${timeoutMs / 1000} s`,
        )
      throw this.#explain(method.path, error)
    } finally {
      cancelTimer()
      signal?.removeEventListener('abort', cancel)
    }
  }

  #explain(path: string, error: unknown): unknown {
    if (!(error instanceof GrpcFailed)) return error
    // The server also answers UNAVAILABLE (a registry is down); only the connection's own means that it is away.
    if (error.lost)
      return new RuntimeUnavailable(`the container runtime at ${this.socket} does not answer`, {
        cause: new Error(error.message),
        hint: 'See whether containerd runs (systemctl status containerd) and whether the socket path is right.',
      })
    return new CallFailed(path, error.code, error.message)
  }
}
