import type { Readable } from 'node:stream'
import type { Clock } from '../../base/clock.ts'
import type { HttpStream, Net } from '../../base/net.ts'
import { parseJson } from '../../models/json.ts'
import { answerText, CallFailed, DeadlineExceeded, networkText } from './call-failed.ts'
import { authorities, type Destination, destinationUrl } from './destination.ts'
import { type Address, type Lookup, serviceEndpoint } from './service-endpoint.ts'
import { wholeBody } from './whole-body.ts'

export interface OutgoingRequest {
  method: string
  /** Path and query, instead of the destination's own path. */
  path?: string
  headers: Record<string, string | string[]>
  body?: string | Uint8Array | Readable
  /** How long until the head of the answer must be there. */
  timeoutMs?: number
  signal?: AbortSignal
  /** PEM, shown to the server as our client certificate. */
  identity?: { cert: string; key: string } | undefined
  /** Where to connect to, when it is known already. */
  address?: Address
}

export interface PostOptions {
  /** For the whole answer. The server is told, as `?timeout=10s`. */
  timeoutMs: number
  signal?: AbortSignal
  /** An answer that is longer is refused; 8 MiB unless given. */
  maxBytes?: number
  /** The header by which we say who we are. */
  authorization?: string | undefined
  /** PEM, shown to the server as our client certificate. */
  identity?: { cert: string; key: string } | undefined
}

const defaultMaxBytes = 8 << 20

/**
 * How the API server calls webhooks and extension servers. A service is called at one of its ready endpoints, under its
 * own name (`<name>.<namespace>.svc`) in TLS; certificates are always verified unless the destination says otherwise, no
 * redirect is followed, and connections are kept for the next call.
 */
export class OutgoingCalls {
  readonly #lookup: () => Lookup
  readonly #net: Net
  readonly #clock: Clock

  constructor(lookup: () => Lookup, net: Net, clock: Clock) {
    this.#lookup = lookup
    this.#net = net
    this.#clock = clock
  }

  /**
   * Posts JSON, and reads the JSON of the answer (integers beyond 2^53 as bigint).
   * @throws CallFailed with Kubernetes' words: `Post "https://…?timeout=10s": context deadline exceeded`
   */
  async post(destination: Destination, body: string | Uint8Array, options: PostOptions): Promise<unknown> {
    const url = new URL(destinationUrl(destination))
    url.search = `?timeout=${Math.ceil(options.timeoutMs / 1000)}s`
    const stop = new AbortController()
    const cancel = this.#clock.schedule(options.timeoutMs, () => stop.abort(new DeadlineExceeded()))
    const forward = () => stop.abort(options.signal?.reason)
    if (options.signal?.aborted) forward()
    options.signal?.addEventListener('abort', forward, { once: true })
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json, */*',
      'user-agent': 'kube-apiserver-admission',
      'content-length': String(Buffer.byteLength(body)),
      ...(options.authorization ? { authorization: options.authorization } : {}),
    }
    try {
      const answer = await this.open(destination, {
        method: 'POST',
        path: `${url.pathname}${url.search}`,
        headers,
        body,
        signal: stop.signal,
        identity: options.identity,
      })
      const bytes = await wholeBody(answer.body, options.maxBytes ?? defaultMaxBytes, stop.signal)
      if (answer.status < 200 || answer.status > 299)
        throw new CallFailed(answerText(answer.status, bytes, answer.headers), { status: answer.status })
      if (bytes.length === 0)
        throw new CallFailed(
          `0-length response with status code: ${answer.status} and content type: ${answer.headers['content-type'] ?? ''}`,
          { status: answer.status },
        )
      return parseAnswer(bytes)
    } catch (error) {
      if (error instanceof CallFailed && error.status !== undefined) throw error
      const cause = stop.signal.reason instanceof DeadlineExceeded ? stop.signal.reason : error
      throw new CallFailed(
        `Post ${JSON.stringify(`${destinationUrl(destination)}${url.search}`)}: ${networkText(cause, url.host)}`,
        { cause },
      )
    } finally {
      cancel()
      options.signal?.removeEventListener('abort', forward)
    }
  }

  /**
   * One request whose answer streams; any status is an answer, and a switch of protocols is passed on.
   * @throws CallFailed, ApiError ServiceUnavailable when the service has no endpoint
   */
  async open(destination: Destination, request: OutgoingRequest): Promise<HttpStream> {
    const url = destinationUrl(destination, request.path)
    const address = request.address ?? this.#addressOf(destination)
    const where = address ? `${address.host}:${address.port}` : new URL(url).host
    const { method, headers, body, timeoutMs, signal, identity } = request
    const ca = authorities(destination)
    try {
      return await this.#net.stream(url, {
        method,
        headers,
        reuse: headers['upgrade'] === undefined,
        ...(address ? { address } : {}),
        ...(body === undefined ? {} : { body }),
        ...(timeoutMs ? { timeoutMs } : {}),
        ...(signal ? { signal } : {}),
        ...(identity ?? {}),
        ...(ca ? { ca } : {}),
        ...(destination.insecure ? { insecure: true } : {}),
      })
    } catch (cause) {
      throw new CallFailed(networkText(signal?.aborted ? signal.reason : cause, where), { cause })
    }
  }

  #addressOf({ service }: Destination): Address | undefined {
    return service && serviceEndpoint(this.#lookup(), service.namespace, service.name, service.port ?? 443)
  }
}

function parseAnswer(bytes: Buffer): unknown {
  try {
    return parseJson(bytes, { exactIntegers: true }).value
  } catch (cause) {
    throw new CallFailed(`the answer is no JSON: ${(cause as Error).message}`, { cause, status: 200 })
  }
}
