import { timestamp } from '../../base/clock.ts'
import { integerProblem } from '../../base/go-integer.ts'
import { badRequest, conflictError, invalidError, notFoundError, objectModified } from '../../models/api-error.ts'
import { type FieldError, GoText, invalid } from '../../models/field-error.ts'
import type { AnyObject } from '../../models/object.ts'
import type { Admission } from '../admission/chain.ts'
import type { Core } from '../core.ts'
import { applyDefaults, settleEmptyLists, validateObject } from '../model-engine.ts'
import type { Resource } from '../resources.ts'
import { prepare, servedObject, toStored } from '../storage/conversion.ts'
import { ClaimTaken, StaleObject } from '../storage/object-store.ts'
import type { KeptObject } from '../watch-cache/kept-object.ts'
import { admitChanges } from './admit-changes.ts'
import { dryKept, prepared, refuse, type WriteOptions } from './create-object.ts'
import { sameButTimes, sameDesire } from './same.ts'
import { keepSystemFields, takeMarks } from './system-fields.ts'

/** Makes the next state of an object, in the form that the resource serves, from a copy of the present one as it is stored. */
export type NextState = (present: AnyObject, kept: KeptObject) => AnyObject | Promise<AnyObject>

export interface UpdateOptions extends WriteOptions {
  /** '' for the object itself; `status`, or another sub-path that admission tells apart. */
  subresource: string
  /** Without a resourceVersion in the next state the update is refused, if the kind asks for that. */
  mustSayRevision?: boolean
  /** Goes beyond what a writer of the main object may change: the server's own subresources (binding, finalize). */
  trusted?: boolean
  /** The next state is made without a change to the present one, which needs no copy then. */
  onlyReads?: boolean
  /** True when the last next state is the present one but for its owners: it gets no defaults that the present one has not. */
  asItIs?: () => boolean
  /** The next state differs only in what the server itself has put there and checked: no defaults, no validation. */
  sound?: boolean
  /** The next state says something else than the present one, whatever it is: they need not be compared. */
  differs?: boolean
}

/** Tries of an update that does not say which state it is about, when others write the same object. */
const attempts = 6

/**
 * Changes one object: the next state, what a writer may not change kept, admission, validation, commit. If nothing
 * changes nothing is written.
 * @throws ApiError NotFound, Conflict (the next state names another resourceVersion, or others write too fast), Invalid
 */
export async function updateObject(
  core: Core,
  resource: Resource,
  namespace: string | undefined,
  name: string,
  nextState: NextState,
  options: UpdateOptions,
): Promise<KeptObject> {
  const target = resource.kind === resource.stored ? resource : core.resources.of(resource.stored)
  for (let attempt = 1; ; attempt++) {
    const kept = core.cache.get(target, namespace, name)
    if (!kept) throw notFoundError(resource.kind, name)
    const pending = prepare(target, [kept])
    if (pending) await pending
    const present = target.form ? servedObject(target, kept) : kept.value()
    const next = await nextState(stateFor(target, kept, present, options), kept)
    const pinned = checkRevision(resource, kept, present, next, options)
    try {
      return await admitAndCommit(core, resource, target, kept, present, next, options)
    } catch (error) {
      if (error instanceof ClaimTaken && attempt < attempts) continue
      if (!(error instanceof StaleObject)) throw error
      if (pinned || attempt >= attempts) throw conflictError(resource.kind, name, objectModified)
    }
  }
}

/** What the next state is made from: mostly a copy, since it may be changed into it. */
function stateFor(target: Resource, kept: KeptObject, present: AnyObject, options: UpdateOptions): AnyObject {
  if (target.form) return structuredClone(present)
  return options.onlyReads ? present : kept.parse()
}

