import { Server, ServerCredentials, type ServerUnaryCall, type ServerWritableStream, status } from '@grpc/grpc-js'
import { explain } from '../base/errors.ts'
import type { Protocol } from '../base/protobuf-protocol.ts'

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
  constructor(code: keyof typeof status, message: string) {
    super(message)
    this.code = status[code]
  }
}

/** Serves gRPC on a unix socket, which must not be there yet. */
export async function servePlugin(socket: string, services: ServedService[]): Promise<AsyncDisposable> {
  const server = new Server()
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
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), error => (error ? reject(error) : resolve()))
  })
  return {
    async [Symbol.asyncDispose]() {
      server.forceShutdown()
    },
  }
}

function answered(method: Unary) {
  return (call: ServerUnaryCall<any, any>, reply: (error: object | null, value?: object) => void) => {
    Promise.resolve()
      .then(() => method(call.request))
      .then(
        value => reply(null, value),
        error => reply({ code: error instanceof Refusal ? error.code : status.INTERNAL, details: explain(error) }),
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
