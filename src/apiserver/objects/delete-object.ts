import { timestamp, timeText } from '../../base/clock.ts'
import { conflictError, notFoundError, objectModified } from '../../models/api-error.ts'
import type { AnyObject } from '../../models/object.ts'
import type { DeleteOptions } from '../../models/types/meta-v1.ts'
import type { Admission } from '../admission/chain.ts'
import type { Core } from '../core.ts'
import type { Resource } from '../resources.ts'
import { prepare, servedObject } from '../storage/conversion.ts'
import { StaleObject } from '../storage/object-store.ts'
import type { KeptObject } from '../watch-cache/kept-object.ts'
import { dryKept, prepared, type WriteOptions } from './create-object.ts'
import { isFinished } from './update-object.ts'

export interface Deletion {
  /** True: gone. False: marked, and waiting for a grace period or finalizers. */
  gone: boolean
  /** The last state. */
  object: KeptObject
}

const attempts = 8
const waitingFinalizers = ['orphan', 'foregroundDeletion']

/**
 * Deletes an object, or marks it as being deleted where finalizers or a grace period want it to stay for a while.
 * @throws ApiError NotFound, Conflict (preconditions)
 */
export async function deleteObject(
  core: Core,
  resource: Resource,
  namespace: string | undefined,
  name: string,
  wishes: DeleteOptions,
  options: WriteOptions,
): Promise<Deletion> {
  const target = resource.kind === resource.stored ? resource : core.resources.of(resource.stored)
  for (let attempt = 1; ; attempt++) {
    const kept = core.cache.get(target, namespace, name)
    if (!kept) throw notFoundError(resource.kind, name)
    const pending = prepare(target, [kept])
    if (pending) await pending
    const present = target.form ? servedObject(target, kept) : kept.value()
    checkPreconditions(resource, kept, present, wishes)
    const admission: Admission = {
      core,
      operation: 'DELETE',
      resource: target,
      subresource: '',
      namespace,
      name,
      object: undefined,
      previous: present,
      user: options.user,
      dryRun: options.dryRun,
      warnings: options.warnings,
      requested: resource,
      options: {
        ...wishes,
        ...{ kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1' },
        ...(options.dryRun ? { dryRun: ['All'] } : {}),
      },
    }
    if (!options.admitted) await core.admission.admit(admission)
    const next = markDeleted(core, target, target.form ? structuredClone(present) : marks(target, kept), wishes)
    try {
      if (next === undefined) return { gone: false, object: kept }
      if (isFinished(next)) {
        // Only what may have a grace period is marked before it goes.
        const last = target.stored.gracePeriodSeconds ? next : present
        if (options.dryRun) return { gone: true, object: dryKept(last, kept.revision, false) }
        const revision = await core.admission.commit(admission, claims => core.objects.remove(kept, claims))
        const shown = last === next ? dryKept(next, revision, false) : kept.endedAt(revision)
        target.form?.remember(shown, last)
        return { gone: true, object: shown }
      }
      if (options.dryRun) return { gone: false, object: dryKept(next, kept.revision, false) }
      const stored = target.form ? await target.form.toStored(next) : next
      const object = await core.objects.replace(target, kept, stored)
      return { gone: false, object: (await prepared(target, object)) ?? object }
    } catch (error) {
      if (!(error instanceof StaleObject)) throw error
      if (attempt >= attempts) throw conflictError(resource.kind, name, objectModified)
    }
  }
}

/** Its own metadata, which is all that a deletion changes, unless the kind has more to say; the rest as everybody reads it. */
function marks({ stored }: Resource, kept: KeptObject): AnyObject {
  if (stored.deletionBegins) return kept.parse()
  const present = kept.value()
  return { ...present, metadata: { ...present.metadata } }
}

function checkPreconditions(resource: Resource, kept: KeptObject, present: AnyObject, wishes: DeleteOptions): void {
  const { uid, resourceVersion } = wishes.preconditions ?? {}
  // Kubernetes names the kind here where all other refusals name the resource; but not of those with a way of their own to go.
  const own = resource.stored.deletionBegins !== undefined
  const named = own ? resource.kind : { ...resource.kind, plural: resource.kind.kind }
  const refuse = (field: string, wanted: string, actual: string, happened: string) => {
    if (own) {
      const differ = `${field} in precondition: ${wanted}, ${field} in object meta: ${actual}`
      throw conflictError(named, kept.name, `Precondition failed: ${differ}`)
    }
    const differ = `the ${field} in the precondition (${wanted}) does not match the ${field} in record (${actual})`
    throw conflictError(named, kept.name, `${differ}. The object might have been ${happened}`)
  }
  if (uid !== undefined && uid !== present.metadata.uid)
    refuse('UID', uid, present.metadata.uid ?? '', 'deleted and then recreated')
  if (resourceVersion !== undefined && resourceVersion !== String(kept.revision))
    refuse('ResourceVersion', resourceVersion, String(kept.revision), 'modified')
}

/** The object as it is once its deletion is asked for; undefined when it is already that far. Changes `object`. */
function markDeleted(core: Core, resource: Resource, object: AnyObject, wishes: DeleteOptions): AnyObject | undefined {
  const { metadata } = object
  const before = metadata.finalizers ?? []
  const finalizers = finalizersFor(before, wishes, resource)
  if (finalizers.length) metadata.finalizers = finalizers
  else delete metadata.finalizers
  const finalizersChanged = finalizers.join() !== before.join()
  const graceS = graceSeconds(resource, object, wishes)
  const now = core.clock.now()

  if (metadata.deletionTimestamp) {
    const oldGraceS = metadata.deletionGracePeriodSeconds ?? 0
    if (graceS !== undefined && graceS < oldGraceS) {
      const asked = Date.parse(metadata.deletionTimestamp) - oldGraceS * 1000
      metadata.deletionTimestamp = calendarTime(Math.max(asked + graceS * 1000, now))
      metadata.deletionGracePeriodSeconds = graceS
      return object
    }
    return finalizersChanged || isFinished(object) ? object : undefined
  }
  metadata.deletionTimestamp = calendarTime(now + (graceS ?? 0) * 1000)
  // Kinds that are emptied before they go have no grace period.
  if (!resource.stored.deletionBegins) metadata.deletionGracePeriodSeconds = graceS ?? 0
  if (!resource.stored.noGeneration && metadata.generation !== undefined) metadata.generation++
  resource.stored.deletionBegins?.(object, timestamp(core.clock))
  return object
}

/** However far away a client wishes it, a time must be one of the calendar. */
const lastMs = Date.parse('9999-12-31T23:59:59Z')
const calendarTime = (ms: number) => timeText(Math.min(ms, lastMs))

function graceSeconds({ stored }: Resource, object: AnyObject, wishes: DeleteOptions): number | undefined {
  const { gracePeriodSeconds: wished } = wishes
  return stored.gracePeriodSeconds?.(object, wished === undefined ? undefined : Number(wished))
}

/** What becomes of dependents, if the request says so. */
export function propagationOf({ propagationPolicy, orphanDependents }: DeleteOptions): string | undefined {
  if (propagationPolicy !== undefined) return propagationPolicy
  return orphanDependents === undefined ? undefined : orphanDependents ? 'Orphan' : 'Background'
}

function finalizersFor(before: string[], wishes: DeleteOptions, { stored }: Resource): string[] {
  const policy = propagationOf(wishes)
  const decided = before.some(f => waitingFinalizers.includes(f))
  if (policy === undefined) return stored.orphansDependents && !decided ? [...before, 'orphan'] : before
  const others = before.filter(f => !waitingFinalizers.includes(f))
  if (policy === 'Orphan') return [...others, 'orphan']
  if (policy === 'Foreground') return [...others, 'foregroundDeletion']
  return others
}
