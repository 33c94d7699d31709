import type { Column } from '../../kind.ts'
import type { ClusterRoleBinding, RoleBinding, Subject } from '../../types/rbac-v1.ts'
import { age, text } from '../columns.ts'

type Binding = RoleBinding | ClusterRoleBinding

function subjects(binding: Binding, kind: string, show: (subject: Subject) => string): string {
  return (binding.subjects ?? [])
    .filter(s => s.kind === kind)
    .map(show)
    .join(', ')
}

/** What both kinds of role bindings print. */
export const bindingColumns: Column<any>[] = [
  text<Binding>('Role', binding => `${binding.roleRef.kind}/${binding.roleRef.name}`),
  age,
  text<Binding>('Users', binding => subjects(binding, 'User', s => s.name), 'wide'),
  text<Binding>('Groups', binding => subjects(binding, 'Group', s => s.name), 'wide'),
  text<Binding>('ServiceAccounts', b => subjects(b, 'ServiceAccount', s => `${s.namespace ?? ''}/${s.name}`), 'wide'),
]
