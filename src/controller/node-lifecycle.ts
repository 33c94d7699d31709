import { type Clock, timestamp } from '../base/clock.ts'
import { sameMeaning } from '../base/equality.ts'
import type { Cache, Reconciler, World } from '../client/reconciler.ts'
import { isConflict, isNotFound } from '../models/api-error.ts'
import { conditionOf } from '../models/conditions.ts'
import { Lease, Node, Pod } from '../models/kinds/index.ts'
import { keyOf } from '../models/object.ts'
import { isPodReady } from '../models/pod-state.ts'
import {
  type EvictionRates,
  evictionRate,
  hasNoExecute,
  isLeftOut,
  oldLabels,
  plannedTaints,
  readyStatus,
  silentConditions,
  unreachableTaint,
  usualRates,
  wantedNoExecute,
  zoneOf,
  zoneState,
} from './node-health.ts'
import { podsByNode } from './pod-indexes.ts'

export interface ZoneMetrics {
  /** How a zone is: how many nodes it has, and how many of them are ready. */
  counted(zone: string, nodes: number, ready: number): void
  /** The pods of a node of the zone are made to leave. */
  evicted(zone: string): void
}

export interface NodeLifecycleOptions {
  /** Silence after which a node counts as unreachable; 50 000 unless given. */
  graceMs?: number
  /** The same for a node that never reported; 60 000 unless given. */
  startupGraceMs?: number
  /** How fast nodes are emptied; 0.1 nodes a second, 0.01 in a large disrupted zone unless given. */
  rates?: EvictionRates
  metrics?: ZoneMetrics
}

const leaseNamespace = 'kube-node-lease'
/** A taint that may not be set yet is tried again after this. */
const lookAgainMs = 1_000

/**
 * Watches nodes' heartbeats: a silent node becomes Unknown, its pods unready; taints say so to the scheduler, and, at a limited rate,
 * make pods leave. Silence is measured by our own monotonic clock from the moment a heartbeat was seen, so that no clock that jumps
 * makes nodes look dead.
 */
export function nodeLifecycleReconciler(options: NodeLifecycleOptions = {}): Reconciler {
  const { graceMs = 50_000, startupGraceMs = 60_000, rates = usualRates, metrics } = options
  const heartbeats = new Heartbeats()
  const known = new Map<string, Node>()
  const zones = new Zones(rates, metrics)
  return {
    name: 'node-lifecycle',
    eventsFrom: 'node-controller',
    primary: Node,
    watches: [
      {
        kind: Lease,
        keys: ({ metadata }: Lease) => (metadata.namespace === leaseNamespace ? [{ name: metadata.name }] : []),
      },
      { kind: Pod, keys: () => [] },
    ],
    writes: [
      { kind: Node, part: 'owned' },
      { kind: Node, part: 'condition' },
      { kind: Pod, part: 'condition' },
    ],
    concurrency: 1,
    async reconcile({ name }, world) {
      const { cache, clock, events } = world
      const tell = (about: Node, reason: string, text: string) =>
        events.normal(about, reason, `Node ${name} event: ${text}`)
      let node = cache.get(Node, { name })
      if (!node) {
        const gone = known.get(name)
        if (gone && known.delete(name)) tell(gone, 'RemovingNode', `Removing Node ${name} from Controller`)
        return heartbeats.forget(name)
      }
      if (known.get(name)?.metadata.uid !== node.metadata.uid)
        tell(node, 'RegisteredNode', `Registered Node ${name} in Controller`)
      known.set(name, node)
      if (zones.sawRecovery(cache, clock)) heartbeats.restart(clock)
      const silentMs = heartbeats.silence(node, cache.get(Lease, { namespace: leaseNamespace, name }), clock)
      const grace = conditionOf(node.status?.conditions, 'Ready') ? graceMs : startupGraceMs
      if (silentMs > grace) node = await markUnknown(world, node)
      const wait = await taint(world, node, zones)
      await relabel(world, node)
      if (wantedNoExecute(node) === unreachableTaint)
        await markPodsUnready(world, cache.byIndex(podsByNode, name).filter(isPodReady))
      const untilSilent = wantedNoExecute(node) === unreachableTaint ? Infinity : Math.max(grace - silentMs, 0) + 1
      const afterMs = Math.min(wait, untilSilent)
      return Number.isFinite(afterMs) ? { afterMs } : undefined
    },
  }
}

/** When each node was last heard of, on our monotonic clock. */
class Heartbeats {
  readonly #seen = new Map<string, { uid: string; renewed: string; posted: string; atMs: number }>()

  /** How long a node has been silent, in milliseconds; 0 when it is seen for the first time. */
  silence(node: Node, lease: Lease | undefined, clock: Clock): number {
    const nowMs = clock.monotonicMs()
    const { name, uid } = node.metadata
    const renewed = lease?.spec?.renewTime ?? ''
    const posted = conditionOf(node.status?.conditions, 'Ready')?.lastHeartbeatTime ?? ''
    const seen = this.#seen.get(name)
    // A status that says Unknown is our own verdict, no sign of life.
    const heard = seen?.renewed !== renewed || (seen.posted !== posted && readyStatus(node) !== 'Unknown')
    const atMs = seen?.uid !== uid || heard ? nowMs : seen.atMs
    this.#seen.set(name, { uid, renewed, posted, atMs })
    return nowMs - atMs
  }

