import { timestamp } from '../base/clock.ts'
import { sameMeaning } from '../base/equality.ts'
import { explain } from '../base/errors.ts'
import { selectedOf, selectingOf } from '../client/label-index.ts'
import { controllerOf, isOfKind } from '../client/owner.ts'
import type { Cache, Reconciler, World } from '../client/reconciler.ts'
import { isNotFound } from '../models/api-error.ts'
import { withLatestCondition } from '../models/conditions.ts'
import { type Kind, resourceName } from '../models/kind.ts'
import {
  Deployment,
  Pod,
  PodDisruptionBudget,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
} from '../models/kinds/index.ts'
import { keyOf, keyText } from '../models/object.ts'
import { isPodReady, isPodTerminal } from '../models/pod-state.ts'
import type { OwnerReference } from '../models/types/meta-v1.ts'
import type { PodDisruptionBudgetStatus } from '../models/types/policy-v1.ts'
import { resolveFraction } from './fraction.ts'
import { ScaleTargets } from './scale-target.ts'
import { lenientSelector, writtenSelector } from './selection.ts'

/** An eviction that was allowed and never carried out is forgotten after this. */
const deletionTimeoutMs = 120_000

const budgetsOf = selectingOf(PodDisruptionBudget, b => lenientSelector(b.spec.selector))
const podsSelected = selectedOf(Pod)

/** Counts how many pods of a budget may be disrupted now; evictions ask and take from it. */
export function disruptionReconciler(): Reconciler {
  let targets: ScaleTargets | undefined
  return {
    name: 'disruption',
    eventsFrom: 'controllermanager',
    primary: PodDisruptionBudget,
    watches: [
      {
        kind: Pod,
        keys: (pod: Pod, cache: Cache) => budgetsOf(cache, pod).map(keyOf),
      },
      ...[Deployment, ReplicaSet, ReplicationController, StatefulSet].map(kind => ({ kind, keys: budgetsBeside })),
    ],
    writes: [{ kind: PodDisruptionBudget, part: 'status' }],
    async reconcile(key, world) {
      targets ??= new ScaleTargets(world.client, world.clock, { sameVersion: true })
      const budget = world.cache.get(PodDisruptionBudget, key)
      if (!budget || budget.metadata.deletionTimestamp) return
      const pods = podsSelected(world.cache, key.namespace, lenientSelector(budget.spec.selector))
      warnOfSeveral(world, budget, pods)
      let again = Infinity
      let status: PodDisruptionBudgetStatus
      try {
        const expected = await expectations(world, budget, pods, targets)
        const found = budgetStatus(budget, pods, expected, world.clock.now(), timestamp(world.clock))
        status = found.status
        again = found.afterMs
        for (const pod of found.notDeleted)
          world.events.warning(pod, 'NotDeleted', `Pod was expected by PDB ${keyText(key)} to be deleted but it wasn't`)
      } catch (error) {
        const text = `Failed to calculate the number of expected pods: ${explain(error)}`
        world.events.warning(budget, 'CalculateExpectedPodCountFailed', text)
        status = syncFailed(budget, explain(error), timestamp(world.clock))
        again = 60_000
      }
      if (!sameMeaning(budget.status, status)) {
        // Not at every look: it would leave no room for warnings, of which one object may have only so many.
        if (!pods.length) world.events.normal(budget, 'NoPods', 'No matching pods found')
        await write(world, budget, status)
      }
      return Number.isFinite(again) ? { afterMs: again } : undefined
    },
  }
}

/** Evictions are refused where several budgets ask for one pod: the first of them by name says so. */
function warnOfSeveral({ cache, events }: World, budget: PodDisruptionBudget, pods: readonly Pod[]): void {
  const { namespace, name } = budget.metadata
  for (const pod of pods) {
    const names = budgetsOf(cache, pod).map(other => other.metadata.name)
    if (names.length < 2 || names.some(other => other < name)) continue
    const text = `Pod ${JSON.stringify(namespace)}/${JSON.stringify(pod.metadata.name)} matches multiple PodDisruptionBudgets.  Chose ${JSON.stringify(name)} arbitrarily.`
    events.warning(pod, 'MultiplePodDisruptionBudgets', text)
  }
}

/** A new size changes what a percentage means. */
function budgetsBeside(object: { metadata: { namespace?: string } }, cache: Cache) {
  return cache
    .list(PodDisruptionBudget, object.metadata.namespace)
    .filter(b => b.spec.maxUnavailable !== undefined || typeof b.spec.minAvailable === 'string')
    .map(keyOf)
}