/** @returns whether the next state is about one revision only */
function checkRevision(
  resource: Resource,
  kept: KeptObject,
  present: AnyObject,
  next: AnyObject,
  options: UpdateOptions,
): boolean {
  const { name, resourceVersion, uid } = next.metadata
  // Validation refuses it where there is one.
  if (uid && uid !== present.metadata.uid && options.sound)
    throw invalidError(resource.kind, name, [invalid('metadata.uid', uid, 'field is immutable')])
  if (uid && uid !== present.metadata.uid && options.mustSayRevision)
    throw conflictError(
      resource.kind,
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${present.metadata.uid}`,
    )
  if (!resourceVersion || resourceVersion === '0') {
    if (options.mustSayRevision && !resource.stored.unconditionalUpdate)
      // Who refuses this knows the resource only.
      throw invalidError({ ...resource.kind, kind: resource.kind.plural }, name, [
        invalid('metadata.resourceVersion', new GoText('0x0'), 'must be specified for an update'),
      ])
    return false
  }
  if (integerProblem(resourceVersion, false))
    throw badRequest(`strconv.ParseUint: ${integerProblem(resourceVersion, false)}`)
  if (Number(resourceVersion) !== kept.revision) throw conflictError(resource.kind, name, objectModified)
  return true
}

async function admitAndCommit(
  core: Core,
  resource: Resource,
  target: Resource,
  kept: KeptObject,
  present: AnyObject,
  served: AnyObject,
  options: UpdateOptions,
): Promise<KeptObject> {
  const kind = resource.stored
  if (!options.sound && !options.asItIs?.()) applyDefaults(resource.kind, served)
  let next = toStored(resource, served)
  if (next !== served) applyDefaults(kind, next)
  next = keepOthers(core, target, present, next, options)
  // Who writes owns what he wrote, also where the kind takes it back.
  const tracking = options.track?.(next, present)
  if (tracking) await tracking
  prepareNext(target, present, next, options)
  const admission: Admission = {
    core,
    operation: 'UPDATE',
    resource: target,
    subresource: options.subresource,
    namespace: next.metadata.namespace,
    name: next.metadata.name,
    object: next,
    previous: present,
    user: options.user,
    dryRun: options.dryRun,
    warnings: options.warnings,
    requested: resource,
    ...(options.shownOptions ? { options: options.shownOptions } : {}),
    settle: () => replaceContents(next, asMayBeWritten(core, target, present, { ...next }, options)),
  }
  settleEmptyLists(kind, next)
  // What is patched is about the state that it was made from; what is sent whole is only once it was looked at.
  if (!options.mustSayRevision) next.metadata.resourceVersion ||= present.metadata.resourceVersion!
  const admitted = options.admitted ? false : admitChanges(admission)
  if (admitted instanceof Promise ? await admitted : admitted) applyDefaults(kind, next)
  next.metadata.resourceVersion ||= present.metadata.resourceVersion!
  if (!options.trusted && options.subresource === '') kind.finishUpdate?.(next, present)
  if (!kind.noGeneration && options.subresource !== 'status') growGeneration(target, next, present)
  if (!options.sound) {
    const wrong = validateObject({ kind, asked: resource.kind }, next, present, options.trusted, options.warnings)
    if (options.subresource && kind.validatePart) wrong.push(...kind.validatePart(options.subresource, next, present))
    refuse(target, next, kind.custom && options.subresource === 'status' ? wrong.map(asOfStatus) : wrong)
  }
  const validating = options.admitted ? undefined : core.admission.validate(admission)
  if (validating) await validating
  if (kind.warnings && options.subresource === '') options.warnings.push(...kind.warnings(next, present))

  next.metadata.resourceVersion = present.metadata.resourceVersion!
  const { form } = target
  if (!options.differs && sameButTimes(next, present) && !form?.isOutdated(kept)) return kept
  if (options.dryRun) {
    core.admission.checkCharges(admission)
    const shown = dryKept(form ? await form.toStored(next) : next, kept.revision, false)
    return prepared(target, shown) ?? shown
  }
  if (isFinished(next)) {
    const deletion: Admission = { ...admission, operation: 'DELETE', subresource: '', object: undefined }
    const revision = await core.admission.commit(deletion, claims => core.objects.remove(kept, claims))
    return dryKept(next, revision, false)
  }
  const stored = form ? await form.toStored(next) : next
  const written = await core.admission.commit(admission, claims => core.objects.replace(target, kept, stored, claims))
  return prepared(target, written) ?? written
}

/** The next state with everything kept that such a writer may not change. May change and return `next`. */
function asMayBeWritten(
  core: Core,
  target: Resource,
  present: AnyObject,
  next: AnyObject,
  options: UpdateOptions,
): AnyObject {
  const kept = keepOthers(core, target, present, next, options)
  prepareNext(target, present, kept, options)
  return kept
}

/** The next state with the system's fields, and what lies beyond the path, as they were. */
function keepOthers(
  core: Core,
  target: Resource,
  present: AnyObject,
  next: AnyObject,
  options: UpdateOptions,
): AnyObject {
  keepSystemFields(next, present)
  if (options.subresource === 'status') return onlyStatus(target, present, next, timestamp(core.clock))
  if (!options.trusted && target.stored.subresources?.includes('status')) keepStatus(next, present)
  return next
}

function prepareNext({ stored }: Resource, present: AnyObject, next: AnyObject, options: UpdateOptions): void {
  if (options.subresource !== 'status' && !options.trusted) stored.prepareUpdate?.(next, present)
}

/** Makes the one object like the other, for those who hold on to it. */
export function replaceContents(target: AnyObject, source: AnyObject): void {
  for (const key of Object.keys(target)) if (!Object.hasOwn(source, key)) delete target[key]
  Object.assign(target, source)
}

/** An object on its way out goes with its last finalizer, unless its grace period still runs. */
export function isFinished(object: AnyObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata
  if (!deletionTimestamp || (deletionGracePeriodSeconds ?? 0) > 0) return false
  if (finalizers?.length) return false
  return !(object.kind === 'Namespace' && object.apiVersion === 'v1' && object['spec']?.finalizers?.length)
}

function growGeneration(resource: Resource, next: AnyObject, present: AnyObject): void {
  const changed = resource.stored.generationChanged?.(next, present) ?? !sameDesire(next, present)
  const started = next.metadata.deletionTimestamp && !present.metadata.deletionTimestamp
  if (changed || started) next.metadata.generation = (present.metadata.generation ?? 0) + 1
}

/** A writer of status changes status, of most kinds labels and annotations too: nothing else. Of a custom resource, the status alone. */
function onlyStatus({ form, stored }: Resource, present: AnyObject, next: AnyObject, now: string): AnyObject {
  const out: AnyObject = { ...present, metadata: { ...present.metadata } }
  if (!form) takeMarks(out, next, stored.statusMarks)
  // Another one's is left for validation to refuse.
  if (next.metadata.uid) out.metadata.uid = next.metadata.uid
  if (next['status'] === undefined) delete out['status']
  else out['status'] = next['status']
  stored.prepareStatus?.(out, present, now)
  return out
}

/** To who writes the status of a custom resource alone, the messages name places within it. */
function asOfStatus(error: FieldError): FieldError {
  const within = error.field.replace(/^status\./, '')
  return { ...error, message: error.message.replace(`${error.field} in body`, `${within} in body`) }
}

function keepStatus(next: AnyObject, present: AnyObject): void {
  if (present['status'] === undefined) delete next['status']
  // Its own: what admission and the kind change in it must not change what everybody reads.
  else next['status'] = structuredClone(present['status'])
}
