import { timestamp } from '../base/clock.ts'
import { explain } from '../base/errors.ts'
import { controllerRef } from '../client/owner.ts'
import type { Cache, Reconciler, World } from '../client/reconciler.ts'
import { isAlreadyExists } from '../models/api-error.ts'
import { apiVersionOf, type Kind } from '../models/kind.ts'
import { DaemonSet, Deployment, Pod, Recommendation, ReplicaSet, StatefulSet } from '../models/kinds/index.ts'
import { recommendationName } from '../models/kinds/optiflow/recommendation.ts'
import type { ObjectKey } from '../models/object.ts'
import { isPodTerminal } from '../models/pod-state.ts'
import { apiUsage, sharedUsage, type UsageSource } from './right-sizing/usage-source.ts'
import { WorkloadHistory } from './right-sizing/workload-history.ts'

/** So often usage is asked for: within the minute over which agents can tell an average. */
const everyMs = 50_000
/** Who asks together gets one answer. */
const sharedMs = 10_000
/** What is new is written so often: a server that stops without a word has forgotten no more. */
const savedEveryMs = 600_000

const sized = new Map<string, typeof Deployment | typeof StatefulSet | typeof DaemonSet>(
  [Deployment, StatefulSet, DaemonSet].map(kind => [kind.kind.toLowerCase(), kind]),
)

/** What is remembered of one workload. */
interface Known {
  uid: string
  history: WorkloadHistory
  /** Monotonic. */
  askedAtMs: number
  savedAtMs: number
  /** Wall time: of deaths for want of memory those before are known. */
  notedMs: number
}

export interface RecommendationOptions {
  /** metrics.k8s.io unless given. */
  usage?: UsageSource
}

/** Measures what workloads use and keeps for each a Recommendation of what to ask for. See docs/right-sizing.md. */
export function recommendationReconciler(options: RecommendationOptions = {}): Reconciler {
  const known = new Map<string, Known>()
  let usage: UsageSource | undefined
  return {
    name: 'recommendation',
    primary: Recommendation,
    watches: [
      ...[...sized.values()].map(kind => ({ kind, keys: (workload: Workload) => keysFor(kind, workload) })),
      ...[Pod, ReplicaSet].map(kind => ({ kind, keys: () => [] })),
    ],
    writes: [
      { kind: Recommendation, part: 'owned' },
      { kind: Recommendation, part: 'status' },
    ],
    async reconcile(key, world) {
      const { cache, client, clock } = world
      usage ??= sharedUsage(options.usage ?? apiUsage(client), clock, sharedMs)
      const text = `${key.namespace}/${key.name}`
      const target = targetOf(key, cache)
      if (!target) {
        known.delete(text)
        return removeIfNobodys(key, world)
      }
      const recommendation = cache.get(Recommendation, key) ?? (await create(key, target, world))
      if (!recommendation) return { afterMs: everyMs }
      let memory = known.get(text)
      if (memory?.uid !== target.workload.metadata.uid)
        known.set(text, (memory = remember(target, recommendation, world)))
      const nowMs = clock.monotonicMs()
      const leftMs = memory.askedAtMs + everyMs - nowMs
      if (leftMs > 0) return { afterMs: leftMs }
      memory.askedAtMs = nowMs
      if (await measure(target.workload, memory, usage, world))
        await save(recommendation, target.workload, memory, world)
      // All at one moment, so that an agent is asked once for all of them.
      return { afterMs: everyMs - (clock.now() % everyMs) || everyMs }
    },
  }
}

type Workload = Deployment | StatefulSet | DaemonSet
interface Target {
  kind: Kind<any>
  workload: Workload
}

/** Names have room for so much. */
const longestName = 253

function keysFor(kind: Kind<any>, { metadata }: Workload): ObjectKey[] {
  const name = recommendationName(kind.kind, metadata.name)
  return name.length > longestName ? [] : [{ namespace: metadata.namespace!, name }]
}

/** The workload that a recommendation's name speaks of, if it is there. */
function targetOf({ namespace, name }: ObjectKey, cache: Cache): Target | undefined {
  const dash = name.indexOf('-')
  const kind = sized.get(name.slice(0, Math.max(dash, 0)))
  const workload = kind && cache.get<Workload>(kind as Kind<any>, { namespace: namespace!, name: name.slice(dash + 1) })
  return workload && !workload.metadata.deletionTimestamp ? { kind: kind!, workload } : undefined
}

/** A workload that was deleted with its dependents orphaned leaves its recommendation without an owner. */
async function removeIfNobodys(key: ObjectKey, { cache, client }: World): Promise<void> {
  const { uid, ownerReferences } = cache.get(Recommendation, key)?.metadata ?? {}
  if (uid && !ownerReferences?.length) await client.delete(Recommendation, key, { uid })
}

async function create(
  key: ObjectKey,
  { kind, workload }: Target,
  { client }: World,
): Promise<Recommendation | undefined> {
  const { name } = workload.metadata
  const owner = { ...controllerRef(workload), blockOwnerDeletion: false }
  try {
    return await client.create(Recommendation, {
      metadata: { namespace: key.namespace!, name: key.name, ownerReferences: [owner] },
      spec: { targetRef: { apiVersion: apiVersionOf(kind), kind: kind.kind, name } },
    })
  } catch (error) {
    if (isAlreadyExists(error)) return undefined
    throw error
  }
}

/** What was known before the server was started, unless it is of an older workload of the same name. */
function remember({ workload }: Target, recommendation: Recommendation, { clock }: World): Known {
  const { uid } = workload.metadata
  const mine = recommendation.metadata.ownerReferences?.some(o => o.uid === uid) ?? true
  const status = mine ? recommendation.status : undefined
  const notedMs = Date.parse(status?.lastUpdateTime ?? workload.metadata.creationTimestamp ?? '') || clock.now()
  const history = new WorkloadHistory(status)
  return { uid, history, notedMs, askedAtMs: Number.NEGATIVE_INFINITY, savedAtMs: Number.NEGATIVE_INFINITY }
}

/** @returns whether it is time to write what is new */
async function measure(workload: Workload, memory: Known, usage: UsageSource, world: World): Promise<boolean> {
  const { cache, clock, log } = world
  const pods = podsOf(workload, cache).filter(p => !isPodTerminal(p))
  if (!pods.length) return false
  const { namespace, name } = workload.metadata
  try {
    const news = memory.history.note(pods, await usage(namespace!), memory.notedMs)
    memory.notedMs = clock.now()
    return news && clock.monotonicMs() - memory.savedAtMs >= savedEveryMs
  } catch (error) {
    log.debug({ workload: `${namespace}/${name}`, error: explain(error) }, 'usage not known')
    return false
  }
}

function podsOf(workload: Workload, cache: Cache): Pod[] {
  const { uid } = workload.metadata
  if (workload.kind !== Deployment.kind) return cache.ownedBy(Pod, uid)
  return cache.ownedBy(ReplicaSet, uid).flatMap(set => cache.ownedBy(Pod, set.metadata.uid))
}

async function save(recommendation: Recommendation, workload: Workload, memory: Known, world: World): Promise<void> {
  const { containers } = workload.spec.template.spec!
  const status = memory.history.status(containers, everyMs, timestamp(world.clock))
  const { resourceVersion, ...metadata } = recommendation.metadata
  await world.client.updateStatus(Recommendation, { ...recommendation, metadata, status } as Recommendation)
  memory.savedAtMs = world.clock.monotonicMs()
}
