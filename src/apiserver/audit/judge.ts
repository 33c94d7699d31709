import type { Attributes } from '../authz/authorizer.ts'
import type { AuditPolicy, AuditRule, GroupResources, Level, Stage } from './policy.ts'

/** What is recorded of one request. */
export interface Judgement {
  level: Level
  omitStages: ReadonlySet<Stage>
  omitManagedFields: boolean
}

/** The first rule that fits decides; what none fits is not recorded. */
export function judge(policy: AuditPolicy, attributes: Attributes): Judgement {
  const rule = policy.rules.find(r => fits(r, attributes))
  return {
    level: rule?.level ?? 'None',
    omitStages: new Set([...(policy.omitStages ?? []), ...(rule?.omitStages ?? [])]),
    omitManagedFields: rule?.omitManagedFields ?? policy.omitManagedFields ?? false,
  }
}

function fits(rule: AuditRule, attributes: Attributes): boolean {
  const { user, verb } = attributes
  return (
    allows(rule.users, name => name === user.username) &&
    allows(rule.userGroups, group => user.groups.includes(group)) &&
    allows(rule.verbs, v => v === verb) &&
    fitsPlace(rule, attributes)
  )
}

/** A list that is empty allows everything. */
function allows(list: readonly string[] | undefined, test: (item: string) => boolean): boolean {
  return !list?.length || list.some(test)
}

function fitsPlace({ resources, namespaces, nonResourceURLs }: AuditRule, { resource, path }: Attributes): boolean {
  if (resources?.length || namespaces?.length) {
    if (!resource || !allows(namespaces, n => n === resource.namespace)) return false
    return !resources?.length || resources.some(r => fitsResource(r, resource))
  }
  if (nonResourceURLs?.length) return !resource && nonResourceURLs.some(url => fitsUrl(url, path))
  return true
}

function fitsResource(
  { group = '', resources, resourceNames }: GroupResources,
  wanted: NonNullable<Attributes['resource']>,
): boolean {
  if (group !== wanted.group) return false
  if (!resources?.length) return true
  const { plural, subresource, name } = wanted
  const whole = subresource ? `${plural}/${subresource}` : plural
  return (
    allows(resourceNames, n => n === name) &&
    resources.some(r => r === '*' || r === whole || r === `${plural}/*` || (subresource && r === `*/${subresource}`))
  )
}

function fitsUrl(pattern: string, path: string): boolean {
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern
}
