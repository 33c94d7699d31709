import { timestamp } from '../../base/clock.ts'
import { InvalidSelector, selectorFrom } from '../../base/labels.ts'
import { ApiError, badRequest, notFoundError } from '../../models/api-error.ts'
import { withLatestCondition } from '../../models/conditions.ts'
import { Eviction, Pod, PodDisruptionBudget } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import { isPodReady } from '../../models/pod-state.ts'
import type { PodCondition } from '../../models/types/core-v1.ts'
import type { DeleteOptions, Preconditions } from '../../models/types/meta-v1.ts'
import { readObject } from '../bodies/object-body.ts'
import type { CallHandler, Core, ResourceCall } from '../core.ts'
import { admitRequest, askedBy } from '../objects/admit-request.ts'
import { deleteObject } from '../objects/delete-object.ts'
import { settleNamespace } from '../objects/system-fields.ts'
import { type UpdateOptions, updateObject } from '../objects/update-object.ts'
import { valueReply } from '../replies/object-form.ts'
import { successStatus } from '../replies/reply.ts'
import { checkPropagation } from '../verbs/delete.ts'
import { checkDryRun, isDryRun } from '../verbs/write-options.ts'
import type { KeptObject } from '../watch-cache/kept-object.ts'

/** POST pods/NAME/eviction: a deletion that asks the disruption budgets first. */
export const createEviction: CallHandler = async call => {
  const { core, path } = call
  const eviction = readObject(call, Eviction)
  const name = path.name!
  settleNamespace(call.resource, path, eviction)
  if (eviction.metadata.name !== name) throw badRequest('name in URL does not match name in Eviction object')
  const wishes: DeleteOptions = eviction['deleteOptions'] ?? {}
  refuseOtherDryRun(call.info.query.getAll('dryRun'), wishes.dryRun ?? [])
  checkDryRun(call, wishes.dryRun ?? [])
  checkPropagation(wishes)
  const dryRun = isDryRun(call) || Boolean(wishes.dryRun?.length)
  const kept = core.cache.get(call.resource, path.namespace, name)
  if (!kept) throw notFoundError(Pod, name)
  const pod = core.shared(kept)
  await admitRequest(askedBy(call, dryRun), call.resource, 'eviction', name, eviction)
  const { user, warnings } = call
  const options: UpdateOptions = { user, dryRun, warnings, subresource: 'status', admitted: true }
  if (!goesFreely(pod)) await takeFromBudget(core, path.namespace!, pod, options)
  const marked = dryRun ? kept : await markEvicted(call, wishes.preconditions, options)
  await deleteObject(core, call.resource, path.namespace, name, dryRun ? wishes : ofRevision(wishes, marked), options)
  return valueReply(call, 201, { ...successStatus(), code: 201 })
}

/** @throws ApiError 500 if the request and its body say both whether anything is written, and not the same */
function refuseOtherDryRun(asked: readonly string[], wished: readonly string[]): void {
  if (!asked.length || !wished.length || asked.join() === wished.join()) return
  const both = `[${asked.join(' ')}] and [${wished.join(' ')}]`
  throw new ApiError('', `Non-matching dry-run options in request and content: ${both}`, { code: 500 })
}

/** Says on the pod that it was asked to go, before it is: a Job that would count it as a failure reads it. */
function markEvicted(
  { core, resource, path }: ResourceCall,
  { uid, resourceVersion }: Preconditions = {},
  options: UpdateOptions,
): Promise<KeptObject> {
  const evicted = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
  }
  const mark = (pod: AnyObject) => {
    const status = (pod['status'] ??= {})
    const next = { ...evicted, lastTransitionTime: timestamp(core.clock) }
    status.conditions = withLatestCondition<PodCondition>(status.conditions, next)
    pod.metadata.resourceVersion = resourceVersion ?? ''
    if (uid) pod.metadata.uid = uid
    return pod
  }
  return updateObject(core, resource, path.namespace, path.name!, mark, options)
}

/** Who named a revision meant the one before our mark. */
function ofRevision(wishes: DeleteOptions, marked: KeptObject): DeleteOptions {
  if (!wishes.preconditions?.resourceVersion) return wishes
  return { ...wishes, preconditions: { ...wishes.preconditions, resourceVersion: String(marked.revision) } }
}

/** Pods that run nothing cost no budget anything. */
function goesFreely(pod: AnyObject): boolean {
  const phase = pod['status']?.phase
  return phase === 'Succeeded' || phase === 'Failed' || phase === 'Pending' || Boolean(pod.metadata.deletionTimestamp)
}

async function takeFromBudget(core: Core, namespace: string, pod: AnyObject, options: UpdateOptions): Promise<void> {
  const budgets = core.resources.of(PodDisruptionBudget)
  const concerned = core.cache
    .bucket(budgets)
    .list(namespace)
    .filter(kept => covers(core.shared(kept), pod))
  if (concerned.length > 1)
    throw new ApiError(
      '',
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
      { code: 500 },
    )
  const [budget] = concerned
  if (!budget) return
  const { spec, status } = core.shared(budget) as { spec?: any; status?: any }
  if (!isPodReady(pod as any)) {
    const healthyEnough = status && status.currentHealthy >= status.desiredHealthy && status.desiredHealthy > 0
    if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow' || healthyEnough) return
  }
  await updateObject(
    core,
    budgets,
    namespace,
    budget.name,
    present => {
      const state = (present['status'] ??= {})
      if ((state.observedGeneration ?? 0) < (present.metadata.generation ?? 0))
        throw tooMany(budget.name, `The disruption budget ${budget.name} is still being processed by the server.`, 10)
      if (!(state.disruptionsAllowed > 0))
        throw tooMany(
          budget.name,
          `The disruption budget ${budget.name} needs ${state.desiredHealthy ?? 0} healthy pods and has ${state.currentHealthy ?? 0} currently`,
        )
      state.disruptionsAllowed--
      state.disruptedPods = { ...state.disruptedPods, [pod.metadata.name]: timestamp(core.clock) }
      present.metadata.resourceVersion = ''
      return present
    },
    options,
  )
}

function covers(budget: AnyObject, pod: AnyObject): boolean {
  try {
    return selectorFrom(budget['spec']?.selector).matches(pod.metadata.labels)
  } catch (error) {
    if (error instanceof InvalidSelector) return false
    throw error
  }
}

function tooMany(budget: string, why: string, retryAfterSeconds?: number): ApiError {
  return new ApiError('TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
    details: {
      name: budget,
      causes: [{ reason: 'DisruptionBudget', message: why }],
      ...(retryAfterSeconds ? { retryAfterSeconds } : {}),
    },
  })
}
