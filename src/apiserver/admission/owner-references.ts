import { same } from '../../base/equality.ts'
import type { OwnerReference } from '../../models/types/meta-v1.ts'
import type { AuthorizerChain } from '../authz/authorizer.ts'
import { type Admission, type AdmissionPlugin, forbidden } from './chain.ts'
import { refusalOf } from './permission.ts'

/** Whoever gives an object another owner can have it deleted: then he must be allowed to. And nobody holds up another's deletion. */
export const ownerReferencesPermissionEnforcement = (authorizer: AuthorizerChain): AdmissionPlugin => ({
  name: 'OwnerReferencesPermissionEnforcement',
  handles: (resource, operation, subresource) =>
    (operation === 'CREATE' || operation === 'UPDATE') &&
    !(resource.kind.plural === 'pods' && subresource === 'status'),
  validate(admission) {
    const owners = admission.object?.metadata.ownerReferences ?? []
    const before = admission.previous?.metadata.ownerReferences ?? []
    if (owners.length === before.length && owners.every((owner, i) => same(owner, before[i]))) return undefined
    return checkOwners(authorizer, admission, owners, before)
  },
})

async function checkOwners(
  authorizer: AuthorizerChain,
  admission: Admission,
  owners: OwnerReference[],
  before: OwnerReference[],
): Promise<void> {
  if (admission.operation === 'UPDATE') await checkDelete(authorizer, admission)
  const blocking = owners.filter(o => o.blockOwnerDeletion && !before.find(b => b.uid === o.uid)?.blockOwnerDeletion)
  if (blocking.length) await checkFinalizers(authorizer, admission, blocking)
}

async function checkDelete(authorizer: AuthorizerChain, admission: Admission): Promise<void> {
  const { resource, subresource, namespace = '', name, user } = admission
  const { group, version, plural } = resource.kind
  const why = await refusalOf(authorizer, user, 'delete', { group, version, plural, subresource, namespace, name })
  if (why !== undefined)
    throw forbidden(admission, `cannot set an ownerRef on a resource you can't delete: ${why}, <nil>`)
}

async function checkFinalizers(
  authorizer: AuthorizerChain,
  admission: Admission,
  owners: OwnerReference[],
): Promise<void> {
  const { core, user, namespace = '' } = admission
  const anything = { group: '*', plural: '*', subresource: 'finalizers', name: '*' }
  if ((await refusalOf(authorizer, user, 'update', anything)) === undefined) return
  for (const owner of owners) {
    const [version, group = ''] = owner.apiVersion.split('/').reverse()
    const found = core.resources.findKind(group, owner.kind, version)
    if (!found)
      throw forbidden(
        admission,
        `cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion ${owner.apiVersion} Kind ${owner.kind}: no matches for kind ${JSON.stringify(owner.kind)} in version ${JSON.stringify(owner.apiVersion)}`,
      )
    const why = await refusalOf(authorizer, user, 'update', {
      ...{ group, version: version!, plural: found.kind.plural, subresource: 'finalizers', name: owner.name },
      namespace: found.namespaced ? namespace : '',
    })
    if (why !== undefined)
      throw forbidden(
        admission,
        `cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: ${why}, <nil>`,
      )
  }
}
