import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import type { Clock } from '../base/clock.ts'
import { OptiFlowError } from '../base/errors.ts'
import { grpcReplies } from '../base/grpc-stream.ts'
import type { Protocol } from '../base/protobuf-protocol.ts'

/** Nobody answers at the plugin's socket. */
export class PluginAway extends OptiFlowError {
  readonly socket: string
  constructor(socket: string, options: { cause?: unknown } = {}) {
    super(`the plugin at ${socket} does not answer`, { ...options, hint: 'See whether its pod runs on this node.' })
    this.socket = socket
  }
}

/** The plugin answered, and said no. */
export class PluginRefused extends OptiFlowError {
  readonly code: number
  constructor(method: string, code: number, details: string) {
    super(`rpc error: code = ${codeNames[code] ?? code} desc = ${details || method}`)
    this.code = code
  }

  /** What was asked for is not there: fine where it should go. */
  get notFound(): boolean {
    return this.code === status.NOT_FOUND
  }

  get unimplemented(): boolean {
    return this.code === status.UNIMPLEMENTED
  }
}

const codeNames: Record<number, string> = Object.fromEntries(
  Object.entries(status).flatMap(([name, code]) =>
    typeof code === 'number'
      ? [[code, name.toLowerCase().replace(/(?:^|_)(\w)/g, (_, c: string) => c.toUpperCase())]]
      : [],
  ),
)

/** A plugin has so long to answer, as kubelet gives it. */
export const callTimeoutMs = 120_000

/** gRPC to one plugin on a unix socket. It reconnects by itself; while nobody is there, calls fail with PluginAway. */
export class PluginSocket implements Disposable {
  readonly path: string
  readonly #client: Client
  readonly #clock: Clock

  /** @param path of the socket, with or without `unix://` */
  constructor(path: string, clock: Clock) {
    this.path = path.replace(/^unix:(\/\/)?/, '')
    this.#clock = clock
    this.#client = new Client(`unix:${this.path}`, credentials.createInsecure(), {
      'grpc.default_authority': 'localhost',
      'grpc.initial_reconnect_backoff_ms': 50,
      'grpc.min_reconnect_backoff_ms': 50,
      'grpc.max_reconnect_backoff_ms': 1000,
      'grpc.use_local_subchannel_pool': 1,
    })
  }

  /** @throws PluginAway, PluginRefused */
  call<T = object>(
    protocol: Protocol,
    service: string,
    name: string,
    request: object,
    timeoutMs = callTimeoutMs,
  ): Promise<T> {
    const { path, encode, decode } = protocol.method(service, name)
    return new Promise((resolve, reject) => {
      let late = false
      const call = this.#client.makeUnaryRequest(path, encode, decode, request, new Metadata(), {}, (error, reply) => {
        cancelTimer()
        if (!error) resolve(reply as T)
        else if (late) reject(new PluginRefused(path, status.DEADLINE_EXCEEDED, `no answer within ${timeoutMs} ms`))
        else reject(this.#explain(path, error))
      })
      const cancelTimer = this.#clock.schedule(timeoutMs, () => {
        late = true
        call.cancel()
      })
    })
  }

  /** Replies until the plugin ends them or goes away (rejects), or the signal aborts (silently). */
  async *stream<T>(
    protocol: Protocol,
    service: string,
    name: string,
    request: object,
    signal: AbortSignal,
  ): AsyncGenerator<T, void, undefined> {
    const method = protocol.method(service, name)
    try {
      yield* grpcReplies<T>(this.#client, method, request, new Metadata(), signal)
    } catch (error) {
      throw this.#explain(method.path, error as ServiceError)
    }
  }

  [Symbol.dispose]() {
    this.#client.close()
  }

  #explain(path: string, error: ServiceError): Error {
    const details = error.details ?? error.message
    return error.code === status.UNAVAILABLE
      ? new PluginAway(this.path, { cause: new Error(details) })
      : new PluginRefused(path, error.code, details)
  }
}
