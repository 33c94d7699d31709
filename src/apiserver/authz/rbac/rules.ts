import type { PolicyRule } from '../../../models/types/rbac-v1.ts'
import type { Attributes } from '../authorizer.ts'

/** True if the rule allows what is asked. */
export function ruleAllows(rule: PolicyRule, { verb, resource, path }: Attributes): boolean {
  if (!has(rule.verbs, verb)) return false
  if (!resource) return rule.nonResourceURLs?.some(pattern => urlMatches(pattern, path)) ?? false
  if (!has(rule.apiGroups, resource.group)) return false
  if (!resourceMatches(rule.resources, resource.plural, resource.subresource)) return false
  return !rule.resourceNames?.length || rule.resourceNames.includes(resource.name)
}

/** True if whoever has `owned` may already do all that `wanted` allows: then it may be passed on. */
export function rulesCover(owned: PolicyRule[], wanted: PolicyRule): boolean {
  return notCovered(owned, wanted).length === 0
}

/** Of what `wanted` allows what `owned` does not, as rules of single values. */
export function notCovered(owned: PolicyRule[], wanted: PolicyRule): PolicyRule[] {
  return singleRules(wanted).filter(rule => !owned.some(own => covers(own, rule)))
}

function singleRules({ apiGroups = [], resources = [], nonResourceURLs = [], ...rest }: PolicyRule): PolicyRule[] {
  const names = rest.resourceNames?.length ? rest.resourceNames.map(name => ({ resourceNames: [name] })) : [{}]
  const out: PolicyRule[] = []
  for (const group of apiGroups)
    for (const resource of resources)
      for (const verb of rest.verbs)
        for (const name of names) out.push({ verbs: [verb], apiGroups: [group], resources: [resource], ...name })
  for (const url of nonResourceURLs) for (const verb of rest.verbs) out.push({ verbs: [verb], nonResourceURLs: [url] })
  return out
}

/** For a rule of single values. */
function covers(own: PolicyRule, rule: PolicyRule): boolean {
  if (!has(own.verbs, rule.verbs[0]!)) return false
  const url = rule.nonResourceURLs?.[0]
  if (url !== undefined)
    return (
      own.nonResourceURLs?.some(p => p === url || p === '*' || (p.endsWith('*') && url.startsWith(p.slice(0, -1)))) ??
      false
    )
  const [resource, subresource = ''] = rule.resources![0]!.split('/')
  if (!has(own.apiGroups, rule.apiGroups![0]!)) return false
  const text = rule.resources![0]!
  if (
    !own.resources?.includes('*') &&
    !own.resources?.includes(text) &&
    !(subresource && resourceMatches(own.resources, resource!, subresource))
  )
    return false
  if (!own.resourceNames?.length) return true
  return rule.resourceNames !== undefined && own.resourceNames.includes(rule.resourceNames[0]!)
}

function has(list: string[] | undefined, value: string): boolean {
  return list !== undefined && (list.includes(value) || list.includes('*'))
}

function resourceMatches(list: string[] | undefined, plural: string, subresource: string): boolean {
  if (!list) return false
  if (list.includes('*')) return true
  return subresource === ''
    ? list.includes(plural)
    : list.includes(`${plural}/${subresource}`) || list.includes(`*/${subresource}`)
}

function urlMatches(pattern: string, path: string): boolean {
  return pattern === '*' || pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1)))
}
