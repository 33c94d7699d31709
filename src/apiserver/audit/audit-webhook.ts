import { type Cancel, type Clock, sleep } from '../../base/clock.ts'
import { OptiFlowError } from '../../base/errors.ts'
import type { Net } from '../../base/net.ts'
import { identityOf, type ServerConnection } from '../outgoing/configured-server.ts'
import type { AuditBackend } from './auditor.ts'

export interface AuditWebhookOptions {
  /** Where the server is and how we show ourselves to it; PEM. */
  server: ServerConnection
  /** Events in one request at most; 400 unless given. */
  maxBatch?: number
  /** How long an event waits for others at most; 30 000 unless given. */
  maxWaitMs?: number
  /** Events that may wait; 10 000 unless given. What comes then is lost, and counted. */
  maxWaiting?: number
  /** Before the second try of a request, and twice as long before each further one; 10 000 unless given. */
  firstRetryMs?: number
  net: Net
  clock: Clock
}

/** Tries of one request before its events are lost. */
const attempts = 5
const answerMs = 30_000
/** When the server closes, what waits has so long to go out. */
const lastAnswerMs = 3_000

class NotTaken extends OptiFlowError {}

/** Sends events to another server, several at a time, behind the requests. */
export class AuditWebhook implements AuditBackend {
  readonly name = 'webhook'
  onLost: AuditBackend['onLost'] = () => {}
  readonly #options: AuditWebhookOptions
  readonly #closing = new AbortController()
  #waiting: string[] = []
  #sending: Promise<void> | undefined
  #planned: Cancel | undefined

  constructor(options: AuditWebhookOptions) {
    this.#options = options
  }

  write(line: string): void {
    const { maxBatch = 400, maxWaitMs = 30_000, maxWaiting = 10_000, clock } = this.#options
    if (this.#waiting.length >= maxWaiting || this.#closing.signal.aborted) {
      this.onLost(1, new NotTaken(`${maxWaiting} events wait for ${this.#options.server.server} already`))
      return
    }
    this.#waiting.push(line)
    if (this.#waiting.length >= maxBatch) this.#send()
    else this.#planned ??= clock.schedule(maxWaitMs, () => this.#send())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    this.#planned?.()
    await this.#sending
    await this.#sendAll()
  }

  #send(): void {
    this.#planned?.()
    this.#planned = undefined
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined
    })
  }

  async #sendAll(): Promise<void> {
    const { maxBatch = 400 } = this.#options
    while (this.#waiting.length) {
      const batch = this.#waiting.splice(0, maxBatch)
      try {
        await this.#deliver(batch)
      } catch (error) {
        // A server that is gone is not waited for by one that closes.
        if (this.#closing.signal.aborted) batch.push(...this.#waiting.splice(0))
        this.onLost(batch.length, error)
      }
    }
  }

  async #deliver(batch: string[]): Promise<void> {
    const { clock, firstRetryMs = 10_000 } = this.#options
    const { signal } = this.#closing
    for (let attempt = 1; ; attempt++)
      try {
        return await this.#post(batch)
      } catch (error) {
        if (attempt >= attempts || signal.aborted) throw error
        await sleep(clock, firstRetryMs * 2 ** (attempt - 1), signal).catch(() => {})
      }
  }

  async #post(batch: string[]): Promise<void> {
    const { net, server: connection } = this.#options
    const { server, token } = connection
    const { status } = await net.request(server, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
      body: `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[${batch.join(',')}]}`,
      timeoutMs: this.#closing.signal.aborted ? lastAnswerMs : answerMs,
      ...identityOf(connection),
    })
    if (status < 200 || status > 299) throw new NotTaken(`${server} answered ${status}`)
  }
}
