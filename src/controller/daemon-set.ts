import { backoffMs } from '../base/backoff.ts'
import { sameMeaning } from '../base/equality.ts'
import { explain } from '../base/errors.ts'
import { selectingOf } from '../client/label-index.ts'
import { OwnWrites } from '../client/own-writes.ts'
import { controllerOf } from '../client/owner.ts'
import { type Cache, ownerWatch, type Reconciler, type World } from '../client/reconciler.ts'
import { isConflict, isNamespaceTerminating, isNotFound } from '../models/api-error.ts'
import { ControllerRevision, DaemonSet, Node, Pod } from '../models/kinds/index.ts'
import { keyOf, keyText, type ObjectKey } from '../models/object.ts'
import { msUntilAvailable } from '../models/pod-state.ts'
import { claim } from './claim.ts'
import {
  type DaemonPlan,
  daemonSetStatus,
  type PodsByNode,
  planPresence,
  planRollout,
  podsByNode,
} from './daemon-set-plan.ts'
import { daemonPod, hashOf } from './daemon-set-pods.ts'
import { isFresh } from './fresh.ts'
import {
  claimRevisions,
  currentRevision,
  RevisionCollision,
  revisionHashLabel,
  truncateHistory,
} from './revision-history.ts'
import { isEmptySelector, lenientSelector, ownSelector, selectorMatches } from './selection.ts'
import { slowStart } from './slow-start.ts'

const burst = 250
/** A daemon that keeps failing on a node is tried again after 1 s, doubling to 15 minutes. */
const failureBackoff = { baseMs: 1_000, maxMs: 900_000 }

type Failures = Map<string, { count: number; untilMs: number }>

/** Keeps one pod on every node that the template fits. */
export function daemonSetReconciler(): Reconciler {
  let own: OwnWrites | undefined
  const failures: Failures = new Map()
  const signs = new Map<string, string>()
  const toSet = ownerWatch(Pod, DaemonSet)
  return {
    name: 'daemon-set',
    eventsFrom: 'daemonset-controller',
    primary: DaemonSet,
    watches: [
      {
        kind: Pod,
        keys: (pod: Pod, cache: Cache) => (controllerOf(pod) ? toSet.keys(pod, cache) : adopters(pod, cache)),
      },
      ownerWatch(ControllerRevision, DaemonSet),
      {
        kind: Node,
        // Only what decides where daemons go: heartbeats and images are no news.
        keys(node: Node, cache: Cache) {
          const { name, labels, deletionTimestamp } = node.metadata
          const present = cache.get(Node, { name }) !== undefined
          const sign = JSON.stringify([labels, node.spec?.taints, node.spec?.unschedulable, deletionTimestamp, present])
          if (signs.get(name) === sign) return []
          if (present) signs.set(name, sign)
          else signs.delete(name)
          return cache.list(DaemonSet).map(keyOf)
        },
      },
    ],
    writes: [
      { kind: Pod, part: 'owned' },
      { kind: ControllerRevision, part: 'owned' },
      { kind: DaemonSet, part: 'status' },
    ],
    async reconcile(key, world) {
      own ??= new OwnWrites(world.clock)
      const set = world.cache.get(DaemonSet, key)
      if (!set) return own.forget(key)
      if (isEmptySelector(set.spec.selector)) {
        const text = 'This daemon set is selecting all pods. A non-empty selector is required.'
        return world.events.warning(set, 'SelectingAll', text)
      }
      if (set.metadata.deletionTimestamp) return
      return new Round(world, set, own, failures).run()
    },
  }
}

const selecting = selectingOf(DaemonSet, ownSelector)
const adopters = (pod: Pod, cache: Cache): ObjectKey[] => selecting(cache, pod).map(keyOf)

class Round {
  readonly #world: World
  readonly #set: DaemonSet
  readonly #own: OwnWrites
  readonly #failures: Failures
  readonly #key: ObjectKey

  constructor(world: World, set: DaemonSet, own: OwnWrites, failures: Failures) {
    this.#world = world
    this.#set = set
    this.#own = own
    this.#failures = failures
    this.#key = keyOf(set)
  }

