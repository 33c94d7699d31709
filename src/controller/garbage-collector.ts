import { abortable } from '../base/abort.ts'
import { type Clock, every } from '../base/clock.ts'
import { explain, isAbort } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import type { Client } from '../client/client.ts'
import { createEventRecorder } from '../client/event-recorder.ts'
import type { Informer, InformerSet } from '../client/informer.ts'
import { isOfKind } from '../client/owner.ts'
import { WorkQueue } from '../client/work-queue.ts'
import { isConflict, isNotFound } from '../models/api-error.ts'
import { resourceName } from '../models/kind.ts'
import { CustomResourceDefinition } from '../models/kinds/index.ts'
import { type KubeObject, keyText } from '../models/object.ts'
import type { OwnerReference } from '../models/types/meta-v1.ts'
import { foregroundFinalizer, type GraphNode, OwnerGraph, orphanFinalizer, versionOf } from './owner-graph.ts'
import { discoverKinds, type ServedKind } from './served-kinds.ts'

export interface GarbageCollectorOptions {
  client: Client
  informers: InformerSet
  clock: Clock
  random: Random
  log: Logger
  /** Objects looked at at once; 20 unless given. */
  concurrency?: number
  /** How often the list of served kinds is read again; 30 000 unless given. */
  discoveryPeriodMs?: number
  /** That list could not be read. */
  onSyncError?(): void
}

export interface GarbageCollector extends AsyncDisposable {
  /** Resolves when all kinds are known and the work has begun. */
  start(): Promise<void>
  stop(): Promise<void>
  stats(): { objects: number; kinds: number; deleted: number; depth: number }
  /** True when there is nothing to look at, now or later. */
  idle: boolean
}

/** Absent owners that are remembered, so that a thousand dependents of one owner ask for it once. */
const rememberedAbsent = 5_000
const discoverySoonMs = 100
/** Written so often that watching them costs more than their garbage; they expire by themselves. */
const ignored = new Set(['/events', 'events.k8s.io/events'])

/**
 * Deletes what has owners of which none exists any more, in the way that the owner's deletion asked for. Everything is
 * decided on what the server says at that moment; the graph only tells whom to ask about.
 */
