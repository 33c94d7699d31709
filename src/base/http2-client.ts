import * as http2 from 'node:http2'
import { Readable } from 'node:stream'

export interface Http2Question {
  method: string
  path: string
  /** Host and port, as the server is to see it. */
  authority: string
  headers: Record<string, string | string[]>
  body?: AsyncIterable<Buffer>
  signal?: AbortSignal
}

export interface Http2Answer {
  status: number
  headers: http2.IncomingHttpHeaders
  /** Destroy it when it is not wanted any more. */
  body: Readable
  /** After the body's end: what the server said last, such as how a gRPC call ended. */
  trailers(): Record<string, string | string[]>
}

/** HTTP/2 without TLS, spoken at once and over one kept connection a server: what gRPC servers understand. */
export class Http2Client {
  readonly #sessions = new Map<string, http2.ClientHttp2Session>()

  /** @throws when the server cannot be reached (ECONNREFUSED, …) or breaks off before its answer */
  ask(origin: string, question: Http2Question): Promise<Http2Answer> {
    return new Promise((resolve, reject) => {
      const { method, path, authority, headers, body, signal } = question
      const session = this.#session(origin)
      const stream = session.request(
        { ...headers, ':method': method, ':path': path, ':authority': authority },
        { endStream: !body, ...(signal ? { signal } : {}) },
      )
      let trailers: http2.IncomingHttpHeaders = {}
      stream.on('trailers', sent => {
        trailers = sent
      })
      // A stream that was waiting for its connection tells only with its cause why there is none.
      const fail = (error: Error & { cause?: unknown }) => reject(error.cause ?? error)
      session.once('error', fail)
      stream.once('error', fail)
      stream.once('close', () => fail(new Error('the server ended the stream without an answer')))
      stream.once('response', head => {
        session.off('error', fail)
        resolve({
          status: Number(head[':status']),
          headers: head,
          body: stream,
          trailers: () => sayable(trailers),
        })
      })
      if (body) {
        const source = Readable.from(body, { objectMode: false })
        source.on('error', () => stream.destroy())
        source.pipe(stream)
      }
    })
  }

  /** Cuts all connections. */
  close(): void {
    for (const session of this.#sessions.values()) session.destroy()
    this.#sessions.clear()
  }

  #session(origin: string): http2.ClientHttp2Session {
    const known = this.#sessions.get(origin)
    if (known && !known.closed && !known.destroyed) return known
    const session = http2.connect(origin)
    // Every request that waits for it listens.
    session.setMaxListeners(0)
    session.on('error', () => {})
    const forget = () => {
      if (this.#sessions.get(origin) === session) this.#sessions.delete(origin)
    }
    session.once('goaway', forget)
    session.once('close', forget)
    this.#sessions.set(origin, session)
    session.unref()
    return session
  }
}

function sayable(headers: http2.IncomingHttpHeaders): Record<string, string | string[]> {
  const out: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !name.startsWith(':')) out[name] = value
  return out
}
