import type { Backend } from '../routing-table.ts'

/** How the requests of a route are treated, as plain data. What is absent is as for any route. */
export interface Policy {
  /** All of them must let a request pass. */
  guards: readonly Guard[]
  balancing?: Balancing
  healthCheck?: HealthCheck
  retry?: Retry
  /** For the whole request, unless the route says it. */
  requestMs?: number
  /** Until a backend has answered, unless the route says it. */
  backendMs?: number
  accessLog?: boolean
}

/** What one policy asks of a request. */
export interface Guard {
  /** Names what is counted: it outlives the table. */
  id: string
  rateLimit?: RateLimit
  basic?: BasicAuth
  jwt?: JwtAuth
  forward?: ForwardAuth
  /** It cannot be carried out, so nobody passes: 500. */
  broken?: string
}

export type Balancing =
  | { type: 'LeastRequests' | 'RoundRobin' | 'SourceAddress' }
  | { type: 'Header' | 'Cookie'; name: string }

export interface HealthCheck {
  path: string
  intervalMs: number
  timeoutMs: number
  failureThreshold: number
  successThreshold: number
}

export interface RateLimit {
  /** How fast tokens come back. */
  perSecond: number
  /** Tokens at most. */
  burst: number
  by: 'Client' | 'Route' | { header: string }
}

export interface BasicAuth {
  realm: string
  /** SHA-256 of `name:password`, in hexadecimal. */
  credentials: ReadonlySet<string>
}

export interface JwtAuth {
  issuer: string
  audiences: readonly string[]
  keys: { set: string } | { url: string } | { backend: Backend; path: string }
  /** Header (lower case) → claim. */
  claimHeaders: Readonly<Record<string, string>>
}

export interface ForwardAuth {
  backend: Backend
  /** Undefined: that of the request. */
  path: string | undefined
  /** Lower case. */
  responseHeaders: readonly string[]
}

export interface Retry {
  attempts: number
  statuses: ReadonlySet<number>
}
