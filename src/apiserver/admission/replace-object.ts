import { same } from '../../base/equality.ts'
import { badRequest } from '../../models/api-error.ts'
import type { AnyObject } from '../../models/object.ts'
import type { FieldValidation } from '../../models/schema/index.ts'
import { applyDefaults, decodeValue } from '../model-engine.ts'
import { replaceContents } from '../objects/update-object.ts'
import type { Resource } from '../resources.ts'
import { convertObject } from '../storage/conversion.ts'
import type { Admission } from './chain.ts'
import { isForeign } from './policies/request.ts'

/**
 * Puts what others made of the object, in the form of `resource`, in its place: defaults filled in, and what its writer
 * may not change taken back.
 * @returns whether anything is different now
 * @throws ApiError BadRequest
 */
export async function replaceObject(
  admission: Admission,
  resource: Resource,
  made: AnyObject,
  fieldValidation: FieldValidation,
): Promise<boolean> {
  const object = admission.object!
  const next = await asObject(admission, resource, made, fieldValidation)
  if (next.metadata?.namespace !== object.metadata?.namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  const before = structuredClone(object)
  replaceContents(object, next)
  admission.settle?.()
  return !same(before, object)
}

/** As an object of ours, in the version that is admitted. */
async function asObject(
  admission: Admission,
  resource: Resource,
  made: AnyObject,
  fieldValidation: FieldValidation,
): Promise<AnyObject> {
  if (isForeign(admission)) return made
  const { object } = decodeValue(resource.kind, made, fieldValidation)
  applyDefaults(resource.kind, object)
  return convertObject(resource, admission.resource, object)
}
