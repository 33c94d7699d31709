import type { Duplex } from 'node:stream'
import type { ApiReply } from '../../models/rest.ts'

/**
 * A reply that hands over the connection: the backend has answered 101, and from now on bytes go both ways untouched.
 * Transports that cannot do that close `backend`.
 */
export interface TunnelReply extends ApiReply {
  tunnel: { backend: Duplex; head: Buffer }
}

export function isTunnel(reply: ApiReply): reply is TunnelReply {
  return 'tunnel' in reply
}
