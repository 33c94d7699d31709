import { mayNot } from '../authz/authorizer.ts'
import type { ResourceCall } from '../core.ts'

/** Who brings an object about by a patch or an update needs the right to create it besides. @throws ApiError Forbidden */
export async function checkMayCreate({ core, user, path }: ResourceCall): Promise<void> {
  const { group, version, plural, namespace = '', name = '' } = path
  const resource = { group, version, plural, namespace, name, subresource: '' }
  const attributes = { user, verb: 'create', path: '', resource }
  const decision = await core.authorizer.authorize(attributes)
  if (!decision.allowed) throw mayNot(attributes, decision.reason)
}
