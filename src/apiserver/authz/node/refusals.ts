import type { UserInfo } from '../../../models/rest.ts'
import type { Attributes } from '../authorizer.ts'

type Resource = NonNullable<Attributes['resource']>

const read = ['get', 'list', 'watch']
const ownVerbs = ['get', 'create', 'update', 'patch', 'delete']
const onlyOne = 'can only get individual resources of this type'

/** Why a node may not do something, in the Node authorizer's words; '' where it has none. */
export function whyNot(node: string, verb: string, resource: Resource): string {
  const { group, plural, subresource, namespace, name } = resource
  switch (`${group}/${plural}`) {
    case '/secrets':
    case '/configmaps':
      if (!read.includes(verb)) return 'can only read resources of this type'
      if (subresource) return 'cannot read subresource'
      return namespace ? unrelated(node, name) : 'can only read namespaced object of this type'
    case '/persistentvolumeclaims':
      if (subresource && subresource !== 'status') return 'can only update status subresource'
      if (subresource && !['get', 'patch', 'update'].includes(verb)) return 'can only get/update/patch this type'
      return verb === 'get' || subresource ? unrelated(node, name) : onlyOne
    case '/persistentvolumes':
    case 'storage.k8s.io/volumeattachments':
    case 'resource.k8s.io/resourceclaims':
      if (verb !== 'get') return onlyOne
      return subresource ? 'cannot get subresource' : unrelated(node, name)
    case '/serviceaccounts':
      if (verb !== 'create' || !name) return 'can only create tokens for individual service accounts'
      return subresource === 'token' ? unrelated(node, name) : 'can only create token subresource of serviceaccount'
    case 'coordination.k8s.io/leases':
      if (!ownVerbs.includes(verb)) return 'can only get, create, update, patch, or delete a node lease'
      if (namespace !== 'kube-node-lease') return 'can only access leases in the "kube-node-lease" system namespace'
      return 'can only access node lease with the same name as the requesting node'
    case 'storage.k8s.io/csinodes':
      if (!ownVerbs.includes(verb)) return 'can only get, create, update, patch, or delete a CSINode'
      if (subresource) return 'cannot authorize CSINode subresources'
      return 'can only access CSINode with the same name as the requesting node'
    case '/pods':
      if (subresource) return ''
      if (verb === 'get' || (read.includes(verb) && name)) return unrelated(node, name)
      return read.includes(verb) ? 'can only list/watch pods with spec.nodeName field selector' : ''
    default:
      return ''
  }
}

/** Somebody among the nodes who does not say which one. */
export function isNamelessNode({ username, groups }: UserInfo): boolean {
  return groups.includes('system:nodes') && username === 'system:node:'
}

const unrelated = (node: string, name: string): string =>
  name ? `no relationship found between node '${node}' and this object` : 'No Object name found'
