import { type ApiError, alreadyExistsError, invalidError, isAlreadyExists } from '../../models/api-error.ts'
import { encodeJson } from '../../models/encode-json.ts'
import { parseJson } from '../../models/json.ts'
import type { AnyObject } from '../../models/object.ts'
import type { UserInfo } from '../../models/rest.ts'
import type { Admission } from '../admission/chain.ts'
import type { Core } from '../core.ts'
import { applyDefaults, resetStatus, settleEmptyLists, validateObject } from '../model-engine.ts'
import type { Resource } from '../resources.ts'
import { prepare, toStored } from '../storage/conversion.ts'
import { encodeObject, withRevision } from '../storage/object-bytes.ts'
import { objectStoreKey } from '../storage/object-key.ts'
import { ClaimTaken } from '../storage/object-store.ts'
import { KeptObject } from '../watch-cache/kept-object.ts'
import { admitChanges } from './admit-changes.ts'
import type { TrackOwners } from './field-owners.ts'
import { fillSystemFields, generateName, refuseRevision } from './system-fields.ts'

export interface WriteOptions {
  user: UserInfo
  dryRun: boolean
  warnings: string[]
  /** Who owns what afterwards; absent: nobody new. */
  track?: TrackOwners
  /** Admission was asked about what this is part of: a binding, an eviction, a scale. */
  admitted?: boolean
  /** CreateOptions and the like, as webhooks are shown them. */
  shownOptions?: object
}

/** Tries before a generated name counts as not to be had. */
const nameAttempts = 8
/** Tries before addresses and ports that others take at the same time count as not to be had. */
const claimAttempts = 64

/**
 * Brings a new object into being: names, defaults, admission, validation, commit. `object` is in the form that `resource`
 * serves, decoded, with its namespace settled; it is changed.
 * @throws ApiError
 */
export async function createObject(
  core: Core,
  resource: Resource,
  object: AnyObject,
  options: WriteOptions,
): Promise<KeptObject> {
  const { stored } = resource
  const target = resource.kind === stored ? resource : core.resources.of(stored)
  applyDefaults(resource.kind, object)
  let next = toStored(resource, object)
  if (next !== object) applyDefaults(stored, next)
  const generated = !next.metadata.name && next.metadata.generateName !== undefined
  const sentRevision = next.metadata.resourceVersion
  fillSystemFields(core, resource, next)
  if (stored.subresources?.includes('status') && !stored.keepsStatusOnCreate) resetStatus(stored, next)

  // What is allocated is chosen anew when somebody else was faster; a name that was taken only needs another one.
  const original = core.admission.mayClaim(target) ? encodeJson(next) : undefined
  for (let attempt = 1; ; attempt++) {
    if (attempt > 1 && original) next = parseJson(original, { exactIntegers: true }).value as AnyObject
    else if (attempt > 1) {
      delete (next.metadata as Partial<AnyObject['metadata']>).name
      delete next.metadata.managedFields
    }
    try {
      return await admitAndCommit(core, resource, target, next, sentRevision, options)
    } catch (error) {
      const limit = error instanceof ClaimTaken ? claimAttempts : generated && isAlreadyExists(error) ? nameAttempts : 0
      if (attempt >= limit) throw error
    }
  }
}

async function admitAndCommit(
  core: Core,
  requested: Resource,
  resource: Resource,
  next: AnyObject,
  sentRevision: string | undefined,
  options: WriteOptions,
): Promise<KeptObject> {
  const kind = resource.stored
  const { uid, creationTimestamp, generation } = next.metadata
  const admission: Admission = {
    core,
    operation: 'CREATE',
    resource,
    subresource: '',
    namespace: next.metadata.namespace,
    name: next.metadata.name ?? '',
    object: next,
    previous: undefined,
    user: options.user,
    dryRun: options.dryRun,
    warnings: options.warnings,
    requested,
    ...(options.shownOptions ? { options: options.shownOptions } : {}),
    settle() {
      next.metadata.uid = uid!
      next.metadata.creationTimestamp = creationTimestamp!
      if (generation !== undefined) next.metadata.generation = generation
      if (kind.subresources?.includes('status') && !kind.keepsStatusOnCreate) delete next['status']
    },
  }
  const tracking = options.track?.(next, undefined)
  if (tracking) await tracking
  settleEmptyLists(kind, next)
  const admitted = admitChanges(admission)
  if (admitted instanceof Promise ? await admitted : admitted) applyDefaults(kind, next)
  // Who changes the object on its way sees what was asked for; who judges it sees the name too.
  generateName(core, next)
  admission.name = next.metadata.name ?? ''
  kind.prepareCreate?.(next)
  refuse(resource, next, validateObject({ kind, asked: requested.kind }, next))
  const validating = core.admission.validate(admission)
  if (validating) await validating
  // Whoever reads a custom resource sees all that its schema states as default, the status too, which no writer may bring.
  if (kind.custom) applyDefaults(kind, next)
  if (kind.warnings) options.warnings.push(...kind.warnings(next))
  const { namespace, name } = next.metadata
  const stored = resource.form ? await resource.form.toStored(next) : next
  if (options.dryRun) {
    objectStoreKey(resource, namespace, name)
    const there = core.cache.get(resource, namespace, name)
    if (there) throw alreadyExistsError(requested.kind, name, there.leaving)
    core.admission.checkCharges(admission)
    const shown = dryKept(stored, core.cache.revision, true)
    return prepared(resource, shown) ?? shown
  }
  refuseRevision(sentRevision)
  const kept = await core.admission.commit(admission, claims =>
    core.objects.create(resource, stored, claims, requested.kind),
  )
  return prepared(resource, kept) ?? kept
}

/** What was written is shown as whoever reads it next will see it: what a conversion loses is lost. Undefined: it is shown so already. */
export function prepared(resource: Resource, kept: KeptObject): Promise<KeptObject> | undefined {
  return prepare(resource, [kept])?.then(() => kept)
}

/** What would be kept, with the number of now, or (a new object) none. @param object not to be changed any more */
export function dryKept(object: AnyObject, revision: number, fresh: boolean): KeptObject {
  // Of what a group has deleted nobody reads more than that it is gone.
  const write = () => (fresh ? encodeObject(object) : withRevision(encodeObject(object), revision))
  const { namespace, name } = object.metadata
  return new KeptObject('', namespace ?? '', name, revision, { size: 0, write })
}

export function refuse(resource: Resource, object: AnyObject, errors: Parameters<typeof invalidError>[2]): void {
  if (errors.length) throw invalidError(resource.kind, object.metadata.name ?? '', errors) satisfies ApiError
}
