import type { ClusterRoleBinding, RoleBinding } from '../../types/rbac-v1.ts'

export const rbacGroup = 'rbac.authorization.k8s.io'

/** Roles, users and groups are of RBAC's own API group unless a binding says otherwise. */
export function defaultBinding(binding: RoleBinding | ClusterRoleBinding): void {
  if (binding.roleRef) binding.roleRef.apiGroup ||= rbacGroup
  for (const subject of binding.subjects ?? [])
    if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= rbacGroup
}
