import { sameMeaning } from '../base/equality.ts'
import { explain } from '../base/errors.ts'
import { selectingOf } from '../client/label-index.ts'
import { controllerOf } from '../client/owner.ts'
import { type Cache, ownerWatch, type Reconciler, type World } from '../client/reconciler.ts'
import { isAlreadyExists, isConflict, isNamespaceTerminating, isNotFound } from '../models/api-error.ts'
import { ControllerRevision, PersistentVolumeClaim, Pod, StatefulSet } from '../models/kinds/index.ts'
import { keyOf, type ObjectKey } from '../models/object.ts'
import { msUntilAvailable } from '../models/pod-state.ts'
import { claim } from './claim.ts'
import { isFresh } from './fresh.ts'
import { claimRevisions, currentRevision, RevisionCollision, templateOf, truncateHistory } from './revision-history.ts'
import { isEmptySelector, lenientSelector, ownSelector, selectorMatches } from './selection.ts'
import { claimOwners, claimsAt, goesWithPodBefore, isClaimOf } from './stateful-set-claims.ts'
import { placed, planStatefulSet, type Revisions, type StatefulAction, statefulSetStatus } from './stateful-set-plan.ts'
import { ordinalOf, podAt, podIndexLabel, podNameLabel, podNameOf, revisionOfPod } from './stateful-set-pods.ts'

/** A cache that is behind is looked at again after this, should it not wake us itself. */
const staleMs = 5_000

/** Keeps pods with names of their own: at most one for each ordinal, with its own volumes, in order. */
export function statefulSetReconciler(): Reconciler {
  const toSet = ownerWatch(Pod, StatefulSet)
  return {
    name: 'stateful-set',
    eventsFrom: 'statefulset-controller',
    primary: StatefulSet,
    watches: [
      {
        kind: Pod,
        keys: (pod: Pod, cache: Cache) => (controllerOf(pod) ? toSet.keys(pod, cache) : adopters(pod, cache)),
      },
      ownerWatch(ControllerRevision, StatefulSet),
      {
        kind: PersistentVolumeClaim,
        // One that is gone makes room for its successor.
        keys: (claim: PersistentVolumeClaim, cache: Cache) =>
          cache
            .list(StatefulSet, claim.metadata.namespace)
            .filter(s => isClaimOf(s, claim.metadata.name))
            .map(keyOf),
      },
    ],
    writes: [
      { kind: Pod, part: 'owned' },
      { kind: PersistentVolumeClaim, part: 'owned' },
      { kind: ControllerRevision, part: 'owned' },
      { kind: StatefulSet, part: 'status' },
    ],
    async reconcile(key, world) {
      const set = world.cache.get(StatefulSet, key)
      if (set && !isEmptySelector(set.spec.selector)) return new Round(world, set).run()
    },
  }
}

const selecting = selectingOf(StatefulSet, ownSelector)
const adopters = (pod: Pod, cache: Cache): ObjectKey[] =>
  selecting(cache, pod)
    .filter(s => ordinalOf(s, pod.metadata.name) >= 0)
    .map(keyOf)

class Round {
  readonly #world: World
  readonly #set: StatefulSet

  constructor(world: World, set: StatefulSet) {
    this.#world = world
    this.#set = set
  }

