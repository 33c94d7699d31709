import type { Client, Metadata } from '@grpc/grpc-js'
import type { Method } from './protobuf-protocol.ts'

/**
 * The replies of a call that streams them, until the server ends it, the caller stops reading, or the signal aborts (silently).
 * @throws ServiceError of gRPC, as it came
 */
export async function* grpcReplies<T>(
  client: Client,
  { path, encode, decode }: Method,
  request: object,
  metadata: Metadata,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  if (signal.aborted) return
  const call = client.makeServerStreamRequest(path, encode, decode, request, metadata, {})
  const cancel = () => call.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  try {
    for await (const message of call) yield message as T
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    signal.removeEventListener('abort', cancel)
    // A call that is left early still reports its own cancellation.
    call.on('error', () => {})
    call.cancel()
  }
}
