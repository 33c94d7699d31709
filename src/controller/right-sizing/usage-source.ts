import type { Clock } from '../../base/clock.ts'
import { quantityToFloat } from '../../base/quantity.ts'
import type { Client } from '../../client/client.ts'
import { PodMetrics } from '../../models/kinds/index.ts'

/** What the containers of one pod used, at one moment. */
export interface PodUsage {
  /** Wall time. */
  atMs: number
  containers: { name: string; cores: number; bytes: number }[]
}

/** The pods of a namespace by name; those that say nothing are missing. */
export type UsageSource = (namespace: string) => Promise<Map<string, PodUsage>>

/** metrics.k8s.io, whoever serves it. */
export function apiUsage(client: Client): UsageSource {
  return async namespace => {
    const { items } = await client.list(PodMetrics, { namespace })
    return new Map(
      items.map(({ metadata, timestamp, containers }) => [
        metadata.name,
        {
          atMs: Date.parse(timestamp),
          containers: containers.map(({ name, usage }) => ({
            name,
            cores: quantityToFloat(usage['cpu'] ?? '0'),
            bytes: quantityToFloat(usage['memory'] ?? '0'),
          })),
        },
      ]),
    )
  }
}

/** The same answer for all who ask about a namespace within so many milliseconds. */
export function sharedUsage(source: UsageSource, clock: Clock, freshMs: number): UsageSource {
  const known = new Map<string, { askedAtMs: number; usages: ReturnType<UsageSource> }>()
  return namespace => {
    const nowMs = clock.monotonicMs()
    const last = known.get(namespace)
    if (last && nowMs - last.askedAtMs < freshMs) return last.usages
    for (const [name, { askedAtMs }] of known) if (nowMs - askedAtMs >= freshMs) known.delete(name)
    const usages = source(namespace)
    known.set(namespace, { askedAtMs: nowMs, usages })
    return usages
  }
}
