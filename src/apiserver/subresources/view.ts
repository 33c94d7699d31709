import { notFoundError } from '../../models/api-error.ts'
import type { Kind } from '../../models/kind.ts'
import type { AnyObject } from '../../models/object.ts'
import type { ApiReply } from '../../models/rest.ts'
import type { Call } from '../core.ts'
import { jsonReply } from '../replies/reply.ts'

/** Something that is worked out about stored objects of a kind, served read-only under a group of its own. */
export interface View {
  kind: Kind<any>
  answer(object: AnyObject): Promise<object>
}

/** By path: `optiflow.dev/v1/pods/explanation`. */
export type Views = Map<string, View>

/** Undefined: there is no such view. @throws ApiError NotFound of the object itself */
export async function viewReply(call: Call, views: Views, verb: string): Promise<ApiReply | undefined> {
  const path = call.info.resource
  if (!path?.name || verb !== 'get') return undefined
  const view = views.get(`${path.group}/${path.version}/${path.plural}/${path.subresource}`)
  if (!view) return undefined
  const kept = call.core.cache.get(call.core.resources.of(view.kind), path.namespace, path.name)
  if (!kept) throw notFoundError(view.kind, path.name)
  return jsonReply(200, await view.answer(call.core.shared(kept)))
}
