import { timestamp } from '../base/clock.ts'
import { sameMeaning } from '../base/equality.ts'
import { explain } from '../base/errors.ts'
import { selectingOf } from '../client/label-index.ts'
import { controllerOf, controllerRef } from '../client/owner.ts'
import { type Cache, ownerWatch, type Reconciler, type World } from '../client/reconciler.ts'
import { isAlreadyExists, isNamespaceTerminating, isNotFound } from '../models/api-error.ts'
import { conditionOf, withCondition } from '../models/conditions.ts'
import { Deployment, Pod, ReplicaSet } from '../models/kinds/index.ts'
import { type Draft, keyOf, type ObjectKey } from '../models/object.ts'
import { claim } from './claim.ts'
import {
  isScalingEvent,
  nextCurrentReplicas,
  oldPodsRun,
  planCleanup,
  planRolling,
  planScaling,
  type Resize,
  resizeNeeded,
} from './deployment-plan.ts'
import {
  active,
  currentAnnotations,
  type Generations,
  generations,
  highestRevision,
  isRolling,
  replicasOf,
  revisionAnnotation,
  sizeAnnotations,
  wantedReplicas,
} from './deployment-replicas.ts'
import { planRollback, wantedRollback } from './deployment-rollback.ts'
import {
  countedStatus,
  hasDeadline,
  isComplete,
  msUntilDeadline,
  pauseCondition,
  progressing,
  rolloutStatus,
} from './deployment-status.ts'
import { isFresh } from './fresh.ts'
import { isEmptySelector, lenientSelector, ownSelector } from './selection.ts'
import { sameTemplate, stableHash, templateHashLabel } from './template-hash.ts'

/** Rolls a Deployment's template out over replica sets: one for each template it had, named by the template's hash. */
export function deploymentReconciler(): Reconciler {
  const toDeployment = ownerWatch(ReplicaSet, Deployment)
  return {
    name: 'deployment',
    primary: Deployment,
    watches: [
      {
        kind: ReplicaSet,
        keys: (rs: ReplicaSet, cache: Cache) => (controllerOf(rs) ? toDeployment.keys(rs, cache) : adopters(rs, cache)),
      },
      { kind: Pod, keys: recreatedBy },
    ],
    writes: [
      { kind: ReplicaSet, part: 'owned' },
      { kind: Deployment, part: 'status' },
      { kind: Deployment, part: 'owned' },
    ],
    async reconcile(key, world) {
      const deployment = world.cache.get(Deployment, key)
      if (deployment) return new Rollout(world, deployment).run()
    },
  }
}

const selecting = selectingOf(Deployment, ownSelector)
const adopters = (rs: ReplicaSet, cache: Cache): ObjectKey[] => selecting(cache, rs).map(keyOf)

/** The end of an old pod lets a Recreate go on; other strategies follow the replica sets' status alone. */
function recreatedBy(pod: Pod, cache: Cache): ObjectKey[] {
  const ref = controllerOf(pod)
  if (ref?.kind !== 'ReplicaSet') return []
  const rs = cache.get(ReplicaSet, { namespace: pod.metadata.namespace!, name: ref.name })
  const owner = rs && controllerOf(rs)
  if (owner?.kind !== 'Deployment') return []
  const key = { namespace: pod.metadata.namespace!, name: owner.name }
  const deployment = cache.get(Deployment, key)
  return deployment && !isRolling(deployment) ? [key] : []
}

/** One look at one Deployment. */
class Rollout {
  readonly #world: World
  readonly #seen: Deployment
  /** A copy whose status collects what this look finds out. */
  #d: Deployment

  constructor(world: World, deployment: Deployment) {
    this.#world = world
    this.#seen = deployment
    this.#d = structuredClone(deployment)
  }

  async run(): Promise<void | { afterMs: number }> {
    const d = this.#d
    if (isEmptySelector(d.spec.selector)) return this.#refuseSelectingAll()
    const sets = await this.#claim()
    if (d.metadata.deletionTimestamp) return this.#write(countedStatus(d, generations(d, sets), this.#now()))
    this.#notePause()

    const before = generations(d, sets)
    const rollback = wantedRollback(d)
    if (!d.spec.paused && rollback !== undefined) return this.#rollBack(before, rollback)
    if (d.spec.paused || isScalingEvent(d, before)) return this.#follow(before)
    return isRolling(d) ? this.#roll(before) : this.#recreate(before)
  }

  /** Paused, or a new size: sets are scaled, nothing is rolled. */
  async #follow(before: Generations): Promise<void> {
    let g = await this.#syncCurrent(before)
    g = await this.#resize(g, planScaling(this.#d, g))
    if (this.#d.spec.paused) await this.#cleanUp(g)
    return this.#write(countedStatus(this.#d, g, this.#now()))
  }

