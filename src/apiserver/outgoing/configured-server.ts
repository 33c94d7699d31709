import type { Clock } from '../../base/clock.ts'
import { KeptConnections, type Net } from '../../base/net.ts'
import { formatGoDuration } from '../../models/go-duration.ts'
import { parseJson } from '../../models/json.ts'
import { answerText, CallFailed, DeadlineExceeded, networkText } from './call-failed.ts'
import { wholeBody } from './whole-body.ts'

/** A server that an administrator named, and how we show ourselves to it; PEM. */
export interface ServerConnection {
  server: string
  ca?: string
  cert?: string
  key?: string
  token?: string
  insecure?: boolean
}

/** What of it a request over TLS is told. */
export function identityOf({ ca, cert, key, insecure }: ServerConnection) {
  return {
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
    ...(insecure ? { insecure } : {}),
  }
}

const maxAnswerBytes = 1 << 20

/** Asks such a server again and again over kept connections. */
export class ConfiguredServer implements Disposable {
  readonly #connection: ServerConnection
  readonly #net: Net
  readonly #clock: Clock
  readonly #kept = new KeptConnections()

  constructor(connection: ServerConnection, { net, clock }: { net: Net; clock: Clock }) {
    this.#connection = connection
    this.#net = net
    this.#clock = clock
  }

  [Symbol.dispose](): void {
    this.#kept[Symbol.dispose]()
  }

  /** Posts JSON to the address as it was given; the server is told, as `?timeout=3s`, how long we wait. @throws CallFailed with the status, if there was an answer at all */
  async post(body: string, timeoutMs: number): Promise<unknown> {
    const { server, token } = this.#connection
    const stop = new AbortController()
    const cancel = this.#clock.schedule(timeoutMs, () => stop.abort(new DeadlineExceeded()))
    const url = new URL(server)
    url.searchParams.set('timeout', formatGoDuration(timeoutMs))
    try {
      const answer = await this.#net.stream(url.href, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, */*',
          'content-length': String(Buffer.byteLength(body)),
          ...(token ? { authorization: `Bearer ${token}` } : {}),
        },
        body,
        reuse: this.#kept,
        signal: stop.signal,
        ...identityOf(this.#connection),
      })
      const bytes = await wholeBody(answer.body, maxAnswerBytes, stop.signal)
      const { status } = answer
      if (status < 200 || status > 299) throw new CallFailed(answerText(status, bytes, answer.headers), { status })
      return parsed(bytes, status)
    } catch (error) {
      if (error instanceof CallFailed && error.status !== undefined) throw error
      const cause = stop.signal.aborted ? stop.signal.reason : error
      throw new CallFailed(`Post ${JSON.stringify(url.href)}: ${networkText(cause, url.host)}`, { cause })
    } finally {
      cancel()
    }
  }
}

function parsed(bytes: Buffer, status: number): unknown {
  try {
    return parseJson(bytes).value
  } catch (cause) {
    throw new CallFailed(`the answer is no JSON: ${(cause as Error).message}`, { cause, status })
  }
}
