import { ClusterRole, ClusterRoleBinding } from '../../../models/kinds/index.ts'
import type { AnyObject } from '../../../models/object.ts'
import { ensure } from '../../bootstrap/ensure.ts'
import type { Core } from '../../core.ts'
import { type DefaultRole, defaultRoles } from './default-roles.ts'

const bootstrapping = { 'kubernetes.io/bootstrapping': 'rbac-defaults' }

/** Writes the default roles and their bindings, where there are none of the name. */
export async function bootstrapRoles(core: Core): Promise<void> {
  const writes = defaultRoles.flatMap(role => [
    ensure(core, ClusterRole, roleOf(role)),
    ...(role.boundTo?.length ? [ensure(core, ClusterRoleBinding, bindingOf(role))] : []),
  ])
  await Promise.all(writes)
}

function roleOf({ name, rules, aggregates, labels }: DefaultRole) {
  return {
    metadata: metadata(name, labels),
    ...(aggregates
      ? {
          aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [aggregates]: 'true' } }] },
          rules: gathered(aggregates),
        }
      : { rules }),
  }
}

/** What an aggregated role shows: the rules of those it gathers now. */
function gathered(label: string): DefaultRole['rules'] {
  return defaultRoles.filter(r => r.labels?.[label]).flatMap(r => (r.aggregates ? gathered(r.aggregates) : r.rules))
}

function bindingOf({ name, boundTo }: DefaultRole) {
  return {
    metadata: metadata(name),
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: boundTo!.map(subject => ({ ...subject, apiGroup: 'rbac.authorization.k8s.io' })),
  }
}

function metadata(name: string, labels: Record<string, string> = {}): AnyObject['metadata'] {
  return {
    name,
    labels: { ...bootstrapping, ...labels },
    annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
  } as unknown as AnyObject['metadata']
}
