import type { Clock } from '../base/clock.ts'
import type { Cache, Reconciler } from '../client/reconciler.ts'
import { isNotFound } from '../models/api-error.ts'
import { Node } from '../models/kinds/index.ts'

const ttlAnnotation = 'node.alpha.kubernetes.io/ttl'
/** Nodes are counted anew after this: thousands of heartbeats ask. */
const countedForMs = 1_000

/** Up to so many nodes, and from so few on, an answer may be so old; they overlap, so that a node that comes and goes changes nothing. */
const steps = [
  { fewest: 0, most: 100, ttlSeconds: 0 },
  { fewest: 90, most: 500, ttlSeconds: 15 },
  { fewest: 450, most: 1_000, ttlSeconds: 30 },
  { fewest: 900, most: 2_000, ttlSeconds: 60 },
  { fewest: 1_800, most: Infinity, ttlSeconds: 300 },
] as const

/** Says on each node how long its agent may keep Secrets and ConfigMaps without asking again: the longer, the more nodes there are. */
export function nodeTtlReconciler(): Reconciler {
  const size = new ClusterSize()
  return {
    name: 'node-ttl',
    primary: Node,
    writes: [{ kind: Node, part: 'metadata' }],
    async reconcile(key, { cache, client, clock }) {
      const node = cache.get(Node, key)
      if (!node) return
      const ttl = String(size.ttlSeconds(cache, clock))
      if (node.metadata.annotations?.[ttlAnnotation] === ttl) return
      const body = { metadata: { annotations: { [ttlAnnotation]: ttl } } }
      await client.patch(Node, key, { type: 'merge', body }).catch(error => {
        if (!isNotFound(error)) throw error
      })
    },
  }
}

class ClusterSize {
  #step = 0
  #countedMs = -Infinity

  ttlSeconds(cache: Cache, clock: Clock): number {
    if (clock.monotonicMs() - this.#countedMs >= countedForMs) {
      this.#countedMs = clock.monotonicMs()
      this.#step = stepFor(cache.list(Node).length, this.#step)
    }
    return steps[this.#step]!.ttlSeconds
  }
}

/** @returns the step of a cluster of so many nodes, coming from `step` */
export function stepFor(nodes: number, step: number): number {
  while (nodes > steps[step]!.most) step++
  while (nodes < steps[step]!.fewest) step--
  return step
}
