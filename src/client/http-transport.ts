import { buffer } from 'node:stream/consumers'
import { isAbort } from '../base/errors.ts'
import { KeptConnections, type StreamOptions, systemNet } from '../base/net.ts'
import type { ApiReply } from '../models/rest.ts'
import { ServerUnreachable, type Transport } from './transport.ts'

export interface HttpTransportOptions {
  /** `https://127.0.0.1:6443` */
  server: string
  /** PEM of the authority that signed the server's certificate; the system's own unless given. */
  ca?: string
  /** PEM of our certificate and its key. */
  cert?: string
  key?: string
  /** The same, asked for before each request, so that renewed ones are picked up; the authority too, if it may change. */
  identity?: () => { cert?: string; key?: string; ca?: string }
  /** Bearer token; a function is asked before each request, so that rotated tokens are picked up. */
  token?: string | (() => string | Promise<string>)
  /** Accept any server certificate. */
  insecure?: boolean
  /** Name to expect in the server's certificate, if not the host's. */
  serverName?: string
  userAgent?: string
  /** Connections for plain requests; 32 unless said otherwise. Streams have their own, without limit. */
  connections?: number
  /** To connect; 10 000 unless said otherwise. */
  connectTimeoutMs?: number
  /** From request to the reply's head; 65 000 unless said otherwise (the server gives up after 60 s). */
  requestTimeoutMs?: number
}

/** HTTP/1.1 with keep-alive. Plain requests share a bounded pool; watches and log streams never starve them. */
export function httpTransport(options: HttpTransportOptions): Transport {
  const server = options.server.replace(/\/+$/, '')
  const { ca, cert, key, serverName, insecure } = options
  const common: StreamOptions = {
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
    ...(serverName ? { serverName } : {}),
    insecure: insecure ?? false,
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    timeoutMs: options.requestTimeoutMs ?? 65_000,
  }
  const calls = new KeptConnections(options.connections ?? 32)
  const streams = new KeptConnections()
  const base: Record<string, string> = { 'user-agent': options.userAgent ?? 'optiflow' }

  const bearer = async () => (typeof options.token === 'function' ? await options.token() : options.token)

  return {
    async send({ method, url, headers, body, signal, stream }): Promise<ApiReply> {
      const token = await bearer()
      try {
        const reply = await systemNet.stream(server + url, {
          ...common,
          ...options.identity?.(),
          ...(stream ? { reuse: streams } : { reuse: calls, idleTimeoutMs: 65_000 }),
          method,
          headers: { ...base, ...headers, ...(token ? { authorization: `Bearer ${token}` } : {}) },
          ...(body === undefined ? {} : { body }),
          ...(signal ? { signal } : {}),
        })
        const replyHeaders: ApiReply['headers'] = {}
        for (const [name, value] of Object.entries(reply.headers)) if (value !== undefined) replyHeaders[name] = value
        if (stream && reply.status < 400)
          return { status: reply.status, headers: replyHeaders, body: streamed(reply.body, server, signal) }
        return { status: reply.status, headers: replyHeaders, body: await buffer(reply.body) }
      } catch (cause) {
        throw lost(cause, server, signal)
      }
    },
    async [Symbol.asyncDispose]() {
      calls[Symbol.dispose]()
      streams[Symbol.dispose]()
    },
  }
}

async function* streamed(body: AsyncIterable<Uint8Array>, server: string, signal?: AbortSignal) {
  try {
    yield* body
  } catch (cause) {
    throw lost(cause, server, signal)
  }
}

function lost(cause: unknown, server: string, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason
  return isAbort(cause) ? cause : new ServerUnreachable(server, { cause })
}
