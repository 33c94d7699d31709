import { Counter, Histogram, type Registry } from 'prom-client'

const labelNames = ['name', 'result'] as const
const seconds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** What one of those who are asked has said so far. */
export interface Tally {
  allowed: number
  denied: number
}

/** What authorizers say and how webhooks among them do, under kube-apiserver's names. */
export class AuthorizationMetrics {
  readonly #evaluations: Counter<'name' | 'result'>
  readonly #duration: Histogram<'name' | 'result'>
  readonly #failOpen: Counter<'name' | 'result'>
  readonly #excluded: Counter<'type' | 'name'>
  readonly #conditionErrors: Counter<'type' | 'name'>
  readonly #tallies = new Map<string, Tally & { type: string; name: string }>()

  constructor(registry: Registry) {
    const registers = [registry]
    const named = (name: string, help: string) => ({ name: `apiserver_authorization_${name}`, help, registers })
    this.#evaluations = new Counter({
      ...named('webhook_evaluations_total', 'Questions to authorization webhooks, by what came of them.'),
      labelNames,
    })
    this.#duration = new Histogram({
      ...named('webhook_duration_seconds', 'How long authorization webhooks took to answer.'),
      ...{ labelNames, buckets: seconds },
    })
    this.#failOpen = new Counter({
      ...named('webhook_evaluations_fail_open_total', 'Failures of authorization webhooks that counted as no opinion.'),
      labelNames,
    })
    this.#excluded = new Counter({
      ...named('match_condition_exclusions_total', 'Questions that a condition kept from a webhook.'),
      labelNames: ['type', 'name'],
    })
    this.#conditionErrors = new Counter({
      ...named('match_condition_evaluation_errors_total', 'Conditions that failed to tell.'),
      labelNames: ['type', 'name'],
    })
    const tallies = this.#tallies
    // Added up when somebody looks: each request is a decision.
    new Counter({
      ...named('decisions_total', 'Decisions of authorizers that had an opinion.'),
      labelNames: ['type', 'name', 'decision'],
      collect() {
        this.reset()
        for (const { type, name, ...tally } of tallies.values())
          for (const decision of ['allowed', 'denied'] as const)
            if (tally[decision]) this.inc({ type, name, decision }, tally[decision])
      },
    })
  }

  /** Where the decisions of the one of that type and name are counted. */
  tallyOf(type: string, name: string): Tally {
    const key = `${type}/${name}`
    let tally = this.#tallies.get(key)
    if (!tally) this.#tallies.set(key, (tally = { type, name, allowed: 0, denied: 0 }))
    return tally
  }

  asked(name: string, result: 'success' | 'timeout' | 'error', ms: number): void {
    this.#evaluations.inc({ name, result })
    this.#duration.observe({ name, result }, ms / 1000)
  }

  failedOpen(name: string, result: 'timeout' | 'error'): void {
    this.#failOpen.inc({ name, result })
  }

  excluded(name: string): void {
    this.#excluded.inc({ type: 'Webhook', name })
  }

  conditionFailed(name: string): void {
    this.#conditionErrors.inc({ type: 'Webhook', name })
  }
}
