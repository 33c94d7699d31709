import type { AnyObject } from '../../models/object.ts'
import { readObject } from '../bodies/object-body.ts'
import type { CallHandler, ResourceCall } from '../core.ts'
import { applyDefaults } from '../model-engine.ts'
import { type TrackOwners, trackPlainWrite } from '../objects/field-owners.ts'
import { updateObject } from '../objects/update-object.ts'
import { objectReply } from '../replies/object-form.ts'
import { isApply, readApplication, refuseForce } from '../verbs/applied-configuration.ts'
import { Applying } from '../verbs/apply.ts'
import { get } from '../verbs/get.ts'
import { readPatch, readPatched } from '../verbs/patch.ts'
import { checkName } from '../verbs/update.ts'
import { fieldManager, isDryRun } from '../verbs/write-options.ts'

const ownerOf = ({ core, resource, path, ...call }: ResourceCall): TrackOwners =>
  trackPlainWrite(core, resource.kind, fieldManager({ core, ...call }), path.subresource)

/** Carries the part that a sub-path may change from what was sent into the present object. */
export type TakePart = (present: AnyObject, sent: AnyObject, call: ResourceCall) => void

type SentFor = (present: AnyObject) => AnyObject | Promise<AnyObject>

/** GET, PUT and PATCH of a sub-path that shows the whole object and changes one part of it. */
export function partHandlers(subresource: string, take: TakePart): Record<'get' | 'update' | 'patch', CallHandler> {
  const write = async (call: ResourceCall, sentFor: SentFor, track = ownerOf(call)) => {
    const { core, resource, path } = call
    const kept = await updateObject(
      core,
      resource,
      path.namespace,
      path.name!,
      async present => {
        const revision = present.metadata.resourceVersion
        const sent = await sentFor(structuredClone(present))
        // What is kept has its defaults: what is sent is compared with it as if it had said them too.
        applyDefaults(resource.kind, sent)
        const wanted = sent.metadata.resourceVersion
        take(present, sent, call)
        present.metadata.resourceVersion = wanted && wanted !== revision ? wanted : ''
        return present
      },
      { user: call.user, dryRun: isDryRun(call), warnings: call.warnings, subresource, trusted: true, track },
    )
    return objectReply(call, resource, 200, kept)
  }
  return {
    get,
    update: async call => {
      const sent = readObject(call, call.resource.kind)
      checkName(call, sent)
      return write(call, () => sent)
    },
    patch: async call => {
      if (isApply(call)) {
        const applying = new Applying(call, readApplication(call, call.resource.kind))
        return write(call, present => applying.next(present), applying.track)
      }
      refuseForce(call)
      const change = readPatch(call)
      return write(call, present => readPatched(call, call.resource.kind, change.apply(present), change))
    },
  }
}
