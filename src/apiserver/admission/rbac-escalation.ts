import { same } from '../../base/equality.ts'
import { notFoundError } from '../../models/api-error.ts'
import { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '../../models/kinds/index.ts'
import type * as rbac from '../../models/types/rbac-v1.ts'
import type { AuthorizerChain } from '../authz/authorizer.ts'
import type { RbacAuthorizer } from '../authz/rbac/rbac-authorizer.ts'
import { notCovered } from '../authz/rbac/rules.ts'
import { type Admission, type AdmissionPlugin, forbidden } from './chain.ts'

const everything: rbac.PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
]

/** Nobody gives away rights that they do not have, unless they may `escalate` or `bind`. */
export function rbacEscalation(parts: { rbac: RbacAuthorizer; authorizer: AuthorizerChain }): AdmissionPlugin {
  const may = async (a: Admission, verb: string, plural: string, name: string): Promise<boolean> => {
    const { group, version } = a.resource.kind
    const resource = { group, version, plural, subresource: '', namespace: a.namespace ?? '', name }
    return (await parts.authorizer.authorize({ user: a.user, verb, resource, path: '' })).allowed
  }
  const lacking = (a: Admission, wanted: rbac.PolicyRule[]): rbac.PolicyRule[] => {
    const owned = parts.rbac.rulesOf(a.user, a.namespace ?? '')
    return wanted.flatMap(rule => notCovered(owned, rule))
  }
  return {
    name: 'RbacEscalation',
    handles: (resource, operation, subresource) =>
      subresource === '' &&
      (operation === 'CREATE' || operation === 'UPDATE') &&
      ([Role, ClusterRole, RoleBinding, ClusterRoleBinding] as unknown[]).includes(resource.kind),
    async validate(admission) {
      if (admission.user.groups.includes('system:masters')) return
      const { kind } = admission.resource
      if (kind === (Role as unknown) || kind === (ClusterRole as unknown)) {
        const role = admission.object as unknown as rbac.ClusterRole
        const before = admission.previous as unknown as rbac.ClusterRole | undefined
        if (before && same(role.rules, before.rules) && same(role.aggregationRule, before.aggregationRule)) return
        const missing = lacking(admission, role.rules ?? [])
        // What is gathered may be anything.
        const gathers = role.aggregationRule !== undefined && lacking(admission, everything).length > 0
        if (!missing.length && !gathers) return
        if (await may(admission, 'escalate', kind.plural, admission.name)) return
        const gathering = 'must have cluster-admin privileges to use the aggregationRule'
        throw forbidden(admission, missing.length ? escalation(admission, missing) : gathering)
      }
      const binding = admission.object as unknown as rbac.RoleBinding
      const before = admission.previous as unknown as rbac.RoleBinding | undefined
      if (before && same(binding.roleRef, before.roleRef) && same(binding.subjects, before.subjects)) return
      const rules = parts.rbac.rulesOfRole(binding.roleRef, admission.namespace ?? '')
      const missing = rules && lacking(admission, rules)
      if (missing && !missing.length) return
      const plural = binding.roleRef.kind === 'Role' ? 'roles' : 'clusterroles'
      if (await may(admission, 'bind', plural, binding.roleRef.name)) return
      // Rights that nobody knows cannot be compared.
      if (!missing) throw notFoundError(kind, binding.roleRef.name)
      throw forbidden(admission, escalation(admission, missing))
    },
  }
}

function escalation({ user }: Admission, missing: rbac.PolicyRule[]): string {
  const who = `user ${JSON.stringify(user.username)} (groups=${listText(user.groups)})`
  return `${who} is attempting to grant RBAC permissions not currently held:\n${rightTexts(missing).join('\n')}`
}

/** Rights that differ by their verb are one line; each line once, in order. */
function rightTexts(missing: rbac.PolicyRule[]): string[] {
  const byWhat = new Map<string, rbac.PolicyRule>()
  const out: rbac.PolicyRule[] = []
  for (const rule of missing) {
    const { verbs, ...what } = rule
    const known = what.nonResourceURLs ? undefined : byWhat.get(JSON.stringify(what))
    if (known) known.verbs = [...known.verbs, ...verbs]
    else {
      const copy = { ...rule }
      byWhat.set(JSON.stringify(what), copy)
      out.push(copy)
    }
  }
  return [...new Set(out.map(ruleText))].sort()
}

/** `{APIGroups:["apps"], Resources:["deployments"], Verbs:["get" "list"]}` */
function ruleText({ apiGroups, resources, nonResourceURLs, resourceNames, verbs }: rbac.PolicyRule): string {
  const lists = {
    ...{ APIGroups: apiGroups, Resources: resources, NonResourceURLs: nonResourceURLs },
    ...{ ResourceNames: resourceNames, Verbs: verbs },
  }
  const shown = Object.entries(lists).flatMap(([name, list]) => (list?.length ? [`${name}:${listText(list)}`] : []))
  return `{${shown.join(', ')}}`
}

const listText = (list: string[]): string => `[${list.map(text => JSON.stringify(text)).join(' ')}]`