  async run(): Promise<void | { afterMs: number }> {
    const { cache, clock } = this.#world
    const set = this.#set
    const nodes = cache.list(Node)
    const revisions = await claimRevisions(this.#world, DaemonSet, set)
    let revision: ControllerRevision | undefined
    try {
      revision = await currentRevision(this.#world, DaemonSet, set, revisions)
    } catch (error) {
      if (error instanceof RevisionCollision) await this.#countCollision()
      throw error
    }
    if (!revision) return { afterMs: this.#own.patienceMs }
    const hash = revision.metadata.labels?.[revisionHashLabel] ?? ''
    const cached = await this.#claim([
      ...cache.ownedBy(Pod, set.metadata.uid),
      ...cache.orphans(Pod, set.metadata.namespace),
    ])
    let pods = podsByNode(cached)
    let again = Infinity
    let seen = true
    let error: unknown
    const planFor = (found: PodsByNode): DaemonPlan => {
      const { ended, ...plan } = planPresence(set, nodes, found, hash, clock.now())
      const waits = ended.map(pod => this.#backoffLeftMs(pod))
      again = Math.min(again, ...waits.filter(ms => ms > 0))
      const due = ended.filter((_, i) => !waits[i])
      // One that failed and has to wait is no reason for others to keep an old template.
      const busy = plan.create.length || plan.remove.length || due.length
      return busy ? { ...plan, ended: due } : planRollout(set, nodes, found, hash, clock.now())
    }
    let plan = planFor(pods)
    if (plan.create.length || plan.remove.length || plan.ended.length) {
      const trust = this.#own.trust(this.#key, k => cache.get(Pod, k))
      if (trust === 'wait') {
        seen = false
        again = Math.min(again, this.#own.patienceMs)
      } else {
        if (trust === 'live') {
          const labelSelector = lenientSelector(set.spec.selector).toString()
          const { items } = await this.#world.client.list(Pod, { namespace: set.metadata.namespace!, labelSelector })
          const live = await this.#claim(items)
          this.#own.listed(this.#key, live, cached)
          pods = podsByNode(live)
          plan = planFor(pods)
        }
        const outcome = await this.#carryOut(plan, hash)
        error = outcome.error
        again = Math.min(again, outcome.afterMs)
      }
    }
    const status = daemonSetStatus(set, nodes, pods, hash, clock.now())
    // What this generation wants is not done while earlier writes are unseen.
    if (!seen) status.observedGeneration = set.status?.observedGeneration ?? 0
    await this.#write(status)
    if (error !== undefined) throw error
    const used = new Set([hash, ...cached.map(hashOf)])
    await truncateHistory(this.#world, set, revisions, r => used.has(r.metadata.labels?.[revisionHashLabel] ?? ''))
    return this.#nextLook(cached, again)
  }

  #claim(candidates: readonly Pod[]): Promise<Pod[]> {
    const { client } = this.#world
    const selector = lenientSelector(this.#set.spec.selector)
    return claim({ client, kind: Pod, owner: this.#set, ownerKind: DaemonSet, selector, candidates })
  }

  async #carryOut(plan: DaemonPlan, hash: string): Promise<{ error: unknown; afterMs: number }> {
    const set = this.#set
    if (!selectorMatches(set.spec.selector, set.spec.template.metadata?.labels))
      return { error: undefined, afterMs: Infinity }
    const remove = [...plan.remove, ...plan.ended]
    // A stale view of the set must not bring an old template back.
    if (!(await isFresh(this.#world, DaemonSet, set))) return { error: undefined, afterMs: this.#own.patienceMs }
    for (const pod of plan.ended) this.#noteEnd(pod)
    const created = await slowStart(Math.min(plan.create.length, burst), i => this.#create(plan.create[i]!, hash))
    const results = await Promise.allSettled(remove.slice(0, burst).map(pod => this.#remove(pod)))
    const failed = results.find(r => r.status === 'rejected')
    return { error: created.error ?? failed?.reason, afterMs: Infinity }
  }

  /** Failed daemons are replaced, but not in a tight loop. */
  #backoffLeftMs(pod: Pod): number {
    if (pod.status?.phase !== 'Failed') return 0
    const known = this.#failures.get(this.#placeOf(pod))
    return Math.max((known?.untilMs ?? 0) - this.#world.clock.monotonicMs(), 0)
  }

  #noteEnd(pod: Pod): void {
    const { events, clock } = this.#world
    const text = `${keyText(keyOf(pod))} on node ${pod.spec?.nodeName}, will try to`
    if (pod.status?.phase !== 'Failed') {
      events.normal(this.#set, 'SucceededDaemonPod', `Found succeeded daemon pod ${text} delete it`)
      return
    }
    const known = this.#failures.get(this.#placeOf(pod))
    const nowMs = clock.monotonicMs()
    const calm = known && nowMs - known.untilMs > 2 * failureBackoff.maxMs
    const count = known && !calm ? known.count + 1 : 1
    this.#failures.set(this.#placeOf(pod), { count, untilMs: nowMs + backoffMs(failureBackoff, count) })
    events.warning(this.#set, 'FailedDaemonPod', `Found failed daemon pod ${text} kill it`)
  }

  #placeOf(pod: Pod): string {
    return `${this.#set.metadata.uid}/${pod.spec?.nodeName}`
  }

  async #create(nodeName: string, hash: string): Promise<void> {
    const { client, events } = this.#world
    try {
      const pod = await client.create(Pod, daemonPod(this.#set, nodeName, hash))
      this.#own.created(this.#key, pod)
      events.normal(this.#set, 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`)
    } catch (error) {
      if (isNamespaceTerminating(error)) return
      events.warning(this.#set, 'FailedCreate', `Error creating: ${explain(error)}`)
      throw error
    }
  }

  async #remove(pod: Pod): Promise<void> {
    const { client, events } = this.#world
    try {
      await client.delete(Pod, keyOf(pod), { uid: pod.metadata.uid })
      this.#own.deleted(this.#key, pod)
      events.normal(this.#set, 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`)
    } catch (error) {
      if (isNotFound(error) || isConflict(error)) return this.#own.deleted(this.#key, pod)
      events.warning(this.#set, 'FailedDelete', `Error deleting: ${explain(error)}`)
      throw error
    }
  }

  async #countCollision(): Promise<void> {
    const { status } = this.#set
    const none = { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 }
    await this.#write({ ...none, ...status, collisionCount: (status?.collisionCount ?? 0) + 1 })
  }

  async #write(status: NonNullable<DaemonSet['status']>): Promise<void> {
    const plain = (s: object | undefined) => Object.fromEntries(Object.entries(s ?? {}).filter(([, v]) => v !== 0))
    if (sameMeaning(plain(this.#set.status), plain(status))) return
    try {
      await this.#world.client.updateStatus(DaemonSet, { ...structuredClone(this.#set), status })
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }

  #nextLook(pods: readonly Pod[], again: number): { afterMs: number } | undefined {
    const { minReadySeconds = 0 } = this.#set.spec
    const waits = pods.map(p => msUntilAvailable(p, minReadySeconds, this.#world.clock.now())).filter(ms => ms > 0)
    const afterMs = Math.min(again, ...waits)
    return Number.isFinite(afterMs) ? { afterMs } : undefined
  }
}
