import { finished } from 'node:stream/promises'
import type { Agent, Dispatcher } from 'undici'
import { Http2Client } from '../base/http2-client.ts'
import { bracketed } from '../base/ip.ts'
import type { WebHeaders, WebResponse } from '../base/web-server.ts'
import { endToEnd, type Headers } from './headers.ts'
import { PassingOn } from './passing-on.ts'
import type { Backend, Endpoint } from './routing-table.ts'

const connectMs = 3_000

export interface BackendQuestion {
  method: string
  url: string
  headers: Headers
  /** Read when somebody wants it: a connection that fails leaves the body for the next try. */
  body: (() => AsyncIterable<Buffer>) | undefined
  /** Undefined: nobody ends it early. */
  signal: AbortSignal | undefined
  /** Until the answer's head is there, in milliseconds. */
  headMs: number
}

/** A small question of the gateway's own. */
export interface SmallQuestion {
  /** And query. */
  path: string
  headers: Headers
  timeoutMs: number
  /** An answer that is longer is an error. */
  mostBytes: number
}

export interface SmallAnswer {
  status: number
  headers: WebHeaders
  body: Buffer
}

/** Begins the answer to the client; what the backend sends on is written there. */
export type BeginAnswer = (status: number, headers: Headers) => WebResponse

/** Asks endpoints in the protocol that their backend speaks. */
export class BackendClient implements AsyncDisposable {
  #agent: Promise<Agent> | undefined
  #http2: Http2Client | undefined

  /** Resolves when the answer has been passed on whole. */
  async ask(endpoint: Endpoint, { h2c }: Backend, question: BackendQuestion, begin: BeginAnswer): Promise<void> {
    if (h2c) return this.#askHttp2(endpoint, question, begin)
    const { method, url, headers, body, signal, headMs } = question
    this.#agent ??= openAgent()
    const agent = await this.#agent
    await new Promise<void>((done, failed) =>
      agent.dispatch(
        {
          origin: `http://${hostPort(endpoint)}`,
          path: url,
          method: method as Dispatcher.HttpMethod,
          headers,
          body: body ? (body() as any) : null,
          headersTimeout: headMs,
        },
        new PassingOn({ begin: (status, sent) => begin(status, endToEnd(sent)), signal, done, failed }),
      ),
    )
  }

  /** Asks over HTTP/1.1 and keeps the answer. */
  async fetch(endpoint: Endpoint, question: SmallQuestion): Promise<SmallAnswer> {
    const { path, headers, timeoutMs, mostBytes } = question
    this.#agent ??= openAgent()
    const {
      statusCode,
      headers: sent,
      body,
    } = await (await this.#agent).request({
      ...{ origin: `http://${hostPort(endpoint)}`, path, method: 'GET', headers },
      signal: AbortSignal.timeout(timeoutMs),
    })
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of body) {
      bytes += chunk.length
      if (bytes > mostBytes) throw new Error(`the answer is longer than ${mostBytes} bytes`)
      chunks.push(chunk)
    }
    return { status: statusCode, headers: sent, body: Buffer.concat(chunks) }
  }

  async #askHttp2(endpoint: Endpoint, question: BackendQuestion, begin: BeginAnswer): Promise<void> {
    const { method, url, body, signal } = question
    const { host, ...headers } = question.headers
    // gRPC wants to hear that trailers are understood, in the header that otherwise ends at each hop.
    if (String(headers['content-type'] ?? '').startsWith('application/grpc')) headers['te'] = 'trailers'
    this.#http2 ??= new Http2Client()
    const answer = await this.#http2.ask(`http://${hostPort(endpoint)}`, {
      ...{ method, path: url, authority: String(host), headers, ...(signal ? { signal } : {}) },
      ...(body ? { body: body() } : {}),
    })
    const response = begin(answer.status, endToEnd(answer.headers))
    answer.body.pipe(response, { end: false })
    response.once('close', () => answer.body.destroy())
    await finished(answer.body, { writable: false })
    response.addTrailers(answer.trailers() as Record<string, string>)
    response.end()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#http2?.close()
    await (await this.#agent)?.destroy()
  }
}

/** Loaded with the first request: a cluster without traffic from outside does without. */
async function openAgent(): Promise<Agent> {
  const { Agent } = (await import('undici')).default
  return new Agent({
    connections: 256,
    pipelining: 1,
    // Below the 5 s of Node's own servers: a connection is not taken up as the backend lets it go.
    keepAliveTimeout: 4_000,
    bodyTimeout: 0,
    connect: { timeout: connectMs },
  })
}

export const hostPort = ({ ip, port }: Endpoint) => `${bracketed(ip)}:${port}`
