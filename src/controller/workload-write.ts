import { controllerOf } from '../client/owner.ts'
import type { World } from '../client/reconciler.ts'
import { isAlreadyExists, isConflict, isNamespaceTerminating, isNotFound } from '../models/api-error.ts'
import type { Kind } from '../models/kind.ts'
import { PersistentVolumeClaim, Workload } from '../models/kinds/index.ts'
import { type Draft, type KubeObject, keyOf, keyText } from '../models/object.ts'
import type { Problem } from '../models/pod-problem.ts'
import type { ServicePort } from '../models/types/core-v1.ts'
import { isFresh } from './fresh.ts'
import { configIsFresh } from './workload-config.ts'
import { claimsOf, draftAnnotation, saysAll } from './workload-parts.ts'

/** One look at one Workload. */
export interface Round {
  world: World
  workload: Workload
  /** What stood in the way of it. */
  obstacles: Problem[]
  /** Whether what is seen is how things are: asked of the server once, before the first write. */
  mayWrite(): Promise<boolean>
}

/** By an old view the app of yesterday would be rolled out once more, or a run that has ended be started again. */
export function beginRound(world: World, workload: Workload): Round {
  let fresh: Promise<boolean> | undefined
  // Its status too: there it is written how far an update is.
  const isNewest = () => isFresh(world, Workload, workload, 'resourceVersion')
  const look = async () => (await isNewest()) && (await configIsFresh(workload, world))
  return { world, workload, obstacles: [], mayWrite: () => (fresh ??= look()) }
}

/** Only ever made: they stay when the volume is taken out of the Workload, or the Workload is deleted. */
export async function ensureClaims({ world, workload, mayWrite }: Round): Promise<void> {
  for (const draft of claimsOf(workload)) {
    const key = { namespace: workload.metadata.namespace!, name: draft.metadata.name! }
    if (world.cache.get(PersistentVolumeClaim, key) || !(await mayWrite())) continue
    try {
      await world.client.create(PersistentVolumeClaim, draft)
      world.events.normal(workload, 'PersistentVolumeClaimCreated', `Created PersistentVolumeClaim ${key.name}`)
    } catch (error) {
      if (!isAlreadyExists(error) && !isNamespaceTerminating(error)) throw error
    }
  }
}

/**
 * Creates, updates or deletes one part, so that it is what the draft says. An object of that name that is not ours is left alone.
 * @param name the part's; that of the Workload unless given
 */
export async function ensure<T extends KubeObject & { spec?: any }>(
  { world, workload, obstacles, mayWrite }: Round,
  kind: Kind<T>,
  draft: Draft<T> | undefined,
  name = workload.metadata.name,
): Promise<T | undefined> {
  const { cache, client, events } = world
  const key = { namespace: workload.metadata.namespace!, name }
  let actual = cache.get(kind, key)
  if (!draft) {
    if (actual && isOurs(actual, workload) && (await mayWrite())) await remove(world, kind, actual)
    return undefined
  }
  if (!actual) {
    if (!(await mayWrite())) return undefined
    try {
      const made = await client.create(kind, draft)
      events.normal(workload, `${kind.kind}Created`, `Created ${kind.kind} ${made.metadata.name}`)
      return made
    } catch (error) {
      if (isNamespaceTerminating(error)) return undefined
      if (!isAlreadyExists(error)) throw error
      // Ours from before a crash, or somebody else's: only the server knows.
      actual = await client.get(kind, key)
    }
  }
  if (!isOurs(actual, workload)) {
    const message = `${kind.kind} ${keyText(key)} exists and does not belong to this Workload; delete or rename one of them`
    events.warning(workload, 'NameTaken', message)
    obstacles.push({ weight: 100, reason: 'NameTaken', message })
    return undefined
  }
  const { labels, annotations } = draft.metadata
  const wanted = { metadata: { labels, annotations }, spec: (draft as { spec?: unknown }).spec }
  if (saysAll(actual, wanted) || !(await mayWrite())) return actual
  return client.update(kind, merged(actual, draft))
}

export function isOurs(object: KubeObject, workload: Workload): boolean {
  return controllerOf(object)?.uid === workload.metadata.uid
}

export async function remove<T extends KubeObject>(world: World, kind: Kind<T>, object: T): Promise<void> {
  try {
    // A Job leaves its pods unless it is told not to.
    await world.client.delete(kind, keyOf(object), { uid: object.metadata.uid, propagationPolicy: 'Background' })
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error
  }
}

/** The draft's spec, with what the server allocated; labels and annotations of others stay. */
function merged<T extends KubeObject & { spec?: any }>(actual: T, draft: Draft<T>): T {
  const next = structuredClone(actual)
  next.metadata.labels = { ...next.metadata.labels, ...draft.metadata.labels }
  next.metadata.annotations = { ...next.metadata.annotations, ...draft.metadata.annotations }
  const { spec } = draft as { spec?: any }
  const changed = actual.metadata.annotations?.[draftAnnotation] !== draft.metadata.annotations?.[draftAnnotation]
  next.spec = changed ? { ...allocated(actual.spec), ...structuredClone(spec) } : overlay(next.spec, spec)
  if (next.spec.type === 'NodePort') keepNodePorts(actual.spec?.ports ?? [], next.spec.ports)
  return next
}

function keepNodePorts(before: ServicePort[], ports: ServicePort[]): void {
  for (const port of ports) {
    const same = before.find(p => p.port === port.port && p.protocol === port.protocol)
    if (same?.nodePort) port.nodePort ??= same.nodePort
  }
}

/** Of a Service: addresses it was given, which may not change. */
function allocated(spec: any): object {
  const kept = ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy']
  return Object.fromEntries(Object.entries(spec ?? {}).filter(([key]) => kept.includes(key)))
}

function overlay(base: any, top: any): any {
  if (Array.isArray(top) || typeof top !== 'object' || top === null) return top
  const result = typeof base === 'object' && base !== null && !Array.isArray(base) ? { ...base } : {}
  for (const [key, value] of Object.entries(top)) result[key] = overlay(result[key], value)
  return result
}
