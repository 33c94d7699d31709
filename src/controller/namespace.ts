import { timestamp } from '../base/clock.ts'
import { sameMeaning } from '../base/equality.ts'
import { explain } from '../base/errors.ts'
import { collectionPath } from '../client/paths.ts'
import type { Cache, Reconciler, World } from '../client/reconciler.ts'
import { ApiError, isConflict, isNotFound } from '../models/api-error.ts'
import { withLatestCondition } from '../models/conditions.ts'
import type { Kind } from '../models/kind.ts'
import { Namespace, Pod } from '../models/kinds/index.ts'
import { type KubeObject, keyOf } from '../models/object.ts'
import {
  type DeletionReport,
  deletionConditions,
  msUntilGone,
  type Remaining,
  unexpectedlyLeft,
} from './namespace-content.ts'
import { discoverKinds, type ServedKind } from './served-kinds.ts'

const finalizer = 'kubernetes'
/** How often to look again for what somebody else has to finish. */
const lookAgainMs = 1_000

/** Empties namespaces that are being deleted, of every kind that is served, pods first, and then lets them go. */
export function namespaceReconciler(): Reconciler {
  return {
    name: 'namespace',
    primary: Namespace,
    watches: [
      {
        kind: Pod,
        keys(pod: Pod, cache: Cache) {
          const name = pod.metadata.namespace!
          return cache.get(Namespace, { name })?.metadata.deletionTimestamp ? [{ name }] : []
        },
      },
    ],
    writes: [
      { kind: Namespace, part: 'owned' },
      { kind: Namespace, part: 'status' },
      { kind: '*', part: 'owned' },
    ],
    async reconcile(key, world) {
      const seen = world.cache.get(Namespace, key)
      if (!seen?.metadata.deletionTimestamp || !seen.spec.finalizers?.includes(finalizer)) return
      const namespace = await live(world, seen)
      if (!namespace) return
      const report = await emptyOut(world, namespace)
      const written = await writeStatus(world, namespace, report)
      const { remaining, failures, undiscovered } = report
      if (!remaining.length && !failures.length && !undiscovered.length) return finalize(world, written)
      return { afterMs: Math.min(lookAgainMs + msUntilGone(remaining, world.clock.now()) / 10, 15_000) }
    },
  }
}

/** As the server has it now: a namespace of the same name may have been created since. */
async function live(world: World, seen: Namespace): Promise<Namespace | undefined> {
  try {
    const namespace = await world.client.get(Namespace, keyOf(seen))
    const same = namespace.metadata.uid === seen.metadata.uid && namespace.metadata.deletionTimestamp
    return same ? namespace : undefined
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/** Deletes all there is. Pods come first and alone: what protects and configures them stays until they are gone. */
async function emptyOut(world: World, of: Namespace): Promise<DeletionReport> {
  const namespace = of.metadata.name
  const { kinds, failures: undiscovered } = await discoverKinds(world.client)
  const deletable = kinds.filter(
    ({ kind, verbs }) =>
      kind.scope === 'Namespaced' && !kind.storedAs && verbs.includes('list') && verbs.includes('delete'),
  )
  const failures: string[] = []
  const isPod = ({ kind }: ServedKind) => kind.group === '' && kind.plural === 'pods'
  const pods = await removeAll(world, deletable.filter(isPod), of, failures)
  if (pods.length || failures.length) {
    const others = await Promise.all(
      deletable.filter(k => !isPod(k)).map(({ kind }) => list(world, kind, namespace, failures)),
    )
    return { undiscovered, failures, remaining: [...pods, ...others.filter(r => r.items.length)] }
  }
  const remaining = await removeAll(
    world,
    deletable.filter(k => !isPod(k)),
    of,
    failures,
  )
  return { undiscovered, failures, remaining }
}

async function removeAll(
  world: World,
  kinds: readonly ServedKind[],
  of: Namespace,
  failures: string[],
): Promise<Remaining[]> {
  const namespace = of.metadata.name
  const left = await Promise.all(
    kinds.map(async ({ kind, verbs }) => {
      const found = await list(world, kind, namespace, failures)
      if (!found.items.length) return found
      try {
        if (verbs.includes('deletecollection')) await removeCollection(world, kind, namespace)
        else await removeEach(world, found)
      } catch (error) {
        failures.push(explain(error))
      }
      const rest = await list(world, kind, namespace, failures)
      const problem = unexpectedlyLeft(rest, of, world.clock.now())
      if (problem) failures.push(problem)
      return rest
    }),
  )
  return left.filter(r => r.items.length)
}

async function list(world: World, kind: Kind<any>, namespace: string, failures: string[]): Promise<Remaining> {
  try {
    const { items } = await world.client.list(kind, { namespace })
    return { kind, items }
  } catch (error) {
    // No longer served: its objects are gone with it.
    if (!isNotFound(error)) failures.push(explain(error))
    return { kind, items: [] }
  }
}

async function removeCollection(world: World, kind: Kind<any>, namespace: string): Promise<void> {
  const body = JSON.stringify({ apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' })
  const reply = await world.client.raw('DELETE', collectionPath(kind, namespace), {
    body,
    headers: { 'content-type': 'application/json', accept: 'application/json' },
  })
  if (reply.status < 400) return
  const text = reply.body instanceof Uint8Array ? Buffer.from(reply.body).toString() : ''
  throw ApiError.fromReply(reply.status, text)
}

async function removeEach(world: World, { kind, items }: Remaining): Promise<void> {
  for (const item of items as KubeObject[])
    try {
      await world.client.delete(kind, keyOf(item), { uid: item.metadata.uid, propagationPolicy: 'Background' })
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error
    }
}

async function writeStatus(world: World, namespace: Namespace, report: DeletionReport): Promise<Namespace> {
  let conditions = namespace.status?.conditions ?? []
  for (const next of deletionConditions(report, timestamp(world.clock)))
    conditions = withLatestCondition(conditions, next)
  const status = { ...namespace.status, phase: 'Terminating' as const, conditions }
  if (sameMeaning(namespace.status, status)) return namespace
  return world.client.updateStatus(Namespace, { ...namespace, status })
}

async function finalize(world: World, namespace: Namespace): Promise<void> {
  const finalizers = (namespace.spec.finalizers ?? []).filter(f => f !== finalizer)
  try {
    await world.client.update(
      Namespace,
      { ...namespace, spec: { ...namespace.spec, finalizers } },
      { subresource: 'finalize' },
    )
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}
