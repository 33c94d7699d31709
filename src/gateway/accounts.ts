import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { WebResponse } from '../base/web-server.ts'
import { type Asked, pathOf } from './asked.ts'
import type { RouteAction } from './routing-table.ts'

/** What is counted. `route` is `HTTPRoute default/shop`, and '' where there is none. */
export interface GatewayMetrics {
  began(): void
  /** @param status what the client got; 499: it went away before */
  ended(route: string, status: number, ms: number): void
  /** A guard let it not pass. */
  refused(route: string, reason: string): void
  /** An endpoint of a backend was asked. */
  tried(backend: string, outcome: 'answered' | 'unreached' | 'broken'): void
}

export const noMetrics: GatewayMetrics = { began() {}, ended() {}, refused() {}, tried() {} }

/** What is noted of one request while it is under way. */
export interface Visit {
  /** Endpoints that it was tried on, the last one last. */
  endpoints: string[]
}

export interface AccountsOptions {
  clock: Clock
  log: Logger
  metrics?: GatewayMetrics
}

/** Keeps count of requests, and writes down those whose route wants it. */
export class Accounts {
  readonly metrics: GatewayMetrics
  readonly #clock: Clock
  readonly #log: Logger

  constructor({ clock, log, metrics = noMetrics }: AccountsOptions) {
    this.#clock = clock
    this.#log = log
    this.metrics = metrics
  }

  begin(asked: Asked, action: RouteAction | undefined, response: WebResponse): Visit {
    const startMs = this.#clock.monotonicMs()
    const visit: Visit = { endpoints: [] }
    this.metrics.began()
    response.once('close', () => {
      const ms = this.#clock.monotonicMs() - startMs
      const status = response.writableFinished ? response.statusCode : 499
      this.metrics.ended(action?.route ?? '', status, ms)
      if (action?.policy?.accessLog) this.#write(asked, action, visit, status, ms)
    })
    return visit
  }

  /** The query is left out: it may hold what is nobody's business. */
  #write(asked: Asked, { route }: RouteAction, { endpoints }: Visit, status: number, ms: number): void {
    const { request, method, host, url, clientIp, at } = asked
    this.#log.info(
      {
        ...{ route, method, host, path: pathOf(url), status, durationMs: Math.round(ms * 10) / 10, client: clientIp },
        ...{ secure: at.secure, httpVersion: request.httpVersion, endpoints },
        ...(request.headers['user-agent'] ? { userAgent: request.headers['user-agent'] } : {}),
      },
      'request',
    )
  }
}
