import { ApiError } from '../../models/api-error.ts'
import { ComponentStatus } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import type { ComputedVerbs } from '../core.ts'
import { formOfMany, objectReply } from '../replies/object-form.ts'
import { objectSelector } from '../selectors/object-selector.ts'
import { encodeObject } from '../storage/object-bytes.ts'
import { listReply } from '../verbs/list-page.ts'
import { KeptObject } from '../watch-cache/kept-object.ts'
import { type HealthCheck, runCheck } from './health.ts'

/** `kubectl get componentstatuses`: what the parts say of themselves, under the names by which Kubernetes knows them. */
export function componentStatusHandlers(parts: () => ReadonlyMap<string, HealthCheck>): [string, ComputedVerbs] {
  const asked = async (name: string, check: HealthCheck): Promise<KeptObject> => {
    const failure = await runCheck(check)
    const condition = failure === undefined ? { status: 'True', message: 'ok' } : { status: 'False', error: failure }
    const conditions = [{ type: 'Healthy', ...condition }]
    const object = { kind: 'ComponentStatus', apiVersion: 'v1', metadata: { name }, conditions } as unknown as AnyObject
    return new KeptObject(name, '', name, 0, encodeObject(object))
  }
  const verbs: ComputedVerbs = {
    async get(call) {
      const name = call.path.name!
      const check = parts().get(name)
      if (!check) throw new ApiError('', `Component not found: ${name}`, { code: 500 })
      return objectReply(call, call.resource, 200, await asked(name, check))
    },
    async list(call) {
      const form = formOfMany(call, call.resource)
      const { matches } = objectSelector(call.resource, call.info.query)
      const all = await Promise.all([...parts()].map(([name, check]) => asked(name, check)))
      const objects = matches ? all.filter(matches) : all
      return listReply(call, form, { objects, revision: call.core.cache.revision })
    },
  }
  return [`/${ComponentStatus.plural}`, verbs]
}
