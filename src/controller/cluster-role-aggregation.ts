import { canonicalJson, sameMeaning } from '../base/equality.ts'
import type { Cache, Reconciler } from '../client/reconciler.ts'
import { isNotFound } from '../models/api-error.ts'
import { ClusterRole } from '../models/kinds/index.ts'
import { keyOf } from '../models/object.ts'
import type { PolicyRule } from '../models/types/rbac-v1.ts'
import { selectorMatches } from './selection.ts'

const fieldManager = 'clusterrole-aggregation-controller'

/** Fills ClusterRoles that are the sum of others with the rules of those. */
export function clusterRoleAggregationReconciler(): Reconciler {
  return {
    name: 'cluster-role-aggregation',
    primary: ClusterRole,
    watches: [
      {
        kind: ClusterRole,
        keys: (role: ClusterRole, cache: Cache) =>
          cache
            .list(ClusterRole)
            .filter(r => selects(r, role))
            .map(keyOf),
      },
    ],
    writes: [{ kind: ClusterRole, part: 'owned' }],
    async reconcile(key, { cache, client }) {
      const role = cache.get(ClusterRole, key)
      if (!role?.aggregationRule || role.metadata.deletionTimestamp) return
      const rules = aggregatedRules(role, cache.list(ClusterRole))
      if (sameMeaning(role.rules ?? [], rules)) return
      const { resourceVersion } = role.metadata
      try {
        // Applied, and by a name of its own as in Kubernetes: who applies the rest of the role sees whose the rules are.
        const { group, version, kind } = ClusterRole
        const metadata = { name: key.name, resourceVersion }
        const body = { apiVersion: `${group}/${version}`, kind, metadata, rules }
        await client.patch(ClusterRole, key, { type: 'apply', body, force: true }, { fieldManager })
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
    },
  }
}

function selects(aggregate: ClusterRole, role: ClusterRole): boolean {
  if (aggregate.metadata.name === role.metadata.name) return false
  return (aggregate.aggregationRule?.clusterRoleSelectors ?? []).some(s => selectorMatches(s, role.metadata.labels))
}

/** The rules of all selected roles, in order of the selectors, then of name; each once. */
export function aggregatedRules(aggregate: ClusterRole, roles: readonly ClusterRole[]): PolicyRule[] {
  const rules = new Map<string, PolicyRule>()
  const sorted = [...roles].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  for (const selector of aggregate.aggregationRule?.clusterRoleSelectors ?? [])
    for (const role of sorted) {
      if (role.metadata.name === aggregate.metadata.name || !selectorMatches(selector, role.metadata.labels)) continue
      for (const rule of role.rules ?? []) rules.set(canonicalJson(rule), rule)
    }
  return [...rules.values()]
}
