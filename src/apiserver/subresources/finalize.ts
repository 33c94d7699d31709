import { readObject } from '../bodies/object-body.ts'
import type { CallHandler } from '../core.ts'
import { updateObject } from '../objects/update-object.ts'
import { objectReply } from '../replies/object-form.ts'
import { checkName } from '../verbs/update.ts'
import { isDryRun } from '../verbs/write-options.ts'

/** PUT namespaces/NAME/finalize: only spec.finalizers counts; when none is left the namespace goes. */
export const finalizeNamespace: CallHandler = async call => {
  const { core, resource, path } = call
  const body = readObject(call, resource.kind)
  checkName(call, body)
  const kept = await updateObject(
    core,
    resource,
    undefined,
    path.name!,
    present => {
      const finalizers = body['spec']?.finalizers
      present['spec'] = { ...present['spec'], finalizers }
      if (!finalizers?.length) delete present['spec'].finalizers
      present.metadata.resourceVersion = body.metadata.resourceVersion ?? ''
      return present
    },
    { user: call.user, dryRun: isDryRun(call), warnings: call.warnings, subresource: 'finalize', trusted: true },
  )
  return objectReply(call, resource, 200, kept)
}
