import { timestamp } from '../base/clock.ts'
import { explain } from '../base/errors.ts'
import type { Selector } from '../base/labels.ts'
import { OwnWrites } from '../client/own-writes.ts'
import { controllerOf } from '../client/owner.ts'
import { type Cache, ownerWatch, type Reconciler, type World } from '../client/reconciler.ts'
import { isConflict, isNamespaceTerminating, isNotFound } from '../models/api-error.ts'
import type { Kind } from '../models/kind.ts'
import { Pod, ReplicaSet, ReplicationController } from '../models/kinds/index.ts'
import { keyOf, type ObjectKey } from '../models/object.ts'
import { isPodActive, msUntilAvailable } from '../models/pod-state.ts'
import type { LabelSelector } from '../models/types/meta-v1.ts'
import { claim } from './claim.ts'
import { podFromTemplate } from './pod-template.ts'
import { chooseVictims, replicaDifference } from './replica-plan.ts'
import { type ReplicaOwner, replicaStatus, type ScaleOutcome, sameReplicaStatus } from './replica-status.ts'
import { isEmptySelector, lenientSelector } from './selection.ts'
import { slowStart } from './slow-start.ts'

/** Keeps as many pods as a ReplicaSet asks for. */
export function replicaSetReconciler(): Reconciler {
  return replicaReconciler(
    { name: 'replica-set', eventsFrom: 'replicaset-controller' },
    ReplicaSet,
    rs => rs.spec.selector,
  )
}

/** The same for ReplicationController, whose selector is a plain map. */
export function replicationControllerReconciler(): Reconciler {
  return replicaReconciler(
    { name: 'replication-controller', eventsFrom: 'replication-controller' },
    ReplicationController,
    rc => ({
      matchLabels: rc.spec.selector ?? {},
    }),
  )
}

function replicaReconciler<T extends ReplicaOwner>(
  names: Pick<Reconciler, 'name' | 'eventsFrom'>,
  kind: Kind<T>,
  selectorOf: (owner: T) => LabelSelector,
): Reconciler {
  let own: OwnWrites | undefined
  const toOwner = ownerWatch(Pod, kind)
  return {
    ...names,
    primary: kind,
    watches: [
      {
        kind: Pod,
        keys: (pod: Pod, cache: Cache) =>
          controllerOf(pod) ? toOwner.keys(pod, cache) : matching(pod, kind, selectorOf, cache),
      },
    ],
    writes: [
      { kind: Pod, part: 'owned' },
      { kind, part: 'status' },
    ],
    async reconcile(key, world) {
      own ??= new OwnWrites(world.clock)
      const owner = world.cache.get(kind, key)
      if (!owner) return own.forget(key)
      return new Round(world, kind, owner, selectorOf(owner), own).run()
    },
  }
}

/** Replica sets of the namespace that might adopt an orphan. */
function matching<T extends ReplicaOwner>(
  pod: Pod,
  kind: Kind<T>,
  selectorOf: (owner: T) => LabelSelector,
  cache: Cache,
): ObjectKey[] {
  return cache
    .list(kind, pod.metadata.namespace)
    .filter(owner => {
      const selector = selectorOf(owner)
      return !isEmptySelector(selector) && lenientSelector(selector).matches(pod.metadata.labels)
    })
    .map(keyOf)
}

/** One look at one replica set. */
class Round<T extends ReplicaOwner> {
  readonly #world: World
  readonly #kind: Kind<T>
  readonly #owner: T
  readonly #selector: Selector
  readonly #own: OwnWrites
  readonly #key: ObjectKey

  constructor(world: World, kind: Kind<T>, owner: T, selector: LabelSelector, own: OwnWrites) {
    this.#world = world
    this.#kind = kind
    this.#owner = owner
    this.#selector = lenientSelector(isEmptySelector(selector) ? undefined : selector)
    this.#own = own
    this.#key = keyOf(owner)
  }

