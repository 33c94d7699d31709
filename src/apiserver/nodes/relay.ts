import type { Readable } from 'node:stream'
import { explain } from '../../base/errors.ts'
import type { HttpStream } from '../../base/net.ts'
import { ApiError } from '../../models/api-error.ts'
import type { ApiReply } from '../../models/rest.ts'
import type { Call, ResourceCall } from '../core.ts'
import type { NodeAddress, NodeDialer } from './node-dialer.ts'
import type { TunnelReply } from './tunnel.ts'

const notRelayed = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'proxy-connection',
  'proxy-authenticate',
])

/** @throws ApiError when nobody answers */
export async function askNode(
  dialer: NodeDialer,
  node: NodeAddress,
  call: ResourceCall,
  path: string,
  headers: Record<string, string> = {},
  body?: Uint8Array | Readable,
): Promise<HttpStream> {
  try {
    return await dialer.open(node, { method: call.request.method, path, headers, body, signal: call.request.signal })
  } catch (cause) {
    throw new ApiError(
      'InternalError',
      `the agent of node ${node.name} at ${node.host}:${node.port} does not answer: ${explain(cause)}`,
      { cause },
    )
  }
}

/** What a backend answered, as our reply; its stream goes through as it comes. */
export function relayed(answer: HttpStream): ApiReply {
  const headers: ApiReply['headers'] = {}
  for (const [name, value] of Object.entries(answer.headers))
    if (value !== undefined && !notRelayed.has(name)) headers[name] = value
  return { status: answer.status, headers, body: answer.body }
}

/** A connection that the backend has switched; only after its 101. */
export function tunnelled(answer: HttpStream): TunnelReply {
  const { socket, head } = answer.upgraded!
  const headers: ApiReply['headers'] = {}
  for (const [name, value] of Object.entries(answer.headers)) if (value !== undefined) headers[name] = value
  return { status: 101, headers, body: new Uint8Array(), tunnel: { backend: socket, head } }
}

/** The headers by which a client asks to switch protocols, for the backend. */
export function upgradeHeaders({ request }: Call): Record<string, string> | undefined {
  const { headers } = request
  if (!headers['upgrade'] || !/\bupgrade\b/i.test(headers['connection'] ?? '')) return undefined
  const out: Record<string, string> = { connection: 'Upgrade', upgrade: headers['upgrade'] }
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && (name.startsWith('sec-websocket-') || name === 'x-stream-protocol-version'))
      out[name] = value
  return out
}
