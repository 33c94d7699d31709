import type { Registry } from 'prom-client'
import { type HistogramTally, type Tally, TallyCounter, TallyHistogram } from '../../base/tallies.ts'
import type { UserInfo } from '../../models/rest.ts'
import type { Decision } from '../authz/authorizer.ts'

const results = ['success', 'failure'] as const
const verdicts = ['allowed', 'denied', 'no-opinion', 'error'] as const
/** Seconds, each twice the one before: from a millisecond to half a minute. */
const buckets = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i)
const [minute, hour, day] = [60, 3_600, 86_400]
const lifetimes = [
  0,
  30 * minute,
  hour,
  2 * hour,
  6 * hour,
  12 * hour,
  ...[1, 2, 4, 7, 30, 90, 180, 360].map(d => d * day),
]
/** Users that are told apart by name; there may be any number of others. */
const wellKnown = new Set(['admin', 'client', 'kube_proxy', 'kubelet', 'system:serviceaccount:kube-system:default'])

interface Counted {
  count: Tally
  duration: HistogramTally
}

/** Who comes and what they may, under upstream's names. What is asked within this process comes with its user and is not counted. */
export class AccessMetrics {
  readonly #users: TallyCounter
  readonly #attempts: Record<(typeof results)[number], Counted>
  readonly #verdicts: Record<(typeof verdicts)[number], Counted>
  readonly #lifetimes: HistogramTally

  constructor(registers: Registry[]) {
    this.#users = new TallyCounter({
      name: 'authenticated_user_requests',
      help: 'Requests of users that are known, by name; those that are not well-known are counted together.',
      labelNames: ['username'],
      registers,
    })
    this.#attempts = counted(results, registers, 'authentication_attempts', 'authentication_duration_seconds')
    this.#verdicts = counted(verdicts, registers, 'authorization_attempts_total', 'authorization_duration_seconds')
    this.#lifetimes = new TallyHistogram({
      name: 'apiserver_client_certificate_expiration_seconds',
      help: 'For how long the certificates are valid that requests come with.',
      buckets: lifetimes,
      registers,
    }).of()
  }

  /** @param user undefined: nobody knows who it is */
  identified(user: UserInfo | undefined, ms: number): void {
    if (user) this.#users.of({ username: shownName(user.username) }).inc()
    note(this.#attempts[user ? 'success' : 'failure'], ms)
  }

  decided(decision: Decision, ms: number): void {
    note(this.#verdicts[verdictOf(decision)], ms)
  }

  /** A request came with a client certificate. */
  certified(remainingMs: number): void {
    this.#lifetimes.observe(remainingMs / 1000)
  }
}

function counted<Result extends string>(all: readonly Result[], registers: Registry[], total: string, seconds: string) {
  const about = { labelNames: ['result'], registers }
  const counts = new TallyCounter({ name: total, help: 'Requests that were looked at, by what came of it.', ...about })
  const times = new TallyHistogram({ name: seconds, help: 'Time until that was known.', buckets, ...about })
  const series = all.map(result => [result, { count: counts.of({ result }), duration: times.of({ result }) }])
  return Object.fromEntries(series) as Record<Result, Counted>
}

function note({ count, duration }: Counted, ms: number): void {
  count.inc()
  duration.observe(ms / 1000)
}

function verdictOf(decision: Decision): (typeof verdicts)[number] {
  if (decision.allowed) return 'allowed'
  if (decision.error !== undefined) return 'error'
  return decision.denied ? 'denied' : 'no-opinion'
}

function shownName(username: string): string {
  if (wellKnown.has(username)) return username
  return username.includes('@') ? 'email_id' : 'other'
}
