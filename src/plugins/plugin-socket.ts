import type { Clock } from '../base/clock.ts'
import { OptiFlowError } from '../base/errors.ts'
import { GrpcClient } from '../base/grpc/client.ts'
import { GrpcFailed, grpcStatus } from '../base/grpc/status.ts'
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
    return this.code === grpcStatus.NOT_FOUND
  }

  get unimplemented(): boolean {
    return this.code === grpcStatus.UNIMPLEMENTED
  }
}

const codeNames: Record<number, string> = Object.fromEntries(
  Object.entries(grpcStatus).map(([name, code]) => [
    code,
    name.toLowerCase().replace(/(?:^|_)(\w)/g, (_, c: string) => c.toUpperCase()),
  ]),
)

/** A plugin has so long to answer, as kubelet gives it. */
export const callTimeoutMs = 120_000

/** gRPC to one plugin on a unix socket. While nobody is there, calls fail with PluginAway. */
export class PluginSocket implements Disposable {
  readonly path: string
  readonly #client: GrpcClient
  readonly #clock: Clock

  /** @param path of the socket, with or without `unix://` */
  constructor(path: string, clock: Clock) {
    this.path = path.replace(/^unix:(\/\/)?/, '')
    this.#clock = clock
    this.#client = new GrpcClient(this.path)
  }

  /** @throws PluginAway, PluginRefused */
  async call<T = object>(
    protocol: Protocol,
    service: string,
    name: string,
    request: object,
    timeoutMs = callTimeoutMs,
  ): Promise<T> {
    const method = protocol.method(service, name)
    const { reply, cancel } = this.#client.unary<T>(method, request)
    let late = false
    const cancelTimer = this.#clock.schedule(timeoutMs, () => {
      late = true
      cancel()
    })
    try {
      return await reply
    } catch (error) {
      if (late) throw new PluginRefused(method.path, grpcStatus.DEADLINE_EXCEEDED, `no answer within ${timeoutMs} ms`)
      throw this.#explain(method.path, error)
    } finally {
      cancelTimer()
    }
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
      yield* this.#client.stream<T>(method, request, {}, signal)
    } catch (error) {
      throw this.#explain(method.path, error)
    }
  }

  [Symbol.dispose]() {
    this.#client[Symbol.dispose]()
  }

  #explain(path: string, error: unknown): unknown {
    if (!(error instanceof GrpcFailed)) return error
    return error.code === grpcStatus.UNAVAILABLE
      ? new PluginAway(this.path, { cause: new Error(error.message) })
      : new PluginRefused(path, error.code, error.message)
  }
}
