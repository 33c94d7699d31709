import type { Duplex } from 'node:stream'
import type { Server, ServerUnaryCall, ServerWritableStream } from '@grpc/grpc-js'
import { explain } from '../base/errors.ts'
import { loadGrpc } from '../base/grpc/late.ts'
import { grpcStatus } from '../base/grpc/status.ts'
import type { Protocol } from '../base/protobuf-protocol.ts'
import { listenOnSocket } from '../base/socket-server.ts'

type Unary = (request: any) => Promise<object> | object
/** Sends replies until the caller goes away, which the signal tells. */
type Streaming = (request: any, send: (reply: object) => void, gone: AbortSignal) => void

export interface ServedService {
  protocol: Protocol
  /** Full name, such as `v1beta1.Registration`. */
  service: string
  /** By the methods' names; what is missing answers Unimplemented. */
  methods: Record<string, Unary | Streaming>
}

/** What a method throws to choose the gRPC code; all else is Internal. */
export class Refusal extends Error {
  readonly code: number
  constructor(code: keyof typeof grpcStatus, message: string) {
    super(message)
    this.code = grpcStatus[code]
  }
}

/**
 * Serves gRPC on a unix socket, which must not be there yet. Most nodes have no plugin that ever calls: what it takes to
 * answer, some eight megabytes, is loaded for the first that does.
 */
export async function servePlugin(socket: string, services: ServedService[]): Promise<AsyncDisposable> {
  let answering: Promise<Answering> | undefined
  const listening = await listenOnSocket(socket, connection => {
    answering ??= startAnswering(services)
    answering.then(
      ({ take }) => take(connection),
      () => connection.destroy(),
    )
  })
  return {
    async [Symbol.asyncDispose]() {
      listening[Symbol.dispose]()
      const started = await answering?.catch(() => undefined)
      started?.server.forceShutdown()
    },
  }
}

interface Answering {
  server: Server
  take(connection: Duplex): void
}

async function startAnswering(services: ServedService[]): Promise<Answering> {
  const grpc = await loadGrpc()
  const server = new grpc.Server()
  for (const { protocol, service, methods } of services) {
    const definition: Record<string, any> = {}
    const implementation: Record<string, any> = {}
    for (const name of protocol.methods(service)) {
      const { path, decodeRequest, encode, encodeReply, decode, streams } = protocol.method(service, name)
      definition[name] = {
        path,
        requestStream: false,
        responseStream: streams,
        requestSerialize: encode,
        requestDeserialize: decodeRequest,
        responseSerialize: encodeReply,
        responseDeserialize: decode,
      }
      const method = methods[name]
      if (method) implementation[name] = streams ? streamed(method as Streaming) : answered(method as Unary)
    }
    server.addService(definition, implementation)
  }
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure())
  return { server, take: connection => injector.injectConnection(connection) }
}

function answered(method: Unary) {
  return (call: ServerUnaryCall<any, any>, reply: (error: object | null, value?: object) => void) => {
    Promise.resolve()
      .then(() => method(call.request))
      .then(
        value => reply(null, value),
        error => reply({ code: error instanceof Refusal ? error.code : grpcStatus.INTERNAL, details: explain(error) }),
      )
  }
}

function streamed(method: Streaming) {
  return (call: ServerWritableStream<any, any>) => {
    const gone = new AbortController()
    call.on('cancelled', () => gone.abort())
    call.on('close', () => gone.abort())
    call.on('error', () => gone.abort())
    method(call.request, value => void (gone.signal.aborted || call.write(value)), gone.signal)
  }
}
