import { type Clock, timestamp } from '../base/clock.ts'
import { explain } from '../base/errors.ts'
import type { HttpAnswer, HttpListener, HttpQuestion, ListenHttp } from '../base/http-listener.ts'
import type { Logger } from '../base/logger.ts'

/** Where load balancers outside ask whether a node carries Services, and where people ask how. Kube-proxy's ports. */
const places = [
  { host: '0.0.0.0', port: 10_256 },
  { host: '127.0.0.1', port: 10_249 },
] as const

/** Answers /healthz and /livez with 200 once the rules of Services are in the kernel, and /proxyMode. A port that others have is theirs. */
export class ProxyHealth implements AsyncDisposable {
  readonly #clock: Clock
  readonly #opening: Promise<(HttpListener | undefined)[]>
  #lastUpdated: string | undefined

  constructor(listen: ListenHttp, clock: Clock, log: Logger) {
    this.#clock = clock
    const open = ({ host, port }: (typeof places)[number]) =>
      listen(host, port, async question => this.#answer(question)).catch(error => {
        log.warn({ port, error: explain(error) }, "the service proxy's health is not served")
        return undefined
      })
    this.#opening = Promise.all(places.map(open))
  }

  /** The rules are as the Services want them. */
  updated(): void {
    this.#lastUpdated = timestamp(this.#clock)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const listener of await this.#opening) await listener?.close()
  }

  #answer({ path }: HttpQuestion): HttpAnswer {
    if (path === '/proxyMode') return { status: 200, headers: { 'content-type': 'text/plain' }, body: 'nftables' }
    if (path !== '/healthz' && path !== '/livez') return { status: 404 }
    const status = this.#lastUpdated === undefined ? 503 : 200
    const body = { lastUpdated: this.#lastUpdated ?? null, currentTime: timestamp(this.#clock), nodeEligible: true }
    return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  }
}
