import type { Readable } from 'node:stream'
import { bracketed } from '../../base/ip.ts'
import { type HttpStream, type Net, systemNet } from '../../base/net.ts'

/** Where a node's agent is to be reached. */
export interface NodeAddress {
  name: string
  host: string
  port: number
}

export interface NodeRequest {
  method: string
  /** Path and query, as kubelet has them. */
  path: string
  headers: Record<string, string>
  body?: Uint8Array | Readable | undefined
  signal: AbortSignal
}

/** Asks the agent of a node something. */
export interface NodeDialer {
  open(node: NodeAddress, request: NodeRequest): Promise<HttpStream>
}

export interface TlsNodeDialerOptions {
  /** PEM of what the API server shows to agents, if anything. */
  cert?: string
  key?: string
  /** PEM of the authority that signed the agents' certificates. Without it any agent is believed. */
  ca?: string
  net?: Net
}

const connectTimeoutMs = 10_000

/** Over TLS, with our client certificate. */
export function tlsNodeDialer(options: TlsNodeDialerOptions): NodeDialer {
  const net = options.net ?? systemNet
  return {
    open({ name, host, port }, { method, path, headers, body, signal }) {
      const authority = `${bracketed(host)}:${port}`
      return net.stream(`https://${authority}${path}`, {
        method,
        // Nodes of one process share a server, which tells them apart by this; the certificate is still for the address.
        headers: { ...headers, host: `${name}:${port}` },
        serverName: '',
        ...(body ? { body } : {}),
        signal,
        timeoutMs: connectTimeoutMs,
        ...(options.cert && options.key ? { cert: options.cert, key: options.key } : {}),
        ...(options.ca ? { ca: options.ca } : { insecure: true }),
      })
    },
  }
}
