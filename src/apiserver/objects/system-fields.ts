import { timestamp } from '../../base/clock.ts'
import { integerProblem } from '../../base/go-integer.ts'
import { nameSuffix } from '../../base/random.ts'
import { ApiError, badRequest } from '../../models/api-error.ts'
import type { AnyObject } from '../../models/object.ts'
import type { Core } from '../core.ts'
import type { ResourcePath } from '../request-info.ts'
import type { Resource } from '../resources.ts'

/** Longest part of generateName that is kept, so that the name stays below 63 characters. */
const generatedBase = 58

/** The namespace of the path wins; a body that says another one is refused. */
export function settleNamespace(resource: Resource, path: ResourcePath, object: AnyObject): void {
  if (!resource.namespaced) {
    if (object.metadata.namespace && resource.kind.kind !== 'Namespace') delete object.metadata.namespace
    return
  }
  const said = object.metadata.namespace
  if (!path.namespace) throw badRequest('an empty namespace may not be set during creation')
  if (said && said !== path.namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  object.metadata.namespace = path.namespace
}

/** A new name from generateName, if the object has no name yet. */
export function generateName(core: Core, object: AnyObject): void {
  const { metadata } = object
  if (metadata.name || !metadata.generateName) return
  metadata.name = metadata.generateName.slice(0, generatedBase) + nameSuffix(core.random)
}

/** A new object cannot have been read before. Only what is written is asked: a dry run is not. @throws ApiError */
export function refuseRevision(sent: string | undefined): void {
  // What is no number was never one of ours, and says nothing.
  if (sent && !integerProblem(sent, false) && !/^0+$/.test(sent))
    throw new ApiError('', 'resourceVersion should not be set on objects to be created', { code: 500 })
}

const serversOwn = ['resourceVersion', 'selfLink', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const

/** What only the server says about a new object. */
export function fillSystemFields(core: Core, resource: Resource, object: AnyObject): void {
  const metadata: Partial<AnyObject['metadata']> = object.metadata
  // To delete what is not there costs as much as to delete what is.
  for (const field of serversOwn) if (metadata[field] !== undefined) delete metadata[field]
  metadata.uid = core.random.uuid()
  metadata.creationTimestamp = timestamp(core.clock)
  if (!resource.stored.noGeneration && !resource.stored.generationFromZero) metadata.generation = 1
}

/** What of its metadata writers of a part of an object may change, if the kind does not say less. */
export const marks = ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const

/** What writers of a part of an object may change of its metadata too. Changes `to`. */
export function takeMarks(to: AnyObject, from: AnyObject, fields: readonly (typeof marks)[number][] = marks): void {
  for (const field of fields) {
    delete to.metadata[field]
    if (from.metadata[field] !== undefined) Object.assign(to.metadata, { [field]: from.metadata[field] })
  }
}

/** An update cannot change who the object is, nor bring about its end. What it may not even try is left for validation to refuse. */
export function keepSystemFields(next: AnyObject, previous: AnyObject): void {
  const [to, from] = [next.metadata, previous.metadata]
  to.name = from.name
  delete to.selfLink
  if (from.namespace !== undefined) to.namespace = from.namespace
  if (!to.uid) keep('uid')
  keep('creationTimestamp')
  if (from.deletionTimestamp !== undefined) keep('deletionTimestamp')
  if (to.deletionGracePeriodSeconds === undefined) keep('deletionGracePeriodSeconds')
  keep('generation')
  function keep(
    field: 'uid' | 'creationTimestamp' | 'deletionTimestamp' | 'deletionGracePeriodSeconds' | 'generation',
  ) {
    if (from[field] === undefined) delete to[field]
    else (to as unknown as Record<string, unknown>)[field] = from[field]
  }
}
