import { ApiError } from '../../models/api-error.ts'
import type { UserInfo } from '../../models/rest.ts'
import type { PolicyRule } from '../../models/types/rbac-v1.ts'

/** What somebody wants to do. */
export interface Attributes {
  user: UserInfo
  verb: string
  /** Undefined for paths that are not of a resource. */
  resource?: { group: string; version: string; plural: string; subresource: string; namespace: string; name: string }
  path: string
  /** Of lists and watches, as written. */
  fieldSelector?: string
  labelSelector?: string
}

export type Decision =
  | { allowed: true; reason: string }
  /** `denied` says that somebody forbade it, `error` that somebody who had to be asked could not be. */
  | { allowed: false; reason: string; denied?: true; error?: string }

/** Undefined: no opinion. Nobody's yes is a no. */
export interface Authorizer {
  authorize(attributes: Attributes): Decision | undefined | Promise<Decision | undefined>
  /** Why it has no opinion, if there is something to say; asked when nobody has said yes. */
  whyNot?(attributes: Attributes): string
  /** Why it could not tell; asked when nobody has said yes. */
  failure?(attributes: Attributes): string | undefined
  /** What it lets somebody do in a namespace, as far as rules tell. */
  rulesOf?(user: UserInfo, namespace: string): PolicyRule[]
  /** Why rules do not tell all that it lets somebody do. */
  beyondRules?(user: UserInfo): string | undefined
}

/** The first opinion counts. */
export class AuthorizerChain implements Authorizer {
  #members: Authorizer[] = []

  add(...members: Authorizer[]): void {
    this.#members = [...this.#members, ...members]
  }

  /** Others are asked from the next question on. */
  replace(members: Authorizer[]): void {
    this.#members = members
  }

  /** All that somebody may do in a namespace, and why there may be more. */
  allRulesOf(user: UserInfo, namespace: string): { rules: PolicyRule[]; beyond: string[] } {
    return {
      rules: this.#members.flatMap(member => member.rulesOf?.(user, namespace) ?? []),
      beyond: this.#members.flatMap(member => member.beyondRules?.(user) ?? []),
    }
  }

  authorize(attributes: Attributes): Decision | Promise<Decision> {
    return this.#from(0, attributes)
  }

  /** Most members know at once: nothing is waited for unless one has to ask. */
  #from(first: number, attributes: Attributes, members = this.#members): Decision | Promise<Decision> {
    for (let i = first; i < members.length; i++) {
      const answer = members[i]!.authorize(attributes)
      if (answer instanceof Promise)
        return answer.then(decision => (decision ? counted(decision) : this.#from(i + 1, attributes, members)))
      if (answer) return counted(answer)
    }
    const reasons = members.map(member => member.whyNot?.(attributes) ?? '')
    const errors = members.flatMap(member => member.failure?.(attributes) ?? [])
    return {
      ...{ allowed: false, reason: reasons.filter(reason => reason !== '').join('\n') },
      ...(errors.length ? { error: errors.length === 1 ? errors[0]! : `[${errors.join(', ')}]` } : {}),
    }
  }
}

const counted = (decision: Decision): Decision => (decision.allowed ? decision : { ...decision, denied: true })

/** Rules that let somebody do all there is. */
export const everything: PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
]

/** Its members may do everything. */
export const mastersGroup = 'system:masters'

export const mastersMayAll: Authorizer = {
  authorize: ({ user }) => (user.groups.includes(mastersGroup) ? { allowed: true, reason: '' } : undefined),
}

const publicPaths = new Set(['/healthz', '/livez', '/readyz', '/version', '/version/'])

/** Health and version for everybody, but not why a check fails; documentation too, which tells nothing about this cluster. */
export const publicInfo: Authorizer = {
  authorize: ({ user, path, verb, resource }) => {
    if (resource || verb !== 'get') return undefined
    if (/^\/docs(\/|$)/.test(path)) return { allowed: true, reason: 'public' }
    if (!publicPaths.has(path)) return undefined
    const group = user.groups.find(g => g === 'system:authenticated' || g === 'system:unauthenticated')
    return group ? { allowed: true, reason: `${publicRole} to Group "${group}"` } : undefined
  },
}

/** A role of Kubernetes' own that lets everybody who has been asked for a name see these. */
const publicRole =
  'RBAC: allowed by ClusterRoleBinding "system:public-info-viewer" of ClusterRole "system:public-info-viewer"'

/** `User "u" cannot get resource "pods" in API group "" in the namespace "ns"` */
export function refusal({ user, verb, resource, path }: Attributes, why: string): string {
  const who = `User ${JSON.stringify(user.username)} cannot ${verb}`
  const reason = why ? `: ${why}` : ''
  if (!resource) return `${who} path ${JSON.stringify(path)}${reason}`
  const what = resource.subresource ? `${resource.plural}/${resource.subresource}` : resource.plural
  const where = resource.namespace ? `in the namespace ${JSON.stringify(resource.namespace)}` : 'at the cluster scope'
  return `${who} resource ${JSON.stringify(what)} in API group ${JSON.stringify(resource.group)} ${where}${reason}`
}

/** The answer to somebody who may not. */
export function mayNot(attributes: Attributes, reason: string): ApiError {
  const { resource } = attributes
  const text = refusal(attributes, reason)
  if (!resource) return new ApiError('Forbidden', `forbidden: ${text}`, { details: {} })
  const { group, plural, name } = resource
  const what = `${plural}${group ? `.${group}` : ''}${name ? ` ${JSON.stringify(name)}` : ''}`
  return new ApiError('Forbidden', `${what} is forbidden: ${text}`, {
    details: { ...(name ? { name } : {}), ...(group ? { group } : {}), kind: plural },
  })
}
