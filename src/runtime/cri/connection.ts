import { once, setMaxListeners } from 'node:events'
import { type CallOptions, Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import type { Clock } from '../../base/clock.ts'
import { grpcReplies } from '../../base/grpc-stream.ts'
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
    return this.code === status.NOT_FOUND
  }

  get unimplemented(): boolean {
    return this.code === status.UNIMPLEMENTED
  }

  get deadlineExceeded(): boolean {
    return this.code === status.DEADLINE_EXCEEDED
  }
}

export interface CallLimits {
  /** Default 120 000. */
  timeoutMs?: number
  signal?: AbortSignal
  /** Of containerd: keeps what the call makes from its collector. */
  lease?: string
}

/**
 * One gRPC connection to a CRI endpoint on a unix socket. It reconnects by itself within a third of a second of the server's return;
 * meanwhile calls fail at once with RuntimeUnavailable.
 */
export class Connection implements Disposable {
  readonly socket: string
  readonly #client: Client
  readonly #clock: Clock
  readonly #namespace = new Metadata()
  /** Told of each call to CRI. */
  readonly listeners = new Set<(call: RuntimeCall) => void>()

  /** @param socket path of the unix socket, with or without `unix://` */
  constructor(socket: string, clock: Clock) {
    this.socket = socket.replace(/^unix:(\/\/)?/, '')
    this.#clock = clock
    this.#namespace.set('containerd-namespace', 'k8s.io')
    this.#client = new Client(`unix:${this.socket}`, credentials.createInsecure(), {
      'grpc.default_authority': 'localhost',
      'grpc.initial_reconnect_backoff_ms': 50,
      'grpc.min_reconnect_backoff_ms': 50,
      'grpc.max_reconnect_backoff_ms': 250,
      'grpc.max_receive_message_length': 256 << 20,
      'grpc.max_send_message_length': 64 << 20,
      // Each runtime object has its own connection: two agents in one process must not share a broken one.
      'grpc.use_local_subchannel_pool': 1,
    })
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
      yield* grpcReplies<T>(this.#client, called, request, this.#namespace, signal)
    } catch (error) {
      throw this.#explain(called.path, error as ServiceError)
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
    const { path, encode, decode } = containerdProtocol.method(`containerd.services.${service}`, method)
    const call = this.#client.makeBidiStreamRequest(path, encode, decode, this.#metadata(lease), {})
    const answered = new Promise<void>((resolve, reject) => {
      call.on('data', () => {})
      call.on('end', resolve)
      call.on('error', error => reject(this.#explain(path, error as ServiceError)))
    })
    // Told below, or instead of what the requests throw.
    answered.catch(() => {})
    try {
      for await (const request of requests)
        if (!call.write(request)) await Promise.race([once(call, 'drain'), answered])
      call.end()
    } catch (error) {
      call.cancel()
      throw error
    }
    await answered
  }

  #metadata(lease: string | undefined): Metadata {
    if (lease === undefined) return this.#namespace
    const metadata = this.#namespace.clone()
    metadata.set('containerd-lease', lease)
    return metadata
  }

  [Symbol.dispose]() {
    this.#client.close()
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

  #call<T>({ path, encode, decode }: Method, request: object, limits: CallLimits = {}): Promise<T> {
    return new Promise((resolve, reject) => {
      const { signal } = limits
      if (signal?.aborted) return reject(signal.reason)
      const options: CallOptions = {}
      const call = this.#client.makeUnaryRequest(
        path,
        encode,
        decode,
        request,
        this.#metadata(limits.lease),
        options,
        (error, reply) => {
          cancelTimer()
          signal?.removeEventListener('abort', onAbort)
          if (!error) resolve(reply as T)
          else if (signal?.aborted) reject(signal.reason)
          else if (timedOut)
            reject(new CallFailed(path, status.DEADLINE_EXCEEDED, `no answer from ${this.socket} in time`))
          else reject(this.#explain(path, error))
        },
      )
      let timedOut = false
      const cancelTimer = this.#clock.schedule(limits.timeoutMs ?? 120_000, () => {
        timedOut = true
        call.cancel()
      })
      const onAbort = () => call.cancel()
      // One signal may stand for a whole node: any number of calls is no leak.
      if (signal) setMaxListeners(0, signal)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  #explain(path: string, error: ServiceError): Error {
    const details = error.details ?? error.message
    // The server also answers UNAVAILABLE (a registry is down); only the transport's own means that it is away.
    if (
      error.code === status.UNAVAILABLE &&
      /No connection established|Connection dropped|ECONNRE|ENOENT|socket|goaway|GOAWAY|is not ready|shutdown|closed/i.test(
        details,
      ) &&
      !/pull/.test(details)
    )
      return new RuntimeUnavailable(`the container runtime at ${this.socket} does not answer`, {
        cause: new Error(details),
        hint: 'See whether containerd runs (systemctl status containerd) and whether the socket path is right.',
      })
    return new CallFailed(path, error.code, details)
  }
}