async function write({ client }: World, budget: PodDisruptionBudget, status: PodDisruptionBudgetStatus): Promise<void> {
  try {
    await client.updateStatus(PodDisruptionBudget, { ...structuredClone(budget), status })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

export interface Expectations {
  expectedPods: number
  desiredHealthy: number
}

async function expectations(
  world: World,
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  targets: ScaleTargets,
): Promise<Expectations> {
  const { maxUnavailable, minAvailable } = budget.spec
  if (maxUnavailable !== undefined) {
    const expectedPods = await expectedScale(world, budget, pods, targets)
    const down = resolveFraction(maxUnavailable, expectedPods, 'up')
    return { expectedPods, desiredHealthy: Math.max(expectedPods - down, 0) }
  }
  if (typeof minAvailable === 'string') {
    const expectedPods = await expectedScale(world, budget, pods, targets)
    return { expectedPods, desiredHealthy: resolveFraction(minAvailable, expectedPods, 'up') }
  }
  // One that says neither allows nothing.
  return minAvailable === undefined
    ? { expectedPods: 0, desiredHealthy: 0 }
    : { expectedPods: pods.length, desiredHealthy: minAvailable }
}

/** The sizes that the pods' controllers ask for, each counted once. */
async function expectedScale(
  world: World,
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  targets: ScaleTargets,
): Promise<number> {
  const sizes = new Map<string, number>()
  let isComplete = true
  for (const pod of pods) {
    const ref = controllerOf(pod)
    if (!ref) {
      isComplete = false
      continue
    }
    if (sizes.has(ref.uid)) continue
    const { uid, replicas } = await sizeOf(world, pod, ref, targets)
    sizes.set(uid, replicas)
    // Further pods of the same owner need not be looked up, whichever level it was counted at.
    if (uid !== ref.uid) sizes.set(ref.uid, 0)
  }
  if (!isComplete)
    world.events.warning(
      budget,
      'UnmanagedPods',
      `Pods selected by this PodDisruptionBudget (selector: ${writtenSelector(budget.spec.selector)}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`,
    )
  return [...sizes.values()].reduce((a, b) => a + b, 0)
}

interface Size {
  uid: string
  replicas: number
}

/** The size that a pod's owner asks for. @throws Error when it has none, or is gone */
async function sizeOf({ cache }: World, pod: Pod, ref: OwnerReference, targets: ScaleTargets): Promise<Size> {
  const { name, namespace } = pod.metadata
  const found = watchedSize(cache, namespace!, ref) ?? (await askedSize(namespace!, ref, targets))
  if (!found) throw new Error(`found no controllers for pod "${name}"`)
  return found
}

/** Kinds that own pods and have a size, as far as they are watched. */
const watchedKinds: Kind<any>[] = [ReplicaSet, ReplicationController, StatefulSet]

function watchedSize(cache: Cache, namespace: string, ref: OwnerReference): Size | undefined {
  const kind = watchedKinds.find(k => isOfKind(ref, k))
  const owner: ReplicaSet | undefined = kind && cache.get(kind, { namespace, name: ref.name })
  if (owner?.metadata.uid !== ref.uid) return undefined
  const above = kind === ReplicaSet ? controllerOf(owner) : undefined
  if (above && isOfKind(above, Deployment)) {
    const deployment = cache.get(Deployment, { namespace, name: above.name })
    if (deployment?.metadata.uid === above.uid) return { uid: above.uid, replicas: deployment.spec.replicas ?? 1 }
  }
  return { uid: ref.uid, replicas: owner.spec.replicas ?? 1 }
}

async function askedSize(namespace: string, ref: OwnerReference, targets: ScaleTargets): Promise<Size | undefined> {
  try {
    const { metadata, spec } = await targets.get(namespace, ref)
    return metadata.uid === ref.uid ? { uid: ref.uid, replicas: spec?.replicas ?? 0 } : undefined
  } catch (error) {
    if (!isNotFound(error)) throw error
    if (await targets.isScalable(ref)) return undefined
    throw new Error(`${resourceName(await targets.kindOf(ref))} does not implement the scale subresource`)
  }
}

/** The status that pods and expectations justify, when an allowed eviction must be forgotten, and which ones just were. */
export function budgetStatus(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  { expectedPods, desiredHealthy }: Expectations,
  nowMs: number,
  now: string,
): { status: PodDisruptionBudgetStatus; afterMs: number; notDeleted: Pod[] } {
  let afterMs = Infinity
  const notDeleted: Pod[] = []
  const disruptedPods: Record<string, string> = {}
  for (const [name, since] of Object.entries(budget.status?.disruptedPods ?? {})) {
    const pod = pods.find(p => p.metadata.name === name)
    const left = Date.parse(since) + deletionTimeoutMs - nowMs
    if (!pod || pod.metadata.deletionTimestamp) continue
    if (left <= 0) {
      notDeleted.push(pod)
      continue
    }
    disruptedPods[name] = since
    afterMs = Math.min(afterMs, left)
  }
  const healthy = pods.filter(
    p =>
      !p.metadata.deletionTimestamp &&
      !isPodTerminal(p) &&
      isPodReady(p) &&
      !Object.hasOwn(disruptedPods, p.metadata.name),
  )
  const spare = expectedPods > 0 ? Math.max(healthy.length - desiredHealthy, 0) : 0
  const generation = budget.metadata.generation ?? 0
  const condition = {
    type: 'DisruptionAllowed',
    status: spare > 0 ? 'True' : 'False',
    reason: spare > 0 ? 'SufficientPods' : 'InsufficientPods',
    message: '',
    observedGeneration: generation,
    lastTransitionTime: now,
  }
  return {
    afterMs,
    notDeleted,
    status: {
      ...(Object.keys(disruptedPods).length ? { disruptedPods } : {}),
      currentHealthy: healthy.length,
      desiredHealthy,
      expectedPods,
      disruptionsAllowed: spare,
      observedGeneration: generation,
      conditions: withLatestCondition(budget.status?.conditions, condition),
    },
  }
}

/** When the count fails nothing may be disrupted; of the newest spec nothing is known. */
function syncFailed(budget: PodDisruptionBudget, message: string, now: string): PodDisruptionBudgetStatus {
  const none = { currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 }
  const status = { ...none, ...budget.status, disruptionsAllowed: 0 }
  const condition = {
    ...{ type: 'DisruptionAllowed', status: 'False', reason: 'SyncFailed', message },
    observedGeneration: status.observedGeneration ?? 0,
    lastTransitionTime: now,
  }
  return { ...status, conditions: withLatestCondition(status.conditions, condition) }
}
