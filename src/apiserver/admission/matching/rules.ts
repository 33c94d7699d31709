import type { Operation } from '../chain.ts'

/** Rules of webhooks, and those of policies, which may name objects too. */
export interface Rule {
  apiGroups?: string[]
  apiVersions?: string[]
  // `pods`, `pods/exec`, `pods/*`, `*`, `*/scale`, `*/*`
  resources?: string[]
  operations?: string[]
  /** `Cluster`, `Namespaced` or `*` */
  scope?: string
  resourceNames?: string[]
}

/** What somebody wants to do, as rules see it. */
export interface Asked {
  group: string
  version: string
  plural: string
  /** '' for the object itself. */
  subresource: string
  namespaced: boolean
  operation: Operation
  name: string
}

export function ruleMatches(rule: Rule, asked: Asked): boolean {
  return (
    inScope(rule.scope, asked.namespaced) &&
    has(rule.operations, asked.operation) &&
    has(rule.apiGroups, asked.group) &&
    has(rule.apiVersions, asked.version) &&
    (rule.resources ?? []).some(pattern => resourceMatches(pattern, asked)) &&
    (!rule.resourceNames?.length || rule.resourceNames.includes(asked.name))
  )
}

function inScope(scope: string | undefined, namespaced: boolean): boolean {
  return scope === undefined || scope === '*' || scope === (namespaced ? 'Namespaced' : 'Cluster')
}

function has(values: string[] | undefined, asked: string): boolean {
  return values?.some(value => value === '*' || value === asked) ?? false
}

// `*` is every object but no sub-path; those need `*/*`, or their own name.
function resourceMatches(pattern: string, { plural, subresource }: Asked): boolean {
  const slash = pattern.indexOf('/')
  const [resource, sub] = slash < 0 ? [pattern, ''] : [pattern.slice(0, slash), pattern.slice(slash + 1)]
  return (resource === '*' || resource === plural) && (sub === '*' || sub === subresource)
}