  async run(): Promise<void | { afterMs: number }> {
    const { cache } = this.#world
    const owner = this.#owner
    const cached = [...cache.ownedBy(Pod, owner.metadata.uid), ...cache.orphans(Pod, owner.metadata.namespace)].filter(
      isPodActive,
    )
    const labels = owner.spec.template?.metadata?.labels
    // Its own pods would not be its own, and it would make more for ever.
    if (!this.#selector.matches(labels)) {
      const error = new Error('spec.selector does not match the labels of spec.template, so no pods are created')
      return this.#report([], { difference: -1, error })
    }
    let pods = await this.#claim(owner, cached)
    let outcome: ScaleOutcome = { difference: 0, error: undefined }
    let again = Infinity

    const wanted = owner.spec.replicas ?? 1
    if (!owner.metadata.deletionTimestamp && pods.length !== wanted) {
      const trust = this.#own.trust(this.#key, k => cache.get(Pod, k))
      if (trust === 'wait') again = this.#own.patienceMs
      else {
        if (trust === 'live') {
          const live = await this.#live(pods)
          if (!live) return { afterMs: this.#own.patienceMs }
          pods = live
        }
        outcome = await this.#scale(pods, wanted)
      }
    }
    await this.#report(pods, outcome)
    if (outcome.error !== undefined) throw outcome.error
    return this.#nextLook(pods, again)
  }

  #claim(owner: T, candidates: readonly Pod[]): Promise<Pod[]> {
    const { client } = this.#world
    const ownerKind = this.#kind
    return claim({ client, kind: Pod, owner, ownerKind, selector: this.#selector, candidates })
  }

  /** What the server itself knows; undefined when the replica set is not what the cache says, so that a newer look will come. */
  async #live(cached: Pod[]): Promise<Pod[] | undefined> {
    const { client } = this.#world
    const owner = this.#owner
    try {
      const live = await client.get(this.#kind, this.#key)
      if (live.metadata.uid !== owner.metadata.uid || live.metadata.generation !== owner.metadata.generation) return
    } catch (error) {
      if (isNotFound(error)) return
      throw error
    }
    const list = await client.list(Pod, {
      namespace: owner.metadata.namespace!,
      labelSelector: this.#selector.toString(),
    })
    const pods = await this.#claim(owner, list.items.filter(isPodActive))
    this.#own.listed(this.#key, pods, cached)
    return pods
  }

  async #scale(pods: Pod[], wanted: number): Promise<ScaleOutcome> {
    const difference = replicaDifference(pods.length, wanted)
    if (difference < 0) return { difference, error: await this.#create(-difference) }
    if (difference > 0) return { difference, error: await this.#remove(pods, difference) }
    return { difference, error: undefined }
  }

  async #create(count: number): Promise<unknown> {
    const { client, events } = this.#world
    const owner = this.#owner
    const { error } = await slowStart(count, async () => {
      try {
        const pod = await client.create(Pod, podFromTemplate(owner.spec.template, owner))
        this.#own.created(this.#key, pod)
        events.normal(owner, 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`)
      } catch (cause) {
        if (isNamespaceTerminating(cause)) return
        events.warning(owner, 'FailedCreate', `Error creating: ${explain(cause)}`)
        throw cause
      }
    })
    return error
  }

  async #remove(pods: Pod[], count: number): Promise<unknown> {
    const { client, events, clock } = this.#world
    const owner = this.#owner
    const victims = chooseVictims(pods, this.#related(), count, clock.now())
    const results = await Promise.allSettled(
      victims.map(async pod => {
        try {
          await client.delete(Pod, keyOf(pod), { uid: pod.metadata.uid })
          this.#own.deleted(this.#key, pod)
          events.normal(owner, 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`)
        } catch (cause) {
          // Gone already, or another pod has its name by now.
          if (isNotFound(cause) || isConflict(cause)) return this.#own.deleted(this.#key, pod)
          events.warning(owner, 'FailedDelete', `Error deleting: ${explain(cause)}`)
          throw cause
        }
      }),
    )
    return results.find(r => r.status === 'rejected')?.reason
  }

  /** Active pods of all replica sets of the same Deployment, or our own. */
  #related(): Pod[] {
    const { cache } = this.#world
    const ref = controllerOf(this.#owner)
    const siblings = ref ? cache.ownedBy(this.#kind, ref.uid) : [this.#owner]
    return siblings.flatMap(s => cache.ownedBy(Pod, s.metadata.uid)).filter(isPodActive)
  }

  async #report(pods: Pod[], outcome: ScaleOutcome): Promise<void> {
    const { client, clock } = this.#world
    const status = replicaStatus(this.#owner, pods, outcome, clock.now(), timestamp(clock))
    if (sameReplicaStatus(this.#owner.status, status)) return
    try {
      await client.updateStatus(this.#kind, { ...structuredClone(this.#owner), status })
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }

  /** Somebody becomes available by the mere passing of time. */
  #nextLook(pods: Pod[], again: number): { afterMs: number } | undefined {
    const { minReadySeconds = 0 } = this.#owner.spec
    const waits = (minReadySeconds ? pods : [])
      .map(p => msUntilAvailable(p, minReadySeconds, this.#world.clock.now()))
      .filter(ms => ms > 0)
    const afterMs = Math.min(again, ...waits)
    return Number.isFinite(afterMs) ? { afterMs } : undefined
  }
}
