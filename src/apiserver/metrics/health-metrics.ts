import { Counter, Gauge, Registry } from 'prom-client'
import { type HealthChecks, runCheck } from '../health/health.ts'

/** How reliable the server is, check by check: what /metrics/slis tells. Every scrape runs the checks once. */
export class HealthMetrics {
  readonly #registry = new Registry()
  readonly #last = new Gauge({
    name: 'kubernetes_healthcheck',
    help: 'What a health check said last: 1 if it passed, 0 if not.',
    labelNames: ['name', 'type'],
    registers: [this.#registry],
  })
  readonly #count = new Counter({
    name: 'kubernetes_healthchecks_total',
    help: 'Health checks run for this page, by outcome.',
    labelNames: ['name', 'type', 'status'],
    registers: [this.#registry],
  })
  readonly contentType = this.#registry.contentType

  async text({ live, ready }: HealthChecks): Promise<string> {
    const sets = [
      ['livez', live],
      ['healthz', live],
      ['readyz', ready],
    ] as const
    for (const [type, checks] of sets)
      for (const [name, check] of checks) {
        const passed = (await runCheck(check)) === undefined
        this.#last.set({ name, type }, passed ? 1 : 0)
        this.#count.inc({ name, type, status: passed ? 'success' : 'error' })
      }
    return this.#registry.metrics()
  }
}
