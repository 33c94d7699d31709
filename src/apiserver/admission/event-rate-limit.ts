import type { Clock } from '../../base/clock.ts'
import { TokenBuckets } from '../../base/token-buckets.ts'
import { ApiError } from '../../models/api-error.ts'
import { Event, EventsEvent } from '../../models/kinds/index.ts'
import { type Admission, type AdmissionPlugin, aggregate, isOf } from './chain.ts'

export const eventLimitTypes = ['Server', 'Namespace', 'User', 'SourceAndObject'] as const

/** How many writes of Events are let through, of all together or of each who is told apart. */
export interface EventLimit {
  type: (typeof eventLimitTypes)[number]
  /** Writes a second, once the burst is used up; at least 1. */
  qps: number
  /** At least 1. */
  burst: number
  /** How many namespaces, users or objects are remembered: one that is forgotten has its whole burst again. */
  cacheSize: number
}

/** Refuses Events beyond limits, so that one noisy source does not fill the store. */
export function eventRateLimit(limits: EventLimit[], clock: Clock): AdmissionPlugin {
  const meters = limits.map(limit => new Meter(limit, clock))
  return {
    name: 'EventRateLimit',
    handles: (resource, operation) =>
      isOf(resource, Event, EventsEvent) && (operation === 'CREATE' || operation === 'UPDATE'),
    validate(admission) {
      if (admission.dryRun) return
      const refusals = meters.flatMap(meter => meter.refusal(admission) ?? [])
      if (refusals.length) throw new ApiError('TooManyRequests', `Too many requests: ${aggregate(refusals)}`)
    },
  }
}

const keys: Record<EventLimit['type'], (admission: Admission) => string> = {
  Server: () => '',
  Namespace: ({ namespace }) => namespace ?? '',
  User: ({ user }) => user.username,
  SourceAndObject: ({ object }) => {
    const source = object?.['source'] ?? object?.['deprecatedSource'] ?? {}
    const about = object?.['involvedObject'] ?? object?.['regarding'] ?? {}
    const parts = [source.component, source.host, about.kind, about.namespace, about.name, about.uid, about.apiVersion]
    return parts.map(part => part ?? '').join('')
  },
}

class Meter {
  readonly #limit: EventLimit
  readonly #buckets: TokenBuckets

  constructor(limit: EventLimit, clock: Clock) {
    this.#limit = limit
    this.#buckets = new TokenBuckets(clock, limit.cacheSize)
  }

  /** Counts a write. @returns why it is one too many */
  refusal(admission: Admission): string | undefined {
    const { type, qps, burst } = this.#limit
    const key = keys[type](admission)
    const waitMs = this.#buckets.take(key, { perSecond: qps, burst })
    return waitMs > 0 ? `limit reached on type ${type} for key ${key}` : undefined
  }
}