  forget(name: string): void {
    this.#seen.delete(name)
  }

  /** Everybody gets a full grace period again. */
  restart(clock: Clock): void {
    for (const seen of this.#seen.values()) seen.atMs = clock.monotonicMs()
  }
}

/** The state of zones, and one bucket of evictions for each. */
class Zones {
  readonly #rates: EvictionRates
  readonly #metrics: ZoneMetrics | undefined
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>()
  #summary: { atMs: number; rates: Map<string, number>; allDown: boolean } | undefined
  #wasDown = false

  constructor(rates: EvictionRates, metrics?: ZoneMetrics) {
    this.#rates = rates
    this.#metrics = metrics
  }

  /** True when not a single node is ready: then it is more likely that we are cut off than that all are dead. */
  allDown(cache: Cache, clock: Clock): boolean {
    return this.#current(cache, clock).allDown
  }

  /** True once, when nodes come back after none was ready. */
  sawRecovery(cache: Cache, clock: Clock): boolean {
    const down = this.allDown(cache, clock)
    const recovered = this.#wasDown && !down
    this.#wasDown = down
    return recovered
  }

  /** Takes one eviction of the node's zone, if there is one to take. */
  take(node: Node, cache: Cache, clock: Clock): boolean {
    const zone = zoneOf(node)
    const rate = this.#current(cache, clock).rates.get(zone) ?? this.#rates.normal
    const nowMs = clock.monotonicMs()
    const bucket = this.#buckets.get(zone) ?? { tokens: 1, atMs: nowMs }
    bucket.tokens = Math.min(bucket.tokens + ((nowMs - bucket.atMs) / 1000) * rate, 1)
    bucket.atMs = nowMs
    this.#buckets.set(zone, bucket)
    if (rate === 0 || bucket.tokens < 1 - 1e-9) return false
    bucket.tokens -= 1
    this.#metrics?.evicted(zone)
    return true
  }

  /** Counted afresh at most a few times a second: thousands of heartbeats ask. */
  #current(cache: Cache, clock: Clock) {
    const nowMs = clock.monotonicMs()
    if (this.#summary && nowMs - this.#summary.atMs < 200) return this.#summary
    const byZone = new Map<string, Node[]>()
    const nodes = cache.list(Node).filter(node => !isLeftOut(node))
    for (const node of nodes) {
      const zone = zoneOf(node)
      const members = byZone.get(zone)
      if (members) members.push(node)
      else byZone.set(zone, [node])
    }
    const rates = new Map<string, number>()
    for (const [zone, members] of byZone) {
      rates.set(zone, evictionRate(zoneState(members, this.#rates), members.length, this.#rates))
      this.#metrics?.counted(zone, members.length, members.filter(n => readyStatus(n) === 'True').length)
    }
    const allDown = nodes.length > 0 && nodes.every(n => readyStatus(n) !== 'True')
    return (this.#summary = { atMs: nowMs, rates, allDown })
  }
}

async function markUnknown(world: World, node: Node): Promise<Node> {
  const conditions = silentConditions(node, timestamp(world.clock))
  if (!conditions) return node
  const wasReady = readyStatus(node) === 'True'
  const next = structuredClone(node)
  next.status = { ...next.status, conditions }
  const written = await world.client.updateStatus(Node, next)
  if (wasReady) world.events.normal(node, 'NodeNotReady', `Node ${node.metadata.name} status is now: NodeNotReady`)
  return written
}

async function relabel({ client }: World, node: Node): Promise<void> {
  const labels = oldLabels(node)
  if (!labels) return
  try {
    await client.patch(Node, keyOf(node), { type: 'merge', body: { metadata: { labels } } })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

/** @returns when to look again, in milliseconds; Infinity when nothing is left to do */
async function taint(world: World, node: Node, zones: Zones): Promise<number> {
  const { cache, client, clock } = world
  const wanted = wantedNoExecute(node) !== undefined
  const blocked = zones.allDown(cache, clock)
  const evict = wanted && !blocked && (hasNoExecute(node) || zones.take(node, cache, clock))
  const taints = plannedTaints(node, evict, timestamp(clock))
  if (taints && !sameMeaning(taints, node.spec?.taints)) {
    const { resourceVersion } = node.metadata
    const body = { metadata: { resourceVersion }, spec: { taints: taints.length ? taints : null } }
    try {
      await client.patch(Node, keyOf(node), { type: 'merge', body })
    } catch (error) {
      if (isNotFound(error)) return Infinity
      throw error
    }
  }
  // Even when tainted: if the whole cluster falls silent after it, the taint is taken back.
  return wanted ? (evict ? 5 * lookAgainMs : lookAgainMs) : Infinity
}

/** Nobody can reach them: Services must not send anybody there. */
async function markPodsUnready(world: World, pods: readonly Pod[]): Promise<void> {
  const { client, clock, events } = world
  await Promise.all(
    pods.map(async pod => {
      const next = structuredClone(pod)
      next.status!.conditions = next.status!.conditions!.map(c =>
        c.type === 'Ready' ? { ...c, status: 'False', lastTransitionTime: timestamp(clock) } : c,
      )
      try {
        await client.updateStatus(Pod, next)
        events.warning(pod, 'NodeNotReady', 'Node is not ready')
      } catch (error) {
        if (!isNotFound(error) && !isConflict(error)) throw error
      }
    }),
  )
}
