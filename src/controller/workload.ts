import { timestamp } from '../base/clock.ts'
import { sameMeaning } from '../base/equality.ts'
import { controllerOf } from '../client/owner.ts'
import { type Cache, ownerWatch, type Reconciler, type World } from '../client/reconciler.ts'
import { isAlreadyExists, isConflict, isNotFound } from '../models/api-error.ts'
import type { Kind } from '../models/kind.ts'
import {
  ConfigMap,
  Deployment,
  HorizontalPodAutoscaler,
  Ingress,
  Node,
  PersistentVolumeClaim,
  Pod,
  ReplicaSet,
  Secret,
  Service,
  Workload,
} from '../models/kinds/index.ts'
import { type Draft, type KubeObject, keyOf, keyText, type ObjectKey } from '../models/object.ts'
import type { ServicePort } from '../models/types/core-v1.ts'
import { conditionOf } from './conditions.ts'
import { isFresh } from './fresh.ts'
import { isNamespaceTerminating } from './pod-template.ts'
import { stableHash } from './template-hash.ts'
import { configAnnotation, configFingerprint, configIsFresh, configOf } from './workload-config.ts'
import { dependentsOf, waitsFor } from './workload-order.ts'
import {
  autoscalerOf,
  claimsOf,
  deploymentOf,
  draftAnnotation,
  ingressOf,
  saysAll,
  serviceOf,
  withTemplate,
  workloadLabel,
} from './workload-parts.ts'
import { judge, stableTemplate } from './workload-rollback.ts'
import { type Problem, workloadStatus } from './workload-status.ts'

/** Makes a Deployment, a Service and, for a host name, an Ingress of a Workload, and one readable status of theirs and their pods'. */
export function workloadReconciler(): Reconciler {
  return {
    name: 'workload',
    primary: Workload,
    watches: [
      ownerWatch(Deployment, Workload),
      ownerWatch(Service, Workload),
      ownerWatch(Ingress, Workload),
      { kind: Pod, keys: ofPod },
      { kind: Node, keys: exposedOnNodes },
      { kind: ReplicaSet, keys: () => [] },
      ownerWatch(HorizontalPodAutoscaler, Workload),
      { kind: PersistentVolumeClaim, keys: () => [] },
      { kind: Workload, keys: dependentsOf },
      { kind: ConfigMap, keys: readersOf },
      { kind: Secret, keys: readersOf },
    ],
    writes: [
      { kind: Deployment, part: 'owned' },
      { kind: Service, part: 'owned' },
      { kind: Ingress, part: 'owned' },
      { kind: HorizontalPodAutoscaler, part: 'owned' },
      { kind: PersistentVolumeClaim, part: 'owned' },
      { kind: Workload, part: 'status' },
    ],
    async reconcile(key, world) {
      const workload = world.cache.get(Workload, key)
      if (!workload || workload.metadata.deletionTimestamp) return
      const obstacles: Problem[] = []
      const round: Round = { world, workload, obstacles, mayWrite: mayWrite(world, workload) }
      const sets = setsOf(world.cache, key)
      const draft = deploymentOf(workload, configState(round))
      const wanted = stableHash(draft.spec.template)
      const back = workload.status?.failedRevision === wanted ? stableTemplate(workload.status, sets) : undefined
      await ensureClaims(round)
      const waits = waitsFor(workload, world.cache)
      if (waits) obstacles.push(waits)
      const deployment = waits ? undefined : await ensure(round, Deployment, back ? withTemplate(draft, back) : draft)
      const service = await ensure(round, Service, serviceOf(workload))
      await ensure(round, Ingress, ingressOf(workload))
      await ensure(round, HorizontalPodAutoscaler, autoscalerOf(workload))
      const memory = judge(workload, wanted, deployment, sets)
      const pods = deployment ? podsOf(world.cache, deployment) : []
      const nodes = world.cache.list(Node)
      const facts = { deployment, service, pods, nodes, obstacle: obstacles[0], memory }
      const status = workloadStatus(workload, facts, timestamp(world.clock))
      if (sameMeaning(workload.status, status)) return
      try {
        await world.client.updateStatus(Workload, { ...structuredClone(workload), status })
        const failed = conditionOf(status.conditions, 'RolledBack')
        if (failed?.status === 'True' && memory.failedRevision !== workload.status?.failedRevision)
          world.events.warning(workload, 'RolledBack', failed.message ?? '')
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
    },
  }
}

/** One look at one Workload. */
interface Round {
  world: World
  workload: Workload
  obstacles: Problem[]
  mayWrite(): Promise<boolean>
}

/** By an old view of the Workload, the app of yesterday would be rolled out once more: the server is asked before the first write. */
function mayWrite(world: World, workload: Workload): () => Promise<boolean> {
  let fresh: Promise<boolean> | undefined
  const look = async () => (await isFresh(world, Workload, workload)) && (await configIsFresh(workload, world))
  return () => (fresh ??= look())
}

/** Of what its pods read; what they have now while something is missing, which a restart would not make better. */
function configState({ world, workload }: Round): string | undefined {
  if (workload.spec.restartOnConfigChange === false) return undefined
  const actual = world.cache.get(Deployment, keyOf(workload))
  return configFingerprint(workload, world) ?? actual?.spec.template.metadata?.annotations?.[configAnnotation]
}

/** Whoever reads a ConfigMap or Secret. */
function readersOf({ metadata, kind }: KubeObject, cache: Cache): ObjectKey[] {
  const reads = (workload: Workload) => configOf(workload).some(r => r.name === metadata.name && r.kind.kind === kind)
  return cache.list(Workload, metadata.namespace).filter(reads).map(keyOf)
}

function setsOf(cache: Cache, key: ObjectKey): ReplicaSet[] {
  const deployment = cache.get(Deployment, key)
  return deployment ? cache.ownedBy(ReplicaSet, deployment.metadata.uid) : []
}

function ofPod(pod: Pod): ObjectKey[] {
  const name = pod.metadata.labels?.[workloadLabel]
  return name ? [{ namespace: pod.metadata.namespace!, name }] : []
}

/** Their URL names a node. */
function exposedOnNodes(_node: Node, cache: Cache): ObjectKey[] {
  return cache
    .list(Workload)
    .filter(w => w.spec.expose?.type === 'NodePort' || w.spec.expose?.nodePort)
    .map(keyOf)
}

function podsOf(cache: Cache, deployment: Deployment): Pod[] {
  return cache.ownedBy(ReplicaSet, deployment.metadata.uid).flatMap(rs => cache.ownedBy(Pod, rs.metadata.uid))
}

/** Only ever made: they stay when the volume is taken out of the Workload, or the Workload is deleted. */
async function ensureClaims({ world, workload, mayWrite }: Round): Promise<void> {
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

/** Creates, updates or deletes one part, so that it is what the draft says. An object of that name that is not ours is left alone. */
async function ensure<T extends KubeObject & { spec?: any }>(
  { world, workload, obstacles, mayWrite }: Round,
  kind: Kind<T>,
  draft: Draft<T> | undefined,
): Promise<T | undefined> {
  const { cache, client, events } = world
  const key = { namespace: workload.metadata.namespace!, name: workload.metadata.name }
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

function isOurs(object: KubeObject, workload: Workload): boolean {
  return controllerOf(object)?.uid === workload.metadata.uid
}

async function remove<T extends KubeObject>(world: World, kind: Kind<T>, object: T): Promise<void> {
  try {
    await world.client.delete(kind, keyOf(object), { uid: object.metadata.uid })
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
