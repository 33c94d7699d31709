import type { UserInfo } from '../../models/rest.ts'
import type {
  FlowSchema,
  NonResourcePolicyRule,
  ResourcePolicyRule,
  Subject,
} from '../../models/types/flowcontrol-v1.ts'
import type { Attributes } from '../authz/authorizer.ts'

/** Whether a request is one of those that a FlowSchema is about. */
export function flowMatches(schema: FlowSchema, request: Attributes): boolean {
  return (schema.spec.rules ?? []).some(
    rule =>
      rule.subjects.some(subject => subjectMatches(subject, request.user)) &&
      (request.resource
        ? (rule.resourceRules?.some(r => resourceMatches(r, request)) ?? false)
        : (rule.nonResourceRules?.some(r => pathMatches(r, request)) ?? false)),
  )
}

/** What tells one flow of a schema from another, so that they do not share queues. */
export function flowOf(schema: FlowSchema, request: Attributes): string {
  switch (schema.spec.distinguisherMethod?.type) {
    case 'ByUser':
      return request.user.username
    case 'ByNamespace':
      return request.resource?.namespace ?? ''
    default:
      return ''
  }
}

function subjectMatches({ user, group, serviceAccount }: Subject, { username, groups }: UserInfo): boolean {
  if (user) return user.name === '*' || user.name === username
  if (group) return group.name === '*' || groups.includes(group.name)
  if (!serviceAccount) return false
  const prefix = `system:serviceaccount:${serviceAccount.namespace}:`
  return serviceAccount.name === '*' ? username.startsWith(prefix) : username === prefix + serviceAccount.name
}

function resourceMatches(rule: ResourcePolicyRule, { verb, resource }: Attributes): boolean {
  const { group, plural, subresource, namespace } = resource!
  if (!includes(rule.verbs, verb) || !includes(rule.apiGroups, group)) return false
  if (!includes(rule.resources, subresource ? `${plural}/${subresource}` : plural)) return false
  return namespace ? includes(rule.namespaces ?? [], namespace) : rule.clusterScope === true
}

function pathMatches(rule: NonResourcePolicyRule, { verb, path }: Attributes): boolean {
  if (!includes(rule.verbs, verb)) return false
  return rule.nonResourceURLs.some(
    url => url === '*' || url === path || path.startsWith(`${url.replace(/\*$/, '').replace(/\/$/, '')}/`),
  )
}

const includes = (list: string[], value: string): boolean => list[0] === '*' || list.includes(value)
