import { InvalidSelector, selectorFrom } from '../../../base/labels.ts'
import type { Kind } from '../../../models/kind.ts'
import { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '../../../models/kinds/index.ts'
import type { UserInfo } from '../../../models/rest.ts'
import type * as rbac from '../../../models/types/rbac-v1.ts'
import type { Core } from '../../core.ts'
import type { Attributes, Authorizer, Decision } from '../authorizer.ts'
import { ruleAllows } from './rules.ts'

type AnyBinding = rbac.RoleBinding | rbac.ClusterRoleBinding

/** Bindings by namespace ('' for cluster-wide ones), then by who is bound: `u:NAME` or `g:NAME`. */
type BindingIndex = Map<string, Map<string, AnyBinding[]>>

/** Roles and bindings, read from the watch cache as they are now. */
export class RbacAuthorizer implements Authorizer {
  readonly #core: Core
  #index: BindingIndex | undefined

  constructor(core: Core) {
    this.#core = core
    const changed = () => {
      this.#index = undefined
    }
    for (const kind of [RoleBinding, ClusterRoleBinding])
      core.cache.bucket(core.resources.of(kind as Kind<any>)).listeners.add({ changed })
  }

  authorize(attributes: Attributes): Decision | undefined {
    for (const { binding, rules } of this.#grants(attributes.user, attributes.resource?.namespace ?? ''))
      if (rules.some(rule => ruleAllows(rule, attributes)))
        return {
          allowed: true,
          reason: `RBAC: allowed by ${describe(binding, attributes.user)}`,
        }
    return undefined
  }

  /** All that a user may do in a namespace; '' for cluster-wide rights only. */
  rulesOf(user: UserInfo, namespace: string): rbac.PolicyRule[] {
    const rules: rbac.PolicyRule[] = []
    for (const grant of this.#grants(user, namespace)) rules.push(...grant.rules)
    return rules
  }

  /** The rules that a binding's role stands for; undefined when there is no such role. */
  rulesOfRole(ref: rbac.RoleRef, namespace: string): rbac.PolicyRule[] | undefined {
    const { cache, resources } = this.#core
    if (ref.kind === 'Role') {
      const kept = cache.get(resources.of(Role), namespace, ref.name)
      return kept && ((this.#core.shared(kept) as unknown as rbac.Role).rules ?? [])
    }
    const kept = cache.get(resources.of(ClusterRole), undefined, ref.name)
    return kept && this.rulesOfClusterRole(this.#core.shared(kept) as unknown as rbac.ClusterRole)
  }

  /** Its own rules, or those of the roles that it gathers. */
  rulesOfClusterRole(role: rbac.ClusterRole, depth = 0): rbac.PolicyRule[] {
    const selectors = role.aggregationRule?.clusterRoleSelectors
    if (!selectors?.length || depth > 3) return role.rules ?? []
    const rules: rbac.PolicyRule[] = []
    for (const kept of this.#core.cache.bucket(this.#core.resources.of(ClusterRole)).list()) {
      if (kept.name === role.metadata.name) continue
      const other = this.#core.shared(kept) as unknown as rbac.ClusterRole
      if (selectors.some(s => matches(s, other.metadata.labels)))
        rules.push(...this.rulesOfClusterRole(other, depth + 1))
    }
    return rules
  }

  *#grants(user: UserInfo, namespace: string): Generator<{ binding: AnyBinding; rules: rbac.PolicyRule[] }> {
    this.#index ??= this.#build()
    const keys = [`u:${user.username}`, ...user.groups.map(g => `g:${g}`)]
    for (const space of namespace ? ['', namespace] : ['']) {
      const byWho = this.#index.get(space)
      if (!byWho) continue
      for (const key of keys)
        for (const binding of byWho.get(key) ?? []) {
          const rules = this.rulesOfRole(binding.roleRef, space)
          if (rules) yield { binding, rules }
        }
    }
  }

  #build(): BindingIndex {
    const index: BindingIndex = new Map()
    for (const kind of [ClusterRoleBinding, RoleBinding] as Kind<any>[])
      for (const kept of this.#core.cache.bucket(this.#core.resources.of(kind)).list()) {
        const binding = this.#core.shared(kept) as unknown as AnyBinding
        let byWho = index.get(kept.namespace)
        if (!byWho) index.set(kept.namespace, (byWho = new Map()))
        for (const subject of binding.subjects ?? []) {
          const key = subjectKey(subject, kept.namespace)
          if (!key) continue
          const known = byWho.get(key)
          if (known) known.push(binding)
          else byWho.set(key, [binding])
        }
      }
    return index
  }
}

/** `RoleBinding "b/NAMESPACE" of Role "r" to User "u"` */
function describe({ kind, metadata, roleRef, subjects = [] }: AnyBinding, user: UserInfo): string {
  const { name, namespace = '' } = metadata
  const keys = new Set([`u:${user.username}`, ...user.groups.map(g => `g:${g}`)])
  const subject = subjects.find(one => keys.has(subjectKey(one, namespace) ?? ''))
  const place = subject?.kind === 'ServiceAccount' ? `/${subject.namespace || namespace}` : ''
  const to = subject ? ` to ${subject.kind} ${JSON.stringify(`${subject.name}${place}`)}` : ''
  const said = JSON.stringify(namespace ? `${name}/${namespace}` : name)
  return `${kind} ${said} of ${roleRef.kind} ${JSON.stringify(roleRef.name)}${to}`
}

function subjectKey(subject: rbac.Subject, namespace: string): string | undefined {
  switch (subject.kind) {
    case 'User':
      return `u:${subject.name}`
    case 'Group':
      return `g:${subject.name}`
    case 'ServiceAccount': {
      const where = subject.namespace || namespace
      return where ? `u:system:serviceaccount:${where}:${subject.name}` : undefined
    }
    default:
      return undefined
  }
}

function matches(selector: object, labels: Record<string, string> | undefined): boolean {
  try {
    return selectorFrom(selector).matches(labels)
  } catch (error) {
    if (error instanceof InvalidSelector) return false
    throw error
  }
}
