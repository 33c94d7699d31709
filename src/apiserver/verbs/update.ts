import { badRequest } from '../../models/api-error.ts'
import { encodeJson } from '../../models/encode-json.ts'
import { parseJson } from '../../models/json.ts'
import type { AnyObject } from '../../models/object.ts'
import { readObject } from '../bodies/object-body.ts'
import type { CallHandler, ResourceCall } from '../core.ts'
import { createObject } from '../objects/create-object.ts'
import { trackPlainWrite } from '../objects/field-owners.ts'
import { withoutDoubleOwners } from '../objects/owner-references.ts'
import { settleNamespace } from '../objects/system-fields.ts'
import { updateObject } from '../objects/update-object.ts'
import { objectReply } from '../replies/object-form.ts'
import { checkMayCreate } from './may-create.ts'
import { fieldManager, isDryRun, shownOptions } from './write-options.ts'

/** PUT of an object, or of its status. */
export const update: CallHandler = async call => {
  const { core, resource, path } = call
  const track = trackPlainWrite(core, resource.kind, fieldManager(call), path.subresource)
  const dryRun = isDryRun(call)
  const object = readObject(call, resource.kind)
  checkName(call, object)
  withoutDoubleOwners(object, call.warnings, false)
  const subresource = path.subresource ?? ''
  const options = {
    ...{ user: call.user, dryRun, warnings: call.warnings, track },
    shownOptions: shownOptions(call, 'UpdateOptions'),
  }
  const missing = !core.cache.get(resource, path.namespace, path.name!)
  if (
    missing &&
    subresource === '' &&
    resource.stored.createOnUpdate &&
    !object.metadata.resourceVersion &&
    !object.metadata.uid
  ) {
    await checkMayCreate(call)
    const kept = await createObject(core, resource, object, options)
    return objectReply(call, resource, 201, kept)
  }
  const text = encodeJson(object)
  let first: AnyObject | undefined = object
  const next = () => {
    const state = first ?? (parseJson(text, { exactIntegers: true }).value as AnyObject)
    first = undefined
    return state
  }
  const kept = await updateObject(core, resource, path.namespace, path.name!, next, {
    ...options,
    subresource,
    mustSayRevision: true,
    onlyReads: true,
  })
  return objectReply(call, resource, 200, kept)
}

/** The path says which object; the body may not say another one. */
export function checkName(call: ResourceCall, object: AnyObject): void {
  settleNamespace(call.resource, call.path, object)
  const { name } = object.metadata
  if (!name)
    throw badRequest(
      `the name of the object (${call.path.name} based on URL) was undeterminable: name must be provided`,
    )
  if (name !== call.path.name)
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${call.path.name})`)
}