export function createGarbageCollector(options: GarbageCollectorOptions): GarbageCollector {
  const { client, informers, clock, random, log } = options
  const events = createEventRecorder({ client, clock, random, log, component: 'garbage-collector-controller' })
  const stop = new AbortController()
  const suspects = new WorkQueue({ clock })
  const orphaning = new WorkQueue({ clock })
  const graph = new OwnerGraph({ suspect: uid => suspects.add(uid), orphan: uid => orphaning.add(uid) })
  const watched = new Map<string, { served: ServedKind; informer: Informer<any>; end: () => void }>()
  const absent = new Set<string>()
  /** Objects with an owner of a kind that is not served: looked at again when kinds change. */
  const unresolved = new Set<string>()
  let workers: Promise<void>[] = []
  let deleted = 0

  function kindOf(ref: OwnerReference): ServedKind | undefined {
    for (const { served } of watched.values())
      if (isOfKind(ref, served.kind) && served.versions.includes(versionOf(ref))) return served
    return undefined
  }

  async function refreshKinds(): Promise<void> {
    const { kinds, failures } = await discoverKinds(client)
    const now = new Map(
      kinds
        .filter(({ kind, verbs }) => {
          const id = `${kind.group}/${kind.plural}`
          return !ignored.has(id) && !kind.storedAs && ['delete', 'list', 'watch'].every(v => verbs.includes(v))
        })
        .map(served => [resourceName(served.kind), served]),
    )
    // A group that does not answer still has its kinds.
    for (const [name, { end }] of watched)
      if (!now.has(name) && !failures.some(f => name.endsWith(`.${f.group}`))) {
        end()
        watched.delete(name)
      }
    const fresh: Informer<any>[] = []
    for (const [name, served] of now) {
      const known = watched.get(name)
      if (known) {
        known.served = served
        continue
      }
      const { kind } = served
      const informer = informers.for(kind)
      fresh.push(informer)
      const end = informer.subscribe({
        added: object => graph.put(kind, object),
        updated: object => graph.put(kind, object),
        deleted: object => graph.remove(object.metadata.uid),
      })
      watched.set(name, { served, informer, end })
    }
    await abortable(Promise.all(fresh.map(informer => informer.ready())), stop.signal)
    if (fresh.length) for (const uid of unresolved) suspects.add(uid)
    if (fresh.length) unresolved.clear()
  }

  async function work(queue: WorkQueue, look: (uid: string) => Promise<void>): Promise<void> {
    for (let uid = await queue.take(); uid !== undefined; uid = await queue.take()) {
      try {
        await look(uid)
        queue.forget(uid)
      } catch (error) {
        if (stop.signal.aborted) return
        const node = graph.get(uid)
        const fields = { object: node && `${node.kind.kind} ${keyText(node.key)}`, error: explain(error) }
        const againInMs = queue.retry(uid)
        if (isConflict(error)) log.debug(fields, 'changed meanwhile, looking again')
        else log.warn({ ...fields, againInMs }, 'garbage collection failed, trying again')
      } finally {
        queue.done(uid)
      }
    }
  }

  async function examine(uid: string): Promise<void> {
    const node = graph.get(uid)
    if (!node || (node.beingDeleted && !node.deletingDependents)) return
    if (!node.deletingDependents && graph.ownersAreSolid(node)) return
    const live = await read(node)
    if (!live) return graph.remove(uid)
    if (node.deletingDependents) return finishForeground(node, live)
    const owners = live.metadata.ownerReferences ?? []
    if (owners.length) await decide(node, live, owners)
  }

  /** The object as the server has it; undefined when it, with this uid, is gone. */
  async function read({ kind, key, uid }: GraphNode): Promise<KubeObject | undefined> {
    try {
      const live: KubeObject = await client.get(kind, key)
      return live.metadata.uid === uid ? live : undefined
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  async function decide(node: GraphNode, live: KubeObject, owners: OwnerReference[]): Promise<void> {
    for (const ref of owners) tellOfFarOwner(node, live, ref)
    const found = await Promise.all(owners.map(async ref => [ref, await stateOf(ref, node)] as const))
    const of = (state: OwnerState) => found.filter(([, s]) => s === state).map(([ref]) => ref.uid)
    const [dangling, waiting] = [of('absent'), of('waiting')]
    if (of('unknown').length) {
      // Whether such an owner exists cannot be known: nothing that depends on it may go.
      unresolved.add(node.uid)
      return
    }
    if (of('solid').length) {
      const leaving = new Set([...dangling, ...waiting])
      if (leaving.size) await patchMetadata(node, live, { ownerReferences: owners.filter(o => !leaving.has(o.uid)) })
      return
    }
    const dependents = graph.dependents(node.uid)
    if (waiting.length && dependents.length) {
      let current = live
      // A circle: somebody has to stop waiting.
      if (dependents.some(d => d.deletingDependents)) {
        const freed = owners.map(o => (o.blockOwnerDeletion ? { ...o, blockOwnerDeletion: false } : o))
        current = (await patchMetadata(node, live, { ownerReferences: freed })) ?? live
      }
      return remove(node, current, 'Foreground')
    }
    const finalizers = live.metadata.finalizers ?? []
    const policy = finalizers.includes(orphanFinalizer)
      ? 'Orphan'
      : finalizers.includes(foregroundFinalizer)
        ? 'Foreground'
        : 'Background'
    return remove(node, live, policy)
  }

  /** There is such an object, but in another namespace: people wonder why theirs goes. */
  function tellOfFarOwner({ key }: GraphNode, live: KubeObject, { apiVersion, kind, name, uid }: OwnerReference): void {
    const there = graph.get(uid)?.key.namespace
    if (there === undefined || there === key.namespace) return
    const { namespace = '' } = key
    const ref = `[${apiVersion}/${kind}, namespace: ${namespace}, name: ${name}, uid: ${uid}]`
    const text = `ownerRef ${ref} does not exist in namespace "${namespace}"`
    events.warning(live, 'OwnerRefInvalidNamespace', text)
  }

  async function stateOf(ref: OwnerReference, { key }: GraphNode): Promise<OwnerState> {
    const served = kindOf(ref)
    if (!served) return 'unknown'
    const { kind } = served
    // Owned from inside a namespace by something that has none: this cannot ever be right, and must not delete anything.
    if (kind.scope === 'Namespaced' && key.namespace === undefined) return 'unknown'
    const ownerKey = kind.scope === 'Cluster' ? { name: ref.name } : { namespace: key.namespace!, name: ref.name }
    const id = `${ref.uid} ${resourceName(kind)} ${keyText(ownerKey)}`
    if (absent.has(id)) return 'absent'
    const owner = await read({ kind, key: ownerKey, uid: ref.uid } as GraphNode)
    if (!owner) {
      absent.add(id)
      if (absent.size > rememberedAbsent) absent.delete(absent.values().next().value!)
      return 'absent'
    }
    const { deletionTimestamp, finalizers = [] } = owner.metadata
    return deletionTimestamp && finalizers.includes(foregroundFinalizer) ? 'waiting' : 'solid'
  }

  async function remove(
    { kind, key, uid }: GraphNode,
    live: KubeObject,
    propagationPolicy: 'Background' | 'Foreground' | 'Orphan',
  ): Promise<void> {
    const { resourceVersion } = live.metadata
    try {
      // With the version: somebody may have given it another owner since we read it.
      await client.delete(kind, key, { uid, resourceVersion, propagationPolicy })
      deleted++
      log.debug({ kind: kind.kind, object: keyText(key), propagationPolicy }, 'deleted, none of its owners exists')
    } catch (error) {
      if (!isNotFound(error)) throw error
      graph.remove(uid)
    }
  }

  async function finishForeground(node: GraphNode, live: KubeObject): Promise<void> {
    const blocking = graph.blocking(node.uid)
    if (blocking.length) {
      for (const d of blocking) if (!d.deletingDependents) suspects.add(d.uid)
      return
    }
    await dropFinalizer(node, live, foregroundFinalizer)
  }

  async function orphanDependents(uid: string): Promise<void> {
    const node = graph.get(uid)
    if (!node?.orphaning) return
    await Promise.all(
      graph.dependents(uid).map(async dependent => {
        const live = await read(dependent)
        const owners = live?.metadata.ownerReferences ?? []
        if (live && owners.some(o => o.uid === uid))
          await patchMetadata(dependent, live, { ownerReferences: owners.filter(o => o.uid !== uid) })
      }),
    )
    const live = await read(node)
    if (live) await dropFinalizer(node, live, orphanFinalizer)
  }

  async function dropFinalizer(node: GraphNode, live: KubeObject, finalizer: string): Promise<void> {
    const finalizers = live.metadata.finalizers ?? []
    if (finalizers.includes(finalizer))
      await patchMetadata(node, live, { finalizers: finalizers.filter(f => f !== finalizer) })
  }

  async function patchMetadata(
    { kind, key }: GraphNode,
    live: KubeObject,
    change: object,
  ): Promise<KubeObject | undefined> {
    const { resourceVersion } = live.metadata
    try {
      return await client.patch(kind, key, { type: 'merge', body: { metadata: { resourceVersion, ...change } } })
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  async function end(): Promise<void> {
    if (stop.signal.aborted) return
    stop.abort(new DOMException('the garbage collector was stopped', 'AbortError'))
    for (const { end: unsubscribe } of watched.values()) unsubscribe()
    suspects.close()
    orphaning.close()
    await Promise.all(workers)
  }

  return {
    async start() {
      await refreshKinds()
      const count = options.concurrency ?? 20
      workers = [
        ...Array.from({ length: count }, () => work(suspects, examine)),
        ...Array.from({ length: count }, () => work(orphaning, orphanDependents)),
      ]
      const refresh = () =>
        refreshKinds().catch(error => {
          if (isAbort(error)) return
          options.onSyncError?.()
          log.warn({ error: explain(error) }, 'the list of served kinds could not be read')
        })
      every(clock, options.discoveryPeriodMs ?? 30_000, refresh, stop.signal)
      // Kinds that people define are followed soon after they are served; a manifest brings many at once.
      let planned = false
      const soon = () => {
        if (planned) return
        planned = true
        clock.schedule(discoverySoonMs, () => {
          planned = false
          if (!stop.signal.aborted) void refresh()
        })
      }
      informers.for(CustomResourceDefinition).subscribe({ added: soon, updated: soon, deleted: soon })
    },
    stop: end,
    [Symbol.asyncDispose]: end,
    stats: () => ({ objects: graph.size, kinds: watched.size, deleted, depth: suspects.depth + orphaning.depth }),
    get idle() {
      return suspects.idle && orphaning.idle
    },
  }
}

type OwnerState = 'solid' | 'waiting' | 'absent' | 'unknown'
