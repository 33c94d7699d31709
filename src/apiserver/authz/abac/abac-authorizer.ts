import type { UserInfo } from '../../../models/rest.ts'
import type { PolicyRule } from '../../../models/types/rbac-v1.ts'
import type { Attributes, Authorizer, Decision } from '../authorizer.ts'
import type { AbacPolicy } from './policies.ts'

const readVerbs = ['get', 'list', 'watch']

/** Lets those do something for whom a policy of a file says so. */
export class AbacAuthorizer implements Authorizer {
  readonly #policies: AbacPolicy[]

  constructor(policies: AbacPolicy[]) {
    this.#policies = policies
  }

  authorize(attributes: Attributes): Decision | undefined {
    return this.#policies.some(policy => allows(policy, attributes)) ? { allowed: true, reason: '' } : undefined
  }

  whyNot(): string {
    return 'No policy matched.'
  }

  /** All that a user may do in a namespace. */
  rulesOf(user: UserInfo, namespace: string): PolicyRule[] {
    return this.#policies
      .filter(policy => isOf(policy, user) && (policy.namespace === '*' || policy.namespace === namespace))
      .flatMap(({ readonly, apiGroup, resource, nonResourcePath }) => {
        const verbs = readonly ? readVerbs : ['*']
        return [
          ...(resource ? [{ verbs, apiGroups: [apiGroup], resources: [resource] }] : []),
          ...(nonResourcePath ? [{ verbs, nonResourceURLs: [nonResourcePath] }] : []),
        ]
      })
  }
}

function allows(policy: AbacPolicy, { user, verb, resource, path }: Attributes): boolean {
  if (!isOf(policy, user) || (policy.readonly && !readVerbs.includes(verb))) return false
  if (!resource) return isBelow(policy.nonResourcePath, path)
  const { group, plural, namespace } = resource
  return covers(policy.namespace, namespace) && covers(policy.resource, plural) && covers(policy.apiGroup, group)
}

const isOf = (policy: AbacPolicy, { username, groups }: UserInfo): boolean =>
  (policy.user !== '' || policy.group !== '') &&
  (policy.user === '' || policy.user === username) &&
  (policy.group === '' || groups.includes(policy.group))

const covers = (pattern: string, value: string): boolean => pattern === '*' || pattern === value

const isBelow = (pattern: string, path: string): boolean =>
  covers(pattern, path) || (pattern.endsWith('*') && path.startsWith(pattern.replace(/\*+$/, '')))
