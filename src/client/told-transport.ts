import type { Clock } from '../base/clock.ts'
import type { Transport } from './transport.ts'

/** One request to the API server and what came of it. */
export interface TransportCall {
  method: string
  /** As given: where the server is. */
  host: string
  /** The reply's status; `<error>` when there was none, as client-go counts it. */
  code: string
  /** Until the reply's head of a stream, else until its end. */
  seconds: number
}

/** The same transport, which tells of each request: for those who count them. */
export function toldTransport(
  transport: Transport,
  { host, clock, tell }: { host: string; clock: Clock; tell: (call: TransportCall) => void },
): Transport {
  return {
    async send(request) {
      const { method } = request
      const began = clock.monotonicMs()
      const seconds = () => (clock.monotonicMs() - began) / 1000
      try {
        const reply = await transport.send(request)
        tell({ method, host, code: String(reply.status), seconds: seconds() })
        return reply
      } catch (error) {
        if (!request.signal?.aborted) tell({ method, host, code: '<error>', seconds: seconds() })
        throw error
      }
    },
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  }
}
