import type { Cancel, Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Net } from '../../base/net.ts'
import { hostPort } from '../backend-client.ts'
import type { Balancer } from '../balancer.ts'
import type { Endpoint, RoutingTable } from '../routing-table.ts'
import type { HealthCheck } from './policy.ts'

interface Watched {
  endpoint: Endpoint
  check: HealthCheck
  /** Answers in a row that say the opposite of what is believed. */
  against: number
  well: boolean
  stop: AbortController
  cancel: Cancel
}

export interface HealthChecksOptions {
  net: Net
  clock: Clock
  log: Logger
  balancer: Balancer
}

/** Asks the endpoints of routes that want it how they are, and tells the balancer. */
export class HealthChecks implements Disposable {
  readonly #options: HealthChecksOptions
  readonly #watched = new Map<string, Watched>()

  constructor(options: HealthChecksOptions) {
    this.#options = options
  }

  /** Asks just the endpoints of this table. A new one counts as well: Kubernetes says that it is ready. */
  follow(table: RoutingTable): void {
    const wanted = wantedOf(table)
    for (const [key, watched] of this.#watched) if (!wanted.has(key)) this.#end(key, watched)
    for (const [key, { endpoint, check }] of wanted) {
      if (this.#watched.has(key)) continue
      const watched: Watched = {
        ...{ endpoint, check, against: 0, well: true },
        stop: new AbortController(),
        cancel: () => {},
      }
      this.#watched.set(key, watched)
      this.#next(watched, 0)
    }
  }

  [Symbol.dispose](): void {
    for (const [key, watched] of this.#watched) this.#end(key, watched)
  }

  #end(key: string, { endpoint, stop, cancel }: Watched): void {
    this.#watched.delete(key)
    cancel()
    stop.abort()
    this.#options.balancer.well(endpoint, key)
  }

  #next(watched: Watched, delayMs: number): void {
    watched.cancel = this.#options.clock.schedule(delayMs, () => void this.#look(watched))
  }

  async #look(watched: Watched): Promise<void> {
    const { endpoint, check, stop } = watched
    const good = await this.#ask(watched)
    if (stop.signal.aborted) return
    watched.against = good === watched.well ? 0 : watched.against + 1
    if (watched.against >= (good ? check.successThreshold : check.failureThreshold)) {
      watched.well = good
      watched.against = 0
      const key = keyOf(endpoint, check)
      if (good) this.#options.balancer.well(endpoint, key)
      else this.#options.balancer.ill(endpoint, key)
      this.#options.log.info({ endpoint: hostPort(endpoint), path: check.path }, good ? 'well again' : 'not well')
    }
    this.#next(watched, check.intervalMs)
  }

  async #ask({ endpoint, check, stop }: Watched): Promise<boolean> {
    try {
      const { status } = await this.#options.net.request(`http://${hostPort(endpoint)}${check.path}`, {
        ...{ timeoutMs: check.timeoutMs, signal: stop.signal, maxBytes: 0 },
        headers: { 'user-agent': 'optiflow-gateway' },
      })
      return status >= 200 && status < 400
    } catch {
      return false
    }
  }
}

function wantedOf(table: RoutingTable): Map<string, { endpoint: Endpoint; check: HealthCheck }> {
  const wanted = new Map<string, { endpoint: Endpoint; check: HealthCheck }>()
  for (const { hosts } of table.ports.values())
    for (const { action } of [...hosts.values()].flat()) {
      const check = action.policy?.healthCheck
      if (!check) continue
      for (const { backend } of action.backends)
        for (const endpoint of backend.endpoints) wanted.set(keyOf(endpoint, check), { endpoint, check })
    }
  return wanted
}

const keyOf = (endpoint: Endpoint, check: HealthCheck) => `${hostPort(endpoint)} ${JSON.stringify(check)}`