  async #rollBack(before: Generations, wanted: bigint): Promise<void> {
    const { client, events } = this.#world
    const g = await this.#syncCurrent(before, true)
    const { deployment, event } = planRollback(this.#d, g, wanted)
    await client.update(Deployment, deployment)
    events[event.type](this.#seen, event.reason, event.message)
  }

  async #roll(before: Generations): Promise<void | { afterMs: number }> {
    let g = await this.#syncCurrent(before, true)
    if (!g.current) return this.#write(rolloutStatus(this.#d, g, this.#nowMs(), this.#now()))
    g = await this.#resize(g, planRolling(this.#d, { ...g, current: g.current }))
    return this.#finish(g)
  }

  async #recreate(before: Generations): Promise<void | { afterMs: number }> {
    const { cache } = this.#world
    let g = await this.#syncCurrent(before)
    const down = active(g.old).map(replicaSet => ({ replicaSet, replicas: 0 }))
    if (down.length) return this.#finish(await this.#resize(g, down))
    if (oldPodsRun(g, rs => cache.ownedBy(Pod, rs.metadata.uid))) return this.#finish(g)
    if (!g.current) g = await this.#syncCurrent(g, true)
    if (g.current && replicasOf(g.current) !== wantedReplicas(this.#d))
      g = await this.#resize(g, [{ replicaSet: g.current, replicas: wantedReplicas(this.#d) }])
    return this.#finish(g)
  }

  async #finish(g: Generations): Promise<void | { afterMs: number }> {
    if (isComplete(this.#d, this.#d.status ?? {})) await this.#cleanUp(g)
    const status = rolloutStatus(this.#d, g, this.#nowMs(), this.#now())
    await this.#write(status)
    const afterMs = msUntilDeadline(this.#d, status, this.#nowMs())
    return afterMs === undefined ? undefined : { afterMs }
  }

  #claim(): Promise<ReplicaSet[]> {
    const { cache, client } = this.#world
    const owner = this.#seen
    return claim({
      client,
      kind: ReplicaSet,
      owner,
      ownerKind: Deployment,
      selector: lenientSelector(owner.spec.selector),
      candidates: [
        ...cache.ownedBy(ReplicaSet, owner.metadata.uid),
        ...cache.orphans(ReplicaSet, owner.metadata.namespace),
      ],
    })
  }

  /** The set of the present template, made if wanted and missing, with its annotations and the Deployment's revision in order. */
  async #syncCurrent(g: Generations, create = false): Promise<Generations> {
    const revision = highestRevision(g.old) + 1n
    let { current } = g
    if (current) current = await this.#annotate(current, revision)
    else if (create) current = await this.#create(g, revision)
    if (!current) return g
    await this.#writeRevision(current.metadata.annotations?.[revisionAnnotation])
    if (hasDeadline(this.#d) && !conditionOf(this.#d.status?.conditions, 'Progressing'))
      this.#condition('True', 'FoundNewReplicaSet', `Found new replica set "${current.metadata.name}"`)
    return { ...g, current }
  }

  async #annotate(current: ReplicaSet, revision: bigint): Promise<ReplicaSet> {
    const annotations = currentAnnotations(this.#d, current.metadata.annotations ?? {}, revision)
    const minReadySeconds = this.#d.spec.minReadySeconds ?? 0
    const same = sameMeaning(annotations, current.metadata.annotations)
    if (same && (current.spec.minReadySeconds ?? 0) === minReadySeconds) return current
    const next = structuredClone(current)
    next.metadata.annotations = annotations
    next.spec.minReadySeconds = minReadySeconds
    return this.#world.client.update(ReplicaSet, next)
  }

  async #create(g: Generations, revision: bigint): Promise<ReplicaSet | undefined> {
    const { client, events } = this.#world
    // In an old view a Deployment that is gone still wants its set: the server is asked, and a newer view will come.
    if (!(await isFresh(this.#world, Deployment, this.#seen))) return undefined
    const draft = this.#draft(g, revision)
    const name = draft.metadata.name!
    try {
      const created = await client.create(ReplicaSet, draft)
      const replicas = replicasOf(created)
      if (replicas)
        events.normal(this.#seen, 'ScalingReplicaSet', `Scaled up replica set ${name} from 0 to ${replicas}`)
      if (hasDeadline(this.#d)) this.#condition('True', 'NewReplicaSetCreated', `Created new replica set "${name}"`)
      return created
    } catch (error) {
      if (isAlreadyExists(error)) return this.#takeExisting(name)
      if (isNamespaceTerminating(error)) return undefined
      const message = `Failed to create new replica set "${name}": ${explain(error)}`
      if (hasDeadline(this.#d)) {
        this.#condition('False', 'ReplicaSetCreateError', message)
        await this.#write(this.#d.status!)
      }
      events.warning(this.#seen, 'ReplicaSetCreateError', message)
      throw error
    }
  }

  /** The name is taken: by the set we made ourselves before a crash or behind a stale cache, or by one whose hash collides. */
  async #takeExisting(name: string): Promise<ReplicaSet> {
    const { client } = this.#world
    const found = await client.get(ReplicaSet, { namespace: this.#d.metadata.namespace!, name })
    const ours = controllerOf(found)?.uid === this.#d.metadata.uid
    if (ours && sameTemplate(found.spec.template, this.#d.spec.template)) return found
    const collisionCount = (this.#d.status?.collisionCount ?? 0) + 1
    await this.#write({ ...this.#d.status, collisionCount })
    throw new Error(`name "${name}" of the new replica set is taken by another one, trying hash ${collisionCount + 1}`)
  }

  #draft(g: Generations, revision: bigint): Draft<ReplicaSet> {
    const d = this.#d
    const template = structuredClone(d.spec.template)
    const hash = stableHash(template, d.status?.collisionCount)
    const labels = { ...template.metadata?.labels, [templateHashLabel]: hash }
    template.metadata = { ...template.metadata, labels }
    return {
      metadata: {
        name: `${d.metadata.name}-${hash}`,
        namespace: d.metadata.namespace!,
        labels,
        annotations: { ...currentAnnotations(d, undefined, revision), ...sizeAnnotations(d) },
        ownerReferences: [controllerRef(d)],
      },
      spec: {
        replicas: nextCurrentReplicas(d, g.old, 0),
        minReadySeconds: d.spec.minReadySeconds ?? 0,
        selector: {
          ...structuredClone(d.spec.selector),
          matchLabels: { ...d.spec.selector.matchLabels, [templateHashLabel]: hash },
        },
        template,
      },
    }
  }

  /** Carries resizes out and gives the sets as they are afterwards. */
  async #resize(g: Generations, resizes: Resize[]): Promise<Generations> {
    const { client, events } = this.#world
    const after = new Map<string, ReplicaSet>()
    for (const resize of resizes) {
      if (!resizeNeeded(this.#d, resize)) continue
      const { replicaSet, replicas } = resize
      const from = replicasOf(replicaSet)
      const next = structuredClone(replicaSet)
      next.spec.replicas = replicas
      next.metadata.annotations = { ...next.metadata.annotations, ...sizeAnnotations(this.#d) }
      after.set(replicaSet.metadata.uid, await client.update(ReplicaSet, next))
      if (from === replicas) continue
      const text = `Scaled ${replicas > from ? 'up' : 'down'} replica set ${next.metadata.name} from ${from} to ${replicas}`
      events.normal(this.#seen, 'ScalingReplicaSet', text)
    }
    const latest = (rs: ReplicaSet) => after.get(rs.metadata.uid) ?? rs
    return { current: g.current && latest(g.current), old: g.old.map(latest) }
  }

  async #cleanUp(g: Generations): Promise<void> {
    for (const rs of planCleanup(this.#d, g.old))
      try {
        const { uid, resourceVersion } = rs.metadata
        // The version too: a set that was scaled up meanwhile, by a rollback, must live.
        await this.#world.client.delete(ReplicaSet, keyOf(rs), {
          uid,
          resourceVersion,
          propagationPolicy: 'Background',
        })
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
  }

  #notePause(): void {
    const condition = pauseCondition(this.#d, this.#now())
    if (condition) this.#setConditions(withCondition(this.#d.status?.conditions, condition))
  }

  #condition(status: string, reason: string, message: string): void {
    this.#setConditions(withCondition(this.#d.status?.conditions, progressing(status, reason, message, this.#now())))
  }

  #setConditions(conditions: NonNullable<Deployment['status']>['conditions']): void {
    this.#d.status = { ...this.#d.status, conditions: conditions ?? [] }
  }

  /** `kubectl rollout history` reads it. */
  async #writeRevision(revision: string | undefined): Promise<void> {
    if (!revision || this.#d.metadata.annotations?.[revisionAnnotation] === revision) return
    const { resourceVersion } = this.#d.metadata
    // With the version: a spec that changed meanwhile must be looked at before it counts as observed. By the path of the status,
    // as Kubernetes does: annotations that come by the other one are a new generation, as if a person had changed something.
    const body = { metadata: { resourceVersion, annotations: { [revisionAnnotation]: revision } } }
    const part = { subresource: 'status' }
    const { metadata } = await this.#world.client.patch(Deployment, keyOf(this.#d), { type: 'merge', body }, part)
    this.#d.metadata = metadata
  }

  async #write(status: NonNullable<Deployment['status']>): Promise<void> {
    if (sameMeaning(withoutZeros(this.#seen.status), withoutZeros(status))) return
    try {
      await this.#world.client.updateStatus(Deployment, { ...this.#d, status })
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }

  async #refuseSelectingAll(): Promise<void> {
    const d = this.#d
    const message = 'This deployment is selecting all pods. A non-empty selector is required.'
    this.#world.events.warning(this.#seen, 'SelectingAll', message)
    if ((d.status?.observedGeneration ?? 0) < (d.metadata.generation ?? 0))
      await this.#write({ ...d.status, observedGeneration: d.metadata.generation ?? 0 })
  }

  #now(): string {
    return timestamp(this.#world.clock)
  }

  #nowMs(): number {
    return this.#world.clock.now()
  }
}

/** Counts that are 0 may be absent in what the server keeps. */
function withoutZeros(status: object | undefined): object {
  return Object.fromEntries(Object.entries(status ?? {}).filter(([, value]) => value !== 0))
}
