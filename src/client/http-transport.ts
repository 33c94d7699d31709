import type { Dispatcher } from 'undici'
import { isAbort } from '../base/errors.ts'
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
  const connect = {
    timeout: options.connectTimeoutMs ?? 10_000,
    ...(options.ca ? { ca: options.ca } : {}),
    ...(options.cert ? { cert: options.cert } : {}),
    ...(options.key ? { key: options.key } : {}),
    ...(options.serverName ? { servername: options.serverName } : {}),
    rejectUnauthorized: !options.insecure,
  }
  const headersTimeout = options.requestTimeoutMs ?? 65_000
  const common = { connect, headersTimeout, keepAliveTimeout: 30_000, allowH2: false }
  // Loaded by those who call a server: a server that only calls itself starts sooner without.
  const open = async () => {
    // From the default export: a bundle of a CommonJS package loaded late has no other.
    const { Agent } = (await import('undici')).default
    const calls = new Agent({ ...common, connections: options.connections ?? 32, bodyTimeout: 65_000 })
    return { calls, streams: new Agent({ ...common, bodyTimeout: 0 }) }
  }
  let agents: ReturnType<typeof open> | undefined
  const base: Record<string, string> = { 'user-agent': options.userAgent ?? 'optiflow' }

  const bearer = async () => (typeof options.token === 'function' ? await options.token() : options.token)

  return {
    async send(request): Promise<ApiReply> {
      const headers: Record<string, string> = { ...base, ...request.headers }
      const token = await bearer()
      if (token) headers['authorization'] = `Bearer ${token}`
      try {
        agents ??= open()
        const reply = await (await agents)[request.stream ? 'streams' : 'calls'].request({
          origin: server,
          path: request.url,
          method: request.method as Dispatcher.HttpMethod,
          headers,
          body: request.body ?? null,
          ...(request.signal ? { signal: request.signal } : {}),
        })
        const replyHeaders: ApiReply['headers'] = {}
        for (const [name, value] of Object.entries(reply.headers)) if (value !== undefined) replyHeaders[name] = value
        if (request.stream && reply.statusCode < 400)
          return { status: reply.statusCode, headers: replyHeaders, body: streamed(reply.body, server, request.signal) }
        return { status: reply.statusCode, headers: replyHeaders, body: new Uint8Array(await reply.body.arrayBuffer()) }
      } catch (cause) {
        throw lost(cause, server, request.signal)
      }
    },
    async [Symbol.asyncDispose]() {
      const opened = await agents?.catch(() => undefined)
      await Promise.all([opened?.calls.destroy(), opened?.streams.destroy()])
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
  return signal?.aborted || isAbort(cause) ? cause : new ServerUnreachable(server, { cause })
}