  async run(): Promise<void | { afterMs: number }> {
    const set = this.#set
    const { clock } = this.#world
    const pods = await this.#claim()
    const revisions = await claimRevisions(this.#world, StatefulSet, set)
    let update: ControllerRevision | undefined
    try {
      update = await currentRevision(this.#world, StatefulSet, set, revisions)
    } catch (error) {
      if (error instanceof RevisionCollision) await this.#countCollision()
      throw error
    }
    if (!update) return { afterMs: staleMs }
    const current = revisions.find(r => r.metadata.name === set.status?.currentRevision) ?? update
    const names: Revisions = { current: current.metadata.name, update: update.metadata.name }
    let error: unknown
    const actions = selectorMatches(set.spec.selector, set.spec.template.metadata?.labels)
      ? planStatefulSet(set, pods, names, clock.now())
      : []
    try {
      if (!set.metadata.deletionTimestamp) await this.#keepClaims(pods)
      await this.#carryOut(actions, current, update)
    } catch (cause) {
      error = cause
    }
    await this.#write(statefulSetStatus(set, pods, names, clock.now()))
    if (error !== undefined) throw error
    const inUse = new Set([names.current, names.update, ...pods.map(revisionOfPod)])
    await truncateHistory(this.#world, set, revisions, r => inUse.has(r.metadata.name))
    return this.#nextLook(pods)
  }

  #claim(): Promise<Pod[]> {
    const { cache, client } = this.#world
    const set = this.#set
    return claim({
      client,
      kind: Pod,
      owner: set,
      ownerKind: StatefulSet,
      selector: lenientSelector(set.spec.selector),
      candidates: [...cache.ownedBy(Pod, set.metadata.uid), ...cache.orphans(Pod, set.metadata.namespace)],
      accept: pod => ordinalOf(set, pod.metadata.name) >= 0,
    })
  }

  async #carryOut(
    actions: readonly StatefulAction[],
    current: ControllerRevision,
    update: ControllerRevision,
  ): Promise<void> {
    if (!actions.length) return
    const destructive = actions.some(a => a.type === 'delete' || a.type === 'replace')
    // A stale view of the set must not undo a rollout or a new size.
    if (destructive && !(await isFresh(this.#world, StatefulSet, this.#set))) return
    const results = await Promise.allSettled(
      actions.map(action => {
        if (action.type === 'create')
          return this.#create(action.ordinal, action.revision === 'current' ? current : update)
        if (action.type === 'relabel') return this.#relabel(action.pod)
        if (action.type === 'claims') return this.#createClaims(action.ordinal)
        if (action.type === 'replace') this.#tellReplaced(action.pod)
        return this.#remove(action.pod)
      }),
    )
    const failed = results.find(r => r.status === 'rejected')
    if (failed) throw failed.reason
  }

  async #create(ordinal: number, revision: ControllerRevision): Promise<void> {
    const { client, events } = this.#world
    const set = this.#set
    if (this.#hasClaimOfPodBefore(ordinal)) return
    const draft = podAt(set, ordinal, templateOf(revision), revision.metadata.name)
    const { name } = draft.metadata
    try {
      await this.#createClaims(ordinal)
      await client.create(Pod, draft)
      events.normal(set, 'SuccessfulCreate', `create Pod ${name} in StatefulSet ${set.metadata.name} successful`)
    } catch (error) {
      // The cache lags: it is there already, or an older one of its name is not yet gone.
      if (isAlreadyExists(error) || isNamespaceTerminating(error)) return
      const why = explain(error)
      events.warning(set, 'FailedCreate', `create Pod ${name} in StatefulSet ${set.metadata.name} failed error: ${why}`)
      throw error
    }
  }

  #hasClaimOfPodBefore(ordinal: number): boolean {
    const set = this.#set
    return claimsAt(set, ordinal).some(({ metadata: { namespace, name } }) => {
      const known = this.#world.cache.get(PersistentVolumeClaim, { namespace: namespace!, name: name! })
      return known && goesWithPodBefore(set, known, podNameOf(set, ordinal))
    })
  }

  async #createClaims(ordinal: number): Promise<void> {
    const { cache, client, events } = this.#world
    const set = this.#set
    for (const draft of claimsAt(set, ordinal)) {
      const { namespace, name } = draft.metadata as { namespace: string; name: string }
      const known = cache.get(PersistentVolumeClaim, { namespace, name })
      if (known?.metadata.deletionTimestamp) throw new Error(`claim ${name} is being deleted; waiting until it is gone`)
      if (known) continue
      try {
        await client.create(PersistentVolumeClaim, draft)
        const text = `create Claim ${name} Pod ${podNameOf(set, ordinal)} in StatefulSet ${set.metadata.name} success`
        events.normal(set, 'SuccessfulCreate', text)
      } catch (error) {
        if (isAlreadyExists(error)) continue
        const text = `create Claim ${name} for Pod ${podNameOf(set, ordinal)} in StatefulSet ${set.metadata.name} failed error: ${explain(error)}`
        events.warning(set, 'FailedCreate', text)
        throw error
      }
    }
  }

  async #relabel(pod: Pod): Promise<void> {
    const { resourceVersion, name } = pod.metadata
    const labels = { [podNameLabel]: name, [podIndexLabel]: String(ordinalOf(this.#set, name)) }
    const body = { metadata: { resourceVersion, labels } }
    const { client, events } = this.#world
    const text = `update Pod ${name} in StatefulSet ${this.#set.metadata.name}`
    try {
      await client.patch(Pod, keyOf(pod), { type: 'merge', body })
      events.normal(this.#set, 'SuccessfulUpdate', `${text} successful`)
    } catch (error) {
      events.warning(this.#set, 'FailedUpdate', `${text} failed error: ${explain(error)}`)
      throw error
    }
  }

  #tellReplaced(pod: Pod): void {
    const { namespace, name } = this.#set.metadata
    const failed = pod.status?.phase === 'Failed'
    const text = `StatefulSet ${namespace}/${name} is recreating ${failed ? 'failed' : 'terminated'} Pod ${pod.metadata.name}`
    if (failed) this.#world.events.warning(this.#set, 'RecreatingFailedPod', text)
    else this.#world.events.normal(this.#set, 'RecreatingTerminatedPod', text)
  }

  async #remove(pod: Pod): Promise<void> {
    const { client, events } = this.#world
    const set = this.#set
    const { name, uid } = pod.metadata
    try {
      await client.delete(Pod, keyOf(pod), { uid })
      events.normal(set, 'SuccessfulDelete', `delete Pod ${name} in StatefulSet ${set.metadata.name} successful`)
    } catch (error) {
      if (isNotFound(error) || isConflict(error)) return
      const why = explain(error)
      events.warning(set, 'FailedDelete', `delete Pod ${name} in StatefulSet ${set.metadata.name} failed error: ${why}`)
      throw error
    }
  }

  /** Claims belong to whom the retention policy says they go with. */
  async #keepClaims(pods: readonly Pod[]): Promise<void> {
    const { cache, client } = this.#world
    const set = this.#set
    if (!set.spec.volumeClaimTemplates?.length) return
    const { condemned } = placed(set, pods)
    for (const pod of pods)
      for (const draft of claimsAt(set, ordinalOf(set, pod.metadata.name))) {
        const known = cache.get(PersistentVolumeClaim, {
          namespace: set.metadata.namespace!,
          name: draft.metadata.name!,
        })
        const ownerReferences = known && claimOwners(set, known, pod, condemned.includes(pod))
        if (!ownerReferences) continue
        if (ownerReferences.some(r => r.controller && r.uid !== set.metadata.uid && r.uid !== pod.metadata.uid))
          this.#tellConflict(known.metadata.name)
        const body = { metadata: { resourceVersion: known.metadata.resourceVersion, ownerReferences } }
        try {
          await client.patch(PersistentVolumeClaim, keyOf(known), { type: 'merge', body })
        } catch (error) {
          if (!isNotFound(error)) throw error
        }
      }
  }

  #tellConflict(claim: string): void {
    const text = `PersistentVolumeClaim ${claim} has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim`
    this.#world.events.warning(this.#set, 'ConflictingController', text)
  }

  async #countCollision(): Promise<void> {
    const { status } = this.#set
    const collisionCount = (status?.collisionCount ?? 0) + 1
    await this.#write({ ...status, replicas: status?.replicas ?? 0, collisionCount })
  }

  async #write(status: NonNullable<StatefulSet['status']>): Promise<void> {
    const plain = (s: object | undefined) => Object.fromEntries(Object.entries(s ?? {}).filter(([, v]) => v !== 0))
    if (sameMeaning(plain(this.#set.status), plain(status))) return
    try {
      await this.#world.client.updateStatus(StatefulSet, { ...structuredClone(this.#set), status })
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }

  #nextLook(pods: readonly Pod[]): { afterMs: number } | undefined {
    const { minReadySeconds = 0 } = this.#set.spec
    const waits = pods.map(p => msUntilAvailable(p, minReadySeconds, this.#world.clock.now())).filter(ms => ms > 0)
    const afterMs = Math.min(...waits)
    return Number.isFinite(afterMs) ? { afterMs } : undefined
  }
}
