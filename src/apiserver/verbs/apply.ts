import { conflictError } from '../../models/api-error.ts'
import { strip } from '../../models/apply/forms.ts'
import { applyConfiguration, type Writer } from '../../models/apply/managed-fields.ts'
import { same } from '../../models/apply/typed-fields.ts'
import type { AnyObject } from '../../models/object.ts'
import { decodeWrapped } from '../bodies/wrapped-integers.ts'
import type { CallHandler, ResourceCall } from '../core.ts'
import { typeOf } from '../model-engine.ts'
import { createObject } from '../objects/create-object.ts'
import { applyingOverVersions } from '../objects/custom-owners.ts'
import type { TrackOwners } from '../objects/field-owners.ts'
import { marks } from '../objects/system-fields.ts'
import { updateObject } from '../objects/update-object.ts'
import { objectReply } from '../replies/object-form.ts'
import { notAllowed } from '../replies/reply.ts'
import { fromStored } from '../storage/conversion.ts'
import { type Application, readApplication } from './applied-configuration.ts'
import { checkMayCreate } from './may-create.ts'
import { isDryRun, shownOptions } from './write-options.ts'

/** PATCH with `application/apply-patch+yaml`: server-side apply of an object, or of its status; creates what is not there. */
export const apply: CallHandler = async call => {
  const { core, resource, path } = call
  const subresource = path.subresource ?? ''
  const application = readApplication(call, resource.kind)
  const options = {
    ...{ user: call.user, dryRun: isDryRun(call), warnings: call.warnings },
    shownOptions: shownOptions(call, 'UpdateOptions'),
  }
  if (subresource === 'status') application.configuration = withoutIgnoredMarks(call, application.configuration)
  const { configuration } = application
  if (subresource === 'status') application.ownable = statusOnly(configuration)
  else if (resource.kind.subresources?.includes('status')) {
    const { status: _, ...rest } = configuration
    application.ownable = rest as AnyObject
  }

  if (!core.cache.get(resource, path.namespace, path.name!) && subresource === '') {
    if (!resource.verbs.has('create')) throw notAllowed()
    refuseUid(call, application.configuration)
    await checkMayCreate(call)
    const { state, track } = applied(call, undefined, application, application.writer)
    const kept = await createObject(core, resource, state, {
      ...options,
      shownOptions: shownOptions(call, 'CreateOptions'),
      track,
    })
    return objectReply(call, resource, 201, kept)
  }
  const applying = new Applying(call, application)
  const kept = await updateObject(core, resource, path.namespace, path.name!, present => applying.next(present), {
    ...options,
    subresource,
    track: applying.track,
    asItIs: applying.asItIs,
  })
  return objectReply(call, resource, 200, kept)
}

/** A uid is about an object that is there. @throws ApiError Conflict */
function refuseUid({ resource, path }: ResourceCall, { metadata: { uid } }: AnyObject): void {
  if (!uid) return
  const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`
  throw conflictError(resource.kind, path.name!, why)
}

/** A configuration on its way into an object that is there, tried again when the object changes meanwhile. */
export class Applying {
  readonly #call: ResourceCall
  readonly #application: Application
  #track: TrackOwners | undefined
  #asItIs = false

  constructor(call: ResourceCall, application: Application) {
    this.#call = call
    this.#application = application
  }

  /** The next state in the form that the resource serves. @throws ApiError Conflict */
  async next(present: AnyObject): Promise<AnyObject> {
    const [call, application] = [this.#call, this.#application]
    const live = fromStored(call.resource, present)
    const { writer, configuration } = application
    const seeing = await applyingOverVersions(call.core, call.resource.kind, writer, live, configuration)
    const { state, track, unchanged } = applied(call, live, application, seeing)
    if (application.misplaced) throw application.misplaced
    this.#track = track
    this.#asItIs = unchanged
    // Without a version of its own the configuration is about whatever is there now.
    const { resourceVersion } = this.#application.configuration.metadata
    if (resourceVersion) state.metadata.resourceVersion = resourceVersion
    else delete (state.metadata as { resourceVersion?: string }).resourceVersion
    return state
  }

  /** Gives the state of the last `next` its owners. */
  readonly track: TrackOwners = (next, previous) => this.#track?.(next, previous)

  /** True if what is applied changes nothing but who owns what. */
  readonly asItIs = (): boolean => this.#asItIs
}

function applied(
  call: ResourceCall,
  live: AnyObject | undefined,
  { configuration, ownable, force }: Application,
  writer: Writer,
): { state: AnyObject; track: TrackOwners; unchanged: boolean } {
  const { kind } = call.resource
  const complete = (object: AnyObject) =>
    decodeWrapped(kind, object, 'Ignore', { keepsNulls: true, keepsEmptyLists: true }).object
  const completed = (object: AnyObject) => complete(structuredClone(object))
  const by = kind.custom ? writer : { ...writer, completed }
  const merged = applyConfiguration(typeOf(kind), live, structuredClone(configuration), by, force, ownable)
  const unchanged = kind.custom !== undefined && live !== undefined && same(strip(live), strip(merged))
  // With everything that an object of the kind always has.
  const state = unchanged ? merged : complete(merged)
  const owners = state.metadata.managedFields
  const track = (next: AnyObject) => {
    if (owners) next.metadata.managedFields = owners
    else delete next.metadata.managedFields
  }
  return { state, track, unchanged }
}

/** What writers of this status cannot change is not said at all: nobody owns it by saying it, and it is no conflict. */
function withoutIgnoredMarks({ resource: { stored } }: ResourceCall, configuration: AnyObject): AnyObject {
  if (!stored.statusMarks || stored.ownsIgnoredMarks) return configuration
  const metadata = { ...configuration.metadata }
  for (const mark of marks) if (!stored.statusMarks.includes(mark)) delete metadata[mark]
  return { ...configuration, metadata }
}

function statusOnly(object: AnyObject): AnyObject {
  const { apiVersion, kind, metadata } = object
  return {
    apiVersion,
    kind,
    metadata,
    ...(object['status'] === undefined ? {} : { status: object['status'] }),
  } as AnyObject
}
