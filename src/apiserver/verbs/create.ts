import { badRequest } from '../../models/api-error.ts'
import { readObject } from '../bodies/object-body.ts'
import type { CallHandler } from '../core.ts'
import { createObject } from '../objects/create-object.ts'
import { trackPlainWrite } from '../objects/field-owners.ts'
import { withoutDoubleOwners } from '../objects/owner-references.ts'
import { settleNamespace } from '../objects/system-fields.ts'
import { objectReply } from '../replies/object-form.ts'
import { fieldManager, isDryRun, shownOptions } from './write-options.ts'

export const create: CallHandler = async call => {
  const { core, resource, path } = call
  const track = trackPlainWrite(core, resource.kind, fieldManager(call))
  const dryRun = isDryRun(call)
  const object = readObject(call, resource.kind)
  settleNamespace(resource, path, object)
  withoutDoubleOwners(object, call.warnings, false)
  if (path.name && object.metadata.name !== path.name)
    throw badRequest(
      `the name of the object (${object.metadata.name ?? ''}) does not match the name on the URL (${path.name})`,
    )
  const kept = await createObject(core, resource, object, {
    ...{ user: call.user, dryRun, warnings: call.warnings, track },
    shownOptions: shownOptions(call, 'CreateOptions'),
  })
  return objectReply(call, resource, 201, kept)
}
